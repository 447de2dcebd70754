"""R52 in the night: reminders once, what did not come in time, what became without object; also after an outage."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Notification
from loans.end_of_day.vouchers import vouchers_run
from loans.models import Loan, VoucherDemand
from loans.services.voucher_review import voucher_reject
from risk.models import Alert, ProductTerms
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.life import close_through, day, repay
from tests.loans.vouchers import EDGE, asked_loan, reviewer, submit
from weilidai.lib.models import BusinessDay, StateChange

pytestmark = [pytest.mark.django_db, pytest.mark.req("R52")]
D = Decimal


@pytest.fixture
def loan(alice: Borrower) -> Loan:
    return asked_loan(alice)


def night(number: int) -> dict[str, Any]:
    """The step that follows the end of the `number`-th day, in time."""
    return vouchers_run(day(number), lambda done, total: None, at=NOW + timedelta(days=number + 1))


def demand() -> VoucherDemand:
    return VoucherDemand.objects.get()


def told(kind: str) -> list[str]:
    rows = Notification.objects.filter(kind=kind).order_by("business_date")
    return [row.business_date.isoformat() for row in rows]


def test_reminders_go_out_on_their_days_once(loan: Loan):
    for number in (13, 14, 14, 15, 24, 24):
        night(number)
    assert told("voucher_reminder") == ["2026-09-30", "2026-10-10"]
    assert (demand().reminders_count, demand().next_reminder_date) == (2, None)


def test_the_deadlines_both_sides(loan: Loan):
    night(29)
    assert demand().state == "asked"
    night(30)
    night(30)
    assert demand().state == "missing"
    assert told("voucher_missing") == ["2026-10-16"]
    assert StateChange.objects.filter(new="missing").count() == 1
    alert = Alert.objects.get(rule="voucher_missing")
    assert (alert.evidence["asked"], alert.evidence["proved"], alert.repeats) == ("4800.00", "0.00", 0)


def test_terms_may_want_nothing_to_follow(alice: Borrower):
    ProductTerms.objects.update(voucher_consequence="nothing", voucher_reminder_days=[])
    asked_loan(alice)
    for number in (15, 25, 30):
        night(number)
    assert demand().state == "missing"
    assert not Alert.objects.filter(rule="voucher_missing").exists()
    assert told("voucher_reminder") == []


def test_nobody_is_reminded_or_late_while_enough_waits_for_us(alice: Borrower, loan: Loan):
    voucher = submit(alice, loan, amount=D("4799.99"))
    night(14)
    assert told("voucher_reminder") == ["2026-09-30"]
    submit(alice, loan, seed=2, amount=D("0.01"))
    for number in (24, 30, 31):
        night(number)
    assert (told("voucher_reminder"), demand().state) == (["2026-09-30"], "asked")
    voucher_reject(voucher_id=voucher.pk, reason="not yours", user=reviewer(), **EDGE)
    night(32)
    assert demand().state == "missing"


def test_after_an_outage_one_reminder_and_every_deadline(loan: Loan):
    # Twelve days are made up for: the days themselves are late, so only the last of them writes.
    BusinessDay.objects.all().delete()
    for number in range(14, 28):
        opening = BusinessDay.objects.create(date=day(number + 1), follows_clock=True, opened_at=NOW)
        vouchers_run(day(number), lambda done, total: None, at=NOW + timedelta(days=28))
        opening.delete()
    assert told("voucher_reminder") == ["2026-10-13"]
    assert (demand().reminders_count, demand().next_reminder_date) == (1, None)
    BusinessDay.objects.create(date=day(31), follows_clock=True, opened_at=NOW)
    told_late = vouchers_run(day(30), lambda done, total: None, at=NOW + timedelta(days=40))
    assert "waits" in told_late
    assert (demand().state, StateChange.objects.get(new="missing").business_date) == ("missing", day(31))


def test_a_closed_loan_needs_no_proof_and_an_opened_one_does_again(alice: Borrower, loan: Loan):
    repay(alice, loan, "6000.00", TODAY)
    close_through(TODAY)
    assert demand().state == "lapsed"
    Loan.objects.filter(pk=loan.pk).update(state="active", folded_date=None)
    night(0)
    assert (demand().state, demand().due_date) == ("asked", day(30))


def test_a_loan_closed_on_the_last_day_is_not_missing(alice: Borrower, loan: Loan):
    Loan.objects.filter(pk=loan.pk).update(state="settled")
    night(15)
    night(30)
    assert (told("voucher_reminder"), demand().state) == ([], "lapsed")
