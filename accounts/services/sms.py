"""Text messages of notices: due in the database, handed to the provider outside any transaction, once per notice.

The attempt is committed before the provider is called and names the message by its own id, so that a try repeated
after a kill or a time-out is the same message to the provider.
"""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import override

from accounts.errors import ContactDailyLimit, ContactNotOwnNumber, ContactQuietHours, ProviderUnavailable
from accounts.models import ContactAttempt, ContactChannel, Notification
from accounts.notices import DEBT_KINDS, notice_text
from accounts.providers import provider
from accounts.providers.types import Check
from accounts.services.contact import contact_reserve
from weilidai.lib.audit import Actor

ACTOR = Actor.system("sms")
PAGE = 50
# While a message is being handed over nobody else takes it up; after a kill it is due again.
LEASE = timedelta(seconds=60)
TRIES_MAX = 6
# News of an earlier business day is told in the app only.
STALE_DAYS = 1
State = ContactAttempt.State


def sms_send_due(*, at: datetime, as_of: date) -> int:
    """One page of what is due, sent or put off; the number of notices looked at."""
    due, attempts = _claim(at, as_of)
    for attempt in attempts:
        _hand_over(attempt, at)
    return due


@transaction.atomic
def _claim(at: datetime, as_of: date) -> tuple[int, list[ContactAttempt]]:
    rows = (
        Notification.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
        .filter(sms_due_at__lte=at, sms_sent_at__isnull=True)
        .select_related("customer")
        .order_by("sms_due_at")[:PAGE]
    )
    attempts = [_attempt_of(row, at, as_of) for row in rows]
    return len(attempts), [attempt for attempt in attempts if attempt is not None]


def _attempt_of(row: Notification, at: datetime, as_of: date) -> ContactAttempt | None:
    """The attempt to make now, or None where the message may not or need not go out at this moment."""
    attempt = ContactAttempt.objects.filter(notification=row).first()
    if attempt is None:
        if row.business_date < as_of - timedelta(days=STALE_DAYS):
            _later(row, None)
            return None
        try:
            attempt = contact_reserve(
                customer=row.customer, channel=ContactChannel.SMS, about_debt=row.kind in DEBT_KINDS, at=at,
                actor=ACTOR, notification=row,
            )  # fmt: skip
        except (ContactQuietHours, ContactDailyLimit) as refusal:
            _later(row, datetime.fromisoformat(refusal.extra["next_at"]))
            return None
        except ContactNotOwnNumber:
            _later(row, None)
            return None
    attempt.tries += 1
    attempt.save(update_fields=["tries"])
    _later(row, at + LEASE * attempt.tries)
    attempt.notification = row
    return attempt


def _later(row: Notification, due_at: datetime | None) -> None:
    row.sms_due_at = due_at
    row.save(update_fields=["sms_due_at"])


def _hand_over(attempt: ContactAttempt, at: datetime) -> None:
    row = attempt.notification
    if row is None:
        raise ValueError("only the message of a notice is handed over")
    with override(row.customer.language):
        title, body = notice_text(row.kind, row.params)
    try:
        answer = provider("sms").send(str(attempt.pk), row.customer.phone, f"{title} {body}".strip())
    except ProviderUnavailable:
        if attempt.tries >= TRIES_MAX:
            _finish(attempt, Check(False, "no answer"), at)
        return
    _finish(attempt, answer, at)


@transaction.atomic
def _finish(attempt: ContactAttempt, answer: Check, at: datetime) -> None:
    row = Notification.objects.select_for_update(no_key=True).get(contact_attempt=attempt)
    row.sms_due_at = None
    row.sms_sent_at = at if answer.passed else None
    row.save(update_fields=["sms_due_at", "sms_sent_at"])
    attempt.state = State.DONE if answer.passed else State.FAILED
    attempt.result = answer.reference[:300]
    attempt.save(update_fields=["state", "result"])
