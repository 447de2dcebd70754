"""A customer's appeal against a freeze, from its arrival to a person's answer (R39).

Lock order: credit line, then appeal. The automatic side (checks, reminder, deadline) is in `appeal_deadlines`.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer, ImagePurpose, StaffUser, StoredImage
from accounts.services.notification import notification_send
from accounts.services.stored_image import images_filed
from risk.errors import AppealOpen, CreditLineClosed, EvidenceIncomplete, FourEyesRequired, ReasonRequired
from risk.models import OPEN_APPEALS, Appeal, AppealImage, AppealState, CreditLine, LineState
from risk.rules.appeals import FAULTS, Picture, appeal_dates, picture_faults
from risk.selectors.appeals import freezer_id
from risk.selectors.applications import line_of
from risk.selectors.policy import terms_current
from risk.services.credit_line import credit_line_lock, credit_line_unfreeze
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.business_date import SHANGHAI
from weilidai.lib.errors import ObjectNotFound, TransitionRefused
from weilidai.lib.fsm import take_step
from weilidai.lib.uploads import CleanImage, images_clean

KINDS = tuple(AppealImage.Kind.values)
NEEDED = _("Three different pictures are needed: the identity card's front and back, and you holding it")
STAFF_MAY_DECIDE = "risk.change_appeal"
SUPERVISOR_MAY_DECIDE = "risk.decide_escalated_appeal"


def appeal_submit(
    *,
    line_id: UUID,
    customer: Customer,
    files: Mapping[str, bytes],
    statement: str,
    actor: Actor,
    as_of: date,
    at: datetime,
) -> Appeal:
    """Takes three pictures and a statement against the freeze of an own line; `files` by `AppealImage.Kind`.

    Raises `CreditLineClosed`, `TransitionRefused` (not frozen), `AppealOpen`, `EvidenceIncomplete`, `UploadRejected`.
    """
    # Looked at before the pictures are: unpacking them costs far more than this question.
    _appeal_check(line_of(customer, line_id))
    images = _evidence(files)
    with (
        images_filed(customer=customer, purpose=ImagePurpose.APPEAL, images=images, at=at) as stored,
        transaction.atomic(),
    ):
        line = credit_line_lock(line_id, customer=customer)
        _appeal_check(line)
        appeal = _appeal_create(line, statement, as_of, at)
        _images_create(appeal, images, stored)
        state_change_record(subject=appeal, old="", new=appeal.state, actor=actor, as_of=as_of, at=at)
        audit_record(action="appeal.submit", actor=actor, subject=appeal, at=at, as_of=as_of)
        appeal_notice(appeal, "appeal_received", as_of)
    return appeal


def _appeal_check(line: CreditLine) -> None:
    if line.state == LineState.CLOSED:
        raise CreditLineClosed
    if line.state != LineState.FROZEN:
        raise TransitionRefused(state=str(line.state))
    if Appeal.objects.filter(credit_line=line, state__in=OPEN_APPEALS).exists():
        raise AppealOpen


def _evidence(files: Mapping[str, bytes]) -> dict[str, CleanImage]:
    """Three clean pictures, no two of them the same."""
    missing = [kind for kind in KINDS if kind not in files]
    if missing:
        raise EvidenceIncomplete(NEEDED, field_errors=[_missing(kind, "required") for kind in missing])
    images = images_clean({kind: files[kind] for kind in KINDS})
    first = {image.sha256: kind for kind, image in reversed(images.items())}
    twice = [kind for kind, image in images.items() if first[image.sha256] != kind]
    if twice:
        raise EvidenceIncomplete(NEEDED, field_errors=[_missing(kind, "same_picture") for kind in twice])
    return images


def _missing(kind: str, code: str) -> dict[str, object]:
    return {"field": kind, "code": code, "detail": FAULTS.get(code, NEEDED)}


def _appeal_create(line: CreditLine, statement: str, as_of: date, at: datetime) -> Appeal:
    terms = terms_current(line.product_id, as_of)
    remind_date, due_date = appeal_dates(
        as_of, reminder_days=terms.appeal_reminder_working_days, answer_days=terms.appeal_answer_working_days
    )
    hour = time(terms.appeal_answer_hour, tzinfo=SHANGHAI)
    return Appeal.objects.create(
        customer_id=line.customer_id,
        credit_line=line,
        statement=statement,
        frozen_reason=line.frozen_reason,
        received_at=at,
        received_date=as_of,
        remind_date=remind_date,
        remind_at=datetime.combine(remind_date, hour),
        due_date=due_date,
        due_at=datetime.combine(due_date, hour),
    )


def _images_create(appeal: Appeal, images: dict[str, CleanImage], stored: dict[str, StoredImage]) -> None:
    """Saves the pictures with what can be told without asking anybody."""
    pictures = {kind: _picture(appeal, kind, image) for kind, image in images.items()}
    for kind, row in stored.items():
        row.save()
        others = [picture for picture in pictures.values() if picture.kind != kind]
        AppealImage.objects.create(
            appeal=appeal, kind=kind, image=row, faults=picture_faults(pictures[kind], others),
            customer_id=appeal.customer_id,
        )  # fmt: skip


def _picture(appeal: Appeal, kind: str, image: CleanImage) -> Picture:
    copies = StoredImage.objects.filter(sha256=image.sha256).exclude(customer_id=appeal.customer_id)
    return Picture(
        kind=kind,
        width=image.width,
        height=image.height,
        sharpness=image.sharpness,
        brightness=image.brightness,
        look=image.look,
        seen_elsewhere=copies.exists(),
    )


def appeal_lock(appeal_id: UUID) -> Appeal:
    """Line and appeal under lock, in this order, until the caller's transaction ends. Raises `ObjectNotFound`."""
    line_id = Appeal.objects.filter(pk=appeal_id).values_list("credit_line_id", flat=True).first()
    if line_id is None:
        raise ObjectNotFound
    line = credit_line_lock(line_id)
    appeal = Appeal.objects.select_for_update(no_key=True).get(pk=appeal_id)
    appeal.credit_line = line
    return appeal


@transaction.atomic
def appeal_take_over(*, appeal_id: UUID, user: StaffUser, as_of: date, at: datetime) -> Appeal:
    """The user handles it from now on. Raises `TransitionRefused` for one that is answered."""
    appeal = appeal_lock(appeal_id)
    if not appeal.is_open:
        raise TransitionRefused(state=str(appeal.state))
    before = appeal.handler.get_username() if appeal.handler else ""
    appeal.handler = user
    appeal.save(update_fields=["handler"])
    audit_record(
        action="appeal.take_over", actor=Actor.of(user), subject=appeal, at=at, as_of=as_of,
        before={"handler": before}, after={"handler": user.get_username()},
    )  # fmt: skip
    return appeal


@transaction.atomic
def appeal_grant(*, appeal_id: UUID, reason: str, user: StaffUser, as_of: date, at: datetime) -> Appeal:
    """Unfreezes the line. Raises `ReasonRequired`, `TransitionRefused`, `FourEyesRequired`."""
    appeal = _decidable(appeal_id, reason, user)
    appeal_grant_step(appeal, reason=reason, actor=Actor.of(user), user=user, as_of=as_of, at=at)
    return appeal


def appeal_grant_step(
    appeal: Appeal, *, reason: str, actor: Actor, user: StaffUser | None, as_of: date, at: datetime
) -> None:
    """The grant of a locked appeal, by a person or by the clock (`user` is None)."""
    _answer(appeal, "grant", reason=reason, actor=actor, user=user, as_of=as_of, at=at)
    credit_line_unfreeze(line_id=appeal.credit_line_id, reason=reason, actor=actor, as_of=as_of, at=at)
    appeal_notice(appeal, "appeal_granted", as_of)


@transaction.atomic
def appeal_refuse(*, appeal_id: UUID, reason: str, user: StaffUser, as_of: date, at: datetime) -> Appeal:
    """The freeze stands; the customer is told the reason. Whoever froze the line cannot refuse the appeal.

    Raises `ReasonRequired`, `TransitionRefused`, `FourEyesRequired`.
    """
    appeal = _decidable(appeal_id, reason, user)
    if freezer_id(appeal.credit_line) == str(user.pk):
        raise FourEyesRequired
    _answer(appeal, "refuse", reason=reason, actor=Actor.of(user), user=user, as_of=as_of, at=at)
    appeal_notice(appeal, "appeal_refused", as_of, answer=reason)
    return appeal


def _decidable(appeal_id: UUID, reason: str, user: StaffUser) -> Appeal:
    """Locked and within the user's right: an escalated appeal is a supervisor's."""
    if not reason.strip():
        raise ReasonRequired
    appeal = appeal_lock(appeal_id)
    needed = SUPERVISOR_MAY_DECIDE if appeal.state == AppealState.ESCALATED else STAFF_MAY_DECIDE
    if not user.has_perm(needed):
        raise FourEyesRequired
    return appeal


def _answer(
    appeal: Appeal, step: str, *, reason: str, actor: Actor, user: StaffUser | None, as_of: date, at: datetime
) -> None:
    # What a person wrote is told to the customer; the clock has no words of its own.
    appeal.answer, appeal.answered_by, appeal.answered_at = reason[:500] if user else "", user, at
    appeal.is_late = appeal.is_late or (user is not None and as_of > appeal.due_date)
    take_step(
        appeal, step, actor=actor, as_of=as_of, at=at, reason=reason,
        update_fields=("answer", "answered_by", "answered_at", "is_late"),
    )  # fmt: skip
    audit_record(
        action=f"appeal.{step}", actor=actor, subject=appeal, at=at, as_of=as_of, reason=reason[:500],
        after={"late": appeal.is_late},
    )  # fmt: skip


def appeal_notice(appeal: Appeal, kind: str, as_of: date, **params: str) -> None:
    """Tells the customer, once per appeal and kind."""
    notification_send(
        customer=appeal.customer,
        kind=kind,
        params={
            "product": appeal.credit_line.product_id,
            "due": appeal.due_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"),
            **params,
        },
        dedupe_key=f"{kind}:{appeal.pk}",
        business_date=as_of,
    )
