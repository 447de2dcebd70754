"""R11, R12, R51: what counts as a pass, and both sides of every edge of the lock-outs."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils.translation import override

from accounts.errors import (
    PaymentPasswordLocked,
    PaymentPasswordMissing,
    PaymentPasswordWrong,
    VerificationFailed,
    VerificationLocked,
)
from accounts.models import Customer, VerificationAttempt
from accounts.services.verification import Verdict, payment_password_check, payment_password_set
from tests.accounts.builders import AT, PASSWORD, SHANGHAI, biometrics, customer_make
from weilidai.lib.audit import Actor
from weilidai.lib.errors import FieldInvalid
from weilidai.lib.models import AuditEvent

pytestmark = pytest.mark.django_db
DAY = timedelta(hours=24)
INSTANT = timedelta(microseconds=1)


def answers(customer: Customer, tries: int, at: datetime = AT) -> list[tuple[type[object], object]]:
    """The error of each of so many failures, with what it tells."""
    verdicts = [biometrics(customer, face="bad", at=at + timedelta(minutes=n)) for n in range(tries)]
    return [(type(v.error), next(iter(v.error.extra.values())) if v.error else None) for v in verdicts]


@pytest.mark.req("R12")
def test_three_failures_allow_another_try_and_the_fourth_locks_for_a_day(alice: Customer) -> None:
    fourth = datetime(2026, 11, 20, 10, 3, tzinfo=SHANGHAI)
    assert answers(alice, 4) == [
        (VerificationFailed, 3),
        (VerificationFailed, 2),
        (VerificationFailed, 1),
        (VerificationLocked, (fourth + DAY).isoformat()),
    ]


@pytest.mark.req("R12")
def test_three_failures_then_a_pass(alice: Customer) -> None:
    answers(alice, 3)
    assert biometrics(alice).passed


@pytest.mark.req("R12")
def test_while_locked_nothing_passes_nothing_counts_and_the_opening_does_not_move(alice: Customer) -> None:
    answers(alice, 4)
    opens = datetime(2026, 11, 21, 10, 3, tzinfo=SHANGHAI)
    verdicts = [biometrics(alice, at=opens - INSTANT), biometrics(alice, face="bad", at=opens - INSTANT)]
    assert [v.error.extra["retry_at"] for v in verdicts if v.error] == [opens.isoformat()] * 2
    assert VerificationAttempt.objects.count() == 4


@pytest.mark.req("R12")
def test_opens_exactly_after_24_hours_with_a_new_series_of_tries(alice: Customer) -> None:
    answers(alice, 4)
    opens = datetime(2026, 11, 21, 10, 3, tzinfo=SHANGHAI)
    assert [kind for kind, _ in answers(alice, 4, at=opens)] == [VerificationFailed] * 3 + [VerificationLocked]


@pytest.mark.req("R12")
def test_a_pass_at_the_opening_clears_the_lock(alice: Customer) -> None:
    answers(alice, 4)
    assert biometrics(alice, at=datetime(2026, 11, 21, 10, 3, tzinfo=SHANGHAI)).passed
    row = Customer.objects.get(pk=alice.pk)
    assert (row.verification_failed_count, row.verification_locked_until) == (0, None)


@pytest.mark.req("R12")
def test_a_success_resets_the_count(alice: Customer) -> None:
    answers(alice, 3)
    assert biometrics(alice).passed
    assert [left for _, left in answers(alice, 3)] == [3, 2, 1]


@pytest.mark.req("R12")
def test_the_hint_speaks_of_good_light(alice: Customer) -> None:
    for language, words in (("en", "good light"), ("zh-hans", "光线充足")):
        with override(language):
            assert words in str(VerificationFailed.title)
            assert words in str(VerificationLocked.title)


@pytest.mark.req("R12")
def test_one_customers_failures_lock_nobody_else(alice: Customer) -> None:
    answers(alice, 4)
    assert biometrics(customer_make("bob")).passed


@pytest.mark.req("R51", "R11")
@pytest.mark.parametrize(
    ("face", "voice", "passed"),
    [
        ("ok", "ok", True),
        ("ok", "bad", False),
        ("bad", "ok", False),
        ("rate:0.0029", "rate:0.0029", True),
        ("rate:0.003", "ok", False),
        ("ok", "rate:0.003", False),
        ("ok", "", False),
    ],
)
def test_both_factors_must_pass_under_the_error_rate(alice: Customer, face: str, voice: str, passed: bool) -> None:
    assert biometrics(alice, face=face, voice=voice).passed is passed


@pytest.mark.req("R51")
def test_both_factors_are_recorded(alice: Customer) -> None:
    biometrics(alice, face="rate:0.0029", voice="bad")
    row = VerificationAttempt.objects.get(customer=alice)
    assert (row.liveness_passed, row.liveness_error_rate, row.liveness_reference) == (
        True,
        Decimal("0.0029"),
        "sandbox",
    )
    assert (row.voiceprint_passed, row.voiceprint_error_rate) == (False, None)
    assert (row.passed, row.purpose, row.subject_id, row.device_fingerprint) == (False, "application", "1", "phone")
    assert AuditEvent.objects.filter(action="verification.failed", customer_id=alice.pk).count() == 1


# --- Payment password ---------------------------------------------------------------------------------------------


def check(customer: Customer, password: str, at: datetime = AT) -> Verdict:
    return payment_password_check(customer=customer, password=password, at=at)


@pytest.mark.req("R11")
def test_the_password_is_hashed(alice: Customer) -> None:
    assert PASSWORD not in alice.payment_password_hash
    assert check(alice, PASSWORD).passed


@pytest.mark.req("R11")
def test_five_wrong_passwords_lock_for_a_day_even_for_the_right_one(alice: Customer) -> None:
    errors = [check(alice, "000000").error for _ in range(5)]
    assert [e.extra for e in errors if isinstance(e, PaymentPasswordWrong)] == [
        {"attempts_left": n} for n in (4, 3, 2, 1)
    ]
    assert isinstance(errors[4], PaymentPasswordLocked)
    assert errors[4].extra == {"retry_at": (AT + DAY).isoformat()}
    assert isinstance(check(alice, PASSWORD, AT + DAY - INSTANT).error, PaymentPasswordLocked)
    assert check(alice, PASSWORD, AT + DAY).passed
    assert AuditEvent.objects.filter(action="payment_password.locked").count() == 1


@pytest.mark.req("R11")
def test_after_the_lock_a_new_series_begins(alice: Customer) -> None:
    for _ in range(5):
        check(alice, "000000")
    error = check(alice, "000000", AT + DAY).error
    assert isinstance(error, PaymentPasswordWrong)
    assert error.extra == {"attempts_left": 4}


@pytest.mark.req("R11")
def test_the_right_password_resets_the_count(alice: Customer) -> None:
    for _ in range(4):
        check(alice, "000000")
    check(alice, PASSWORD)
    error = check(alice, "000000").error
    assert error is not None
    assert error.extra == {"attempts_left": 4}


def test_password_and_biometrics_have_a_lock_of_their_own(alice: Customer) -> None:
    for _ in range(5):
        check(alice, "000000")
    assert biometrics(alice).passed


def test_without_a_password_none_is_right(newcomer: Customer) -> None:
    assert isinstance(check(newcomer, "").error, PaymentPasswordMissing)


def replace(customer: Customer, new: str, current: str | None) -> Verdict:
    return payment_password_set(customer=customer, new=new, current=current, actor=Actor.of(customer), at=AT)


def test_replacing_needs_the_current_password(alice: Customer) -> None:
    assert replace(alice, "246802", PASSWORD).passed
    assert not check(alice, PASSWORD).passed
    assert check(alice, "246802").passed


@pytest.mark.parametrize("current", [None, ""])
def test_a_missing_current_password_is_no_failed_try(alice: Customer, current: str | None) -> None:
    with pytest.raises(FieldInvalid):
        replace(alice, "246802", current)
    assert Customer.objects.get(pk=alice.pk).payment_password_failed_count == 0


def test_a_wrong_current_password_counts_and_changes_nothing(alice: Customer) -> None:
    assert isinstance(replace(alice, "246802", "000000").error, PaymentPasswordWrong)
    assert Customer.objects.get(pk=alice.pk).payment_password_failed_count == 1
    assert check(alice, PASSWORD).passed


def test_of_two_first_passwords_the_second_must_know_the_first(newcomer: Customer) -> None:
    assert replace(newcomer, "111222", None).passed
    with pytest.raises(FieldInvalid):
        # `newcomer` was read before the first one was set.
        replace(newcomer, "333444", None)
    assert check(newcomer, "111222").passed
