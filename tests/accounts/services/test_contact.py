"""No debt is spoken of at night, too often or to others; text messages go out once, or wait for their hour (R60)."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from accounts.errors import ContactDailyLimit, ContactNotOwnNumber, ContactQuietHours, ProviderUnavailable
from accounts.models import ContactAttempt, ContactChannel, Customer, Notification
from accounts.providers.sandbox.sms import Provider
from accounts.providers.types import Check
from accounts.services.contact import call_record, contact_reserve, contact_rules_preset
from accounts.services.notification import notification_send
from accounts.services.sms import LEASE, TRIES_MAX, sms_send_due
from tests.accounts.builders import AS_OF, PHONE, SHANGHAI, customer_make
from weilidai.lib.audit import Actor
from weilidai.lib.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.req("R60")]

COLLECTOR = Actor(kind="staff", id="7", name="carol")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=SHANGHAI)


@pytest.fixture
def alice() -> Customer:
    contact_rules_preset()
    return customer_make("alice")


def moment(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 20, hour, minute, second, tzinfo=SHANGHAI)


def call(customer: Customer, at: datetime, phone: str = PHONE) -> ContactAttempt:
    return call_record(customer=customer, phone=phone, result="promised to pay", actor=COLLECTOR, at=at)


def notice(customer: Customer, kind: str = "overdue", key: str = "1", day: date = AS_OF) -> Notification:
    params = {"amount": "100.00", "due_date": "2026-11-19", "days": 1}
    return notification_send(customer=customer, kind=kind, params=params, dedupe_key=key, business_date=day)


def due(row: Notification, at: datetime) -> Notification:
    """The notice as if it had come up at that moment."""
    Notification.objects.filter(pk=row.pk).update(sms_due_at=at)
    return row


def send(at: datetime, as_of: date = AS_OF) -> int:
    return sms_send_due(at=at, as_of=as_of)


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    messages: list[tuple[str, str, str]] = []
    honest = Provider.send

    def record(self: Provider, reference: str, phone: str, text: str) -> Check:
        messages.append((reference, phone, text))
        return honest(self, reference, phone, text)

    monkeypatch.setattr(Provider, "send", record)
    return messages


@pytest.mark.parametrize("at", [moment(8), moment(12), moment(21, 59, 59)])
def test_by_day_a_call_is_recorded(alice: Customer, at: datetime):
    attempt = call(alice, at)
    assert (attempt.state, attempt.phone_tail, attempt.actor_name) == ("done", "8000", "carol")
    assert AuditEvent.objects.filter(action="contact.call", customer_id=alice.pk).count() == 1


@pytest.mark.parametrize(
    ("at", "opens"),
    [(moment(22), "2026-11-21T08:00:00+08:00"), (moment(7, 59, 59), "2026-11-20T08:00:00+08:00")],
)
def test_by_night_nobody_is_called(alice: Customer, at: datetime, opens: str):
    with pytest.raises(ContactQuietHours) as refusal:
        call(alice, at)
    assert refusal.value.extra["next_at"] == opens
    assert not ContactAttempt.objects.exists()


def test_the_hour_is_that_of_shanghai(alice: Customer):
    with pytest.raises(ContactQuietHours):
        call(alice, datetime.fromisoformat("2026-11-20T15:00:00+00:00"))
    assert call(alice, datetime.fromisoformat("2026-11-20T01:00:00+00:00")).local_date == date(2026, 11, 20)


def test_the_sixth_attempt_of_a_day_is_the_last(alice: Customer):
    for minute in range(6):
        call(alice, moment(12, minute))
    with pytest.raises(ContactDailyLimit) as refusal:
        call(alice, moment(12, 6))
    assert refusal.value.extra["next_at"] == "2026-11-21T08:00:00+08:00"
    assert call(alice, moment(12) + timedelta(days=1)).state == "done"
    assert ContactAttempt.objects.count() == 7


def test_text_messages_and_calls_count_together(alice: Customer, outbox: list[Any]):
    for number in range(6):
        due(notice(alice, key=str(number)), NOON)
    send(NOON)
    assert len(outbox) == 6
    with pytest.raises(ContactDailyLimit):
        call(alice, moment(13))


def test_another_persons_number_is_never_called(alice: Customer):
    with pytest.raises(ContactNotOwnNumber):
        call(alice, NOON, phone="13900139000")
    with pytest.raises(ContactNotOwnNumber):
        call(alice, NOON, phone="")


def test_without_a_rule_no_debt_is_spoken_of():
    customer = customer_make("bob")
    with pytest.raises(ContactQuietHours):
        call(customer, NOON)


def test_a_message_goes_out_once_in_the_customers_language(alice: Customer, outbox: list[Any]):
    row = due(notice(alice), NOON)
    assert send(NOON) == 1
    assert send(NOON + timedelta(hours=1)) == 0
    attempt = ContactAttempt.objects.get(notification=row)
    assert [(str(attempt.pk), PHONE)] == [message[:2] for message in outbox]
    assert "100.00" in outbox[0][2]
    assert "逾期" in outbox[0][2]
    row.refresh_from_db()
    assert (attempt.state, attempt.tries, row.sms_sent_at, row.sms_due_at) == ("done", 1, NOON, None)


def test_a_debt_message_of_the_night_waits_for_the_morning(alice: Customer, outbox: list[Any]):
    row = due(notice(alice), moment(22))
    send(moment(22))
    row.refresh_from_db()
    assert (outbox, row.sms_due_at) == ([], moment(8) + timedelta(days=1))
    send(moment(8) + timedelta(days=1))
    assert len(outbox) == 1


def test_news_that_is_no_debt_goes_out_at_night(alice: Customer, outbox: list[Any]):
    due(notice(alice, kind="loan_disbursed"), moment(23))
    send(moment(23))
    assert len(outbox) == 1


def test_a_kind_for_the_app_alone_is_never_sent(alice: Customer):
    assert notice(alice, kind="repayment_received").sms_due_at is None


def test_a_provider_without_an_answer_is_asked_again_with_the_same_reference(alice: Customer, monkeypatch: Any):
    seen: list[str] = []

    def silent(self: Provider, reference: str, phone: str, text: str) -> Check:
        seen.append(reference)
        raise ProviderUnavailable

    monkeypatch.setattr(Provider, "send", silent)
    row, at = due(notice(alice), NOON), NOON
    for number in range(1, TRIES_MAX + 2):
        send(at)
        at += LEASE * number
    attempt = ContactAttempt.objects.get(notification=row)
    assert (set(seen), len(seen), attempt.state) == ({str(attempt.pk)}, TRIES_MAX, "failed")
    row.refresh_from_db()
    assert (row.sms_due_at, row.sms_sent_at) == (None, None)


def test_a_sender_that_died_leaves_the_message_to_the_next(alice: Customer, outbox: list[Any], monkeypatch: Any):
    honest = Provider.send

    def killed(*args: Any) -> Check:
        honest(*args)
        raise KeyboardInterrupt

    row = due(notice(alice), NOON)
    with monkeypatch.context() as patched:
        patched.setattr(Provider, "send", killed)
        with pytest.raises(KeyboardInterrupt):
            send(NOON)
    assert send(NOON + LEASE - timedelta(seconds=1)) == 0
    assert send(NOON + LEASE) == 1
    assert {message[0] for message in outbox} == {str(ContactAttempt.objects.get(notification=row).pk)}


def test_an_unreachable_number_is_given_up(alice: Customer, monkeypatch: Any):
    monkeypatch.setattr(Provider, "send", lambda *args: Check(False, "no such number"))
    row = due(notice(alice), NOON)
    send(NOON)
    attempt = ContactAttempt.objects.get(notification=row)
    assert (attempt.state, attempt.result) == ("failed", "no such number")
    assert send(NOON + timedelta(days=1)) == 0


@pytest.mark.parametrize(("day", "sent"), [(AS_OF - timedelta(days=1), 1), (AS_OF - timedelta(days=2), 0)])
def test_old_news_is_not_sent(alice: Customer, outbox: list[Any], day: date, sent: int):
    due(notice(alice, day=day), NOON)
    send(NOON)
    assert len(outbox) == sent


def test_who_has_no_number_gets_no_message(outbox: list[Any]):
    contact_rules_preset()
    row = due(notice(customer_make("bob", verified=False, password=None)), NOON)
    send(NOON)
    row.refresh_from_db()
    assert (outbox, row.sms_due_at) == ([], None)


def test_a_contact_that_is_no_debt_is_not_counted(alice: Customer):
    for _ in range(8):
        contact_reserve(
            customer=alice, channel=ContactChannel.SMS, about_debt=False, at=NOON, actor=Actor.system("sms")
        )
    assert call(alice, NOON).state == "done"
