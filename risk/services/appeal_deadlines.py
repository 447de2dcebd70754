"""What happens to appeals by itself: pictures checked, staff reminded, the last working day's end (R39).

A row is the queue. The poller and the night both look at it; each act is taken once, on the locked row, and counts
from the appeal's own dates. So it does not matter who comes first, how late, or how often.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.errors import ProviderUnavailable
from accounts.providers import provider
from accounts.providers.types import DocumentCheck
from accounts.services.stored_image import stored_image_read
from risk.models import OPEN_APPEALS, WAITING_APPEALS, Appeal, AppealImage, AppealState, CreditLine
from risk.rules.appeals import may_grant_alone
from risk.selectors.appeals import is_denied
from risk.services.appeal import appeal_grant_step, appeal_lock, appeal_notice
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.fsm import take_step

log = structlog.get_logger(__name__)

ACTOR = Actor.system("appeals")
PAGE = 200
# Longer than three calls to the institution may take; whoever dies in between is overtaken afterwards.
CLAIM = timedelta(minutes=2)
# The reason the trail shows for what the last working day's end did.
DEADLINE = "appeal_deadline"


def appeals_advance(*, as_of: date, at: datetime) -> dict[str, int]:
    """One round of the poller. Rows somebody else holds wait for the next round."""
    return {
        "checked": appeals_check(at=at, as_of=as_of),
        "reminded": appeals_remind(as_of=as_of, at=at),
        "settled": appeals_settle(as_of=as_of, at=at),
    }


def appeals_close_day(*, day: date, at: datetime, progress: Callable[[int, int], None] | None = None) -> dict[str, int]:
    """The night of `day`: everything due by its end is done, whatever the clock says."""
    report = progress or (lambda done, total: None)
    done = {"checked": appeals_check(at=at, as_of=day)}
    report(1, 3)
    done["reminded"] = appeals_remind(as_of=day, at=at, closing=True)
    report(2, 3)
    done["settled"] = appeals_settle(as_of=day, at=at, closing=True)
    report(3, 3)
    return done


def _pages(rows: QuerySet[Appeal]) -> Iterator[UUID]:
    """Keys in order, page by page: what a page changed does not move the next one."""
    last: Any = None
    while True:
        page = rows.order_by("pk") if last is None else rows.order_by("pk").filter(pk__gt=last)
        keys = list(page.values_list("pk", flat=True)[:PAGE])
        if not keys:
            return
        yield from keys
        last = keys[-1]


# --- The pictures ------------------------------------------------------------------------------------------------


def appeals_check(*, at: datetime, as_of: date) -> int:
    """Has the pictures of new appeals read by the institution; one that is away is not asked again in this round."""
    unclaimed = Q(check_claimed_until__isnull=True) | Q(check_claimed_until__lt=at)
    rows = Appeal.objects.filter(unclaimed, state=AppealState.SUBMITTED, received_date__lte=as_of)
    done = 0
    for pk in _pages(rows):
        try:
            done += _check(pk, at)
        except ProviderUnavailable:
            log.warning("appeal_check_postponed", appeal=str(pk))
            Appeal.objects.filter(pk=pk, state=AppealState.SUBMITTED).update(check_claimed_until=None)
            break
    return done


def _check(appeal_id: UUID, at: datetime) -> int:
    images = _claim(appeal_id, at)
    if not images:
        return 0
    return _outcome(appeal_id, {image.pk: _ask(image) for image in images}, at)


@transaction.atomic
def _claim(appeal_id: UUID, at: datetime) -> list[AppealImage]:
    """The pictures, ours to ask about; nothing where somebody else was faster."""
    # Waits for whoever holds the row for a moment: passed over here, it would fall due without its pictures read.
    row = Appeal.objects.select_for_update(no_key=True).filter(pk=appeal_id, state=AppealState.SUBMITTED).first()
    if row is None or (row.check_claimed_until is not None and row.check_claimed_until >= at):
        return []
    row.check_claimed_until = at + CLAIM
    row.save(update_fields=["check_claimed_until"])
    return list(AppealImage.objects.filter(appeal=row).select_related("image", "appeal__customer"))


def _ask(image: AppealImage) -> DocumentCheck:
    customer = image.appeal.customer
    answer: DocumentCheck = provider("document").check(
        image.kind, stored_image_read(image.image), customer.name, customer.id_number
    )
    return answer


@transaction.atomic
def _outcome(appeal_id: UUID, answers: dict[UUID, DocumentCheck], at: datetime) -> int:
    appeal = appeal_lock(appeal_id)
    if appeal.state != AppealState.SUBMITTED:
        return 0
    passed = True
    for image in AppealImage.objects.select_for_update(no_key=True).filter(appeal=appeal):
        answer = answers[image.pk]
        image.faults = [*image.faults, *([] if answer.passed else [answer.reason])]
        image.passed, image.reference = not image.faults, answer.reference
        image.save(update_fields=["faults", "passed", "reference"])
        passed = passed and image.passed
    appeal.checked_at, appeal.check_claimed_until = at, None
    step = "documents_pass" if passed else "documents_fail"
    day = appeal.received_date
    take_step(appeal, step, actor=ACTOR, as_of=day, at=at, update_fields=("checked_at", "check_claimed_until"))
    appeal_notice(appeal, f"appeal_{appeal.state}", day)
    return 1


# --- The days ----------------------------------------------------------------------------------------------------


def appeals_remind(*, as_of: date, at: datetime, closing: bool = False) -> int:
    """Marks open appeals whose first working day is over, once each; while `closing` the date alone decides."""
    rows = Appeal.objects.filter(state__in=OPEN_APPEALS, reminded_at__isnull=True, remind_date__lte=as_of)
    due = rows if closing else rows.filter(remind_at__lte=at)
    return sum(_remind(pk, at) for pk in _pages(due))


@transaction.atomic
def _remind(appeal_id: UUID, at: datetime) -> int:
    rows = Appeal.objects.select_for_update(no_key=True, skip_locked=True)
    appeal = rows.filter(pk=appeal_id, state__in=OPEN_APPEALS, reminded_at__isnull=True).first()
    if appeal is None:
        return 0
    _reminder_record(appeal, at)
    return 1


def _reminder_record(appeal: Appeal, at: datetime) -> None:
    appeal.reminded_at = at
    appeal.save(update_fields=["reminded_at"])
    audit_record(action="appeal.remind", actor=ACTOR, subject=appeal, at=at, as_of=appeal.remind_date)


def appeals_settle(*, as_of: date, at: datetime, closing: bool = False) -> int:
    """The end of the last working day: granted where the papers allow it, else a supervisor's and late.

    The poller waits for the hour and leaves a line at work for its next round; while `closing` the day `as_of` the
    date alone decides and every line is waited for.
    """
    rows = Appeal.objects.filter(state__in=WAITING_APPEALS, due_date__lte=as_of)
    # Pictures that somebody asks about at this moment are waited for: their answer may grant it.
    rows = rows.exclude(state=AppealState.SUBMITTED, check_claimed_until__gte=at)
    due = rows if closing else rows.filter(due_at__lte=at)
    return sum(_settle(pk, at, wait=closing) for pk in _pages(due))


@transaction.atomic
def _settle(appeal_id: UUID, at: datetime, *, wait: bool) -> int:
    if not wait and not _line_free(appeal_id):
        return 0
    appeal = appeal_lock(appeal_id)
    if appeal.state not in WAITING_APPEALS or _being_checked(appeal, at):
        return 0
    if appeal.reminded_at is None:
        # Passed over while somebody held it: the reminder stands in the books as if nobody had.
        _reminder_record(appeal, at)
    # However late the round is, it counts from the day it was due.
    day = appeal.due_date
    passed, denied = appeal.state == AppealState.PASSED, is_denied(appeal.customer, day)
    if may_grant_alone(documents_passed=passed, frozen_reason=appeal.frozen_reason, is_denied=denied):
        appeal_grant_step(appeal, reason=DEADLINE, actor=ACTOR, user=None, as_of=day, at=at)
        return 1
    appeal.is_late = True
    take_step(appeal, "escalate", actor=ACTOR, as_of=day, at=at, reason=DEADLINE, update_fields=("is_late",))
    audit_record(action="appeal.escalate", actor=ACTOR, subject=appeal, at=at, as_of=day, reason=DEADLINE)
    appeal_notice(appeal, "appeal_escalated", day)
    return 1


def _being_checked(appeal: Appeal, at: datetime) -> bool:
    """Whether somebody claimed its pictures after it was found due."""
    claimed = appeal.check_claimed_until
    return appeal.state == AppealState.SUBMITTED and claimed is not None and claimed >= at


def _line_free(appeal_id: UUID) -> bool:
    """Locks the line unless somebody else holds it."""
    lines = CreditLine.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    return lines.filter(appeals=appeal_id).first() is not None
