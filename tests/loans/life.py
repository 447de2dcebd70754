"""Helpers to live days: pay loans out, close days, repay, and look at the book."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from loans.books.checks import CHECKS, faults_of
from loans.books.fault import Fault
from loans.end_of_day.run import AnyStep, days_close
from loans.end_of_day.steps import STEPS
from loans.models import Loan, Posting, Repayment
from loans.services.repayment import repayment_make
from tests.loans.builders import NOW, TODAY, Borrower, turns
from weilidai.lib.audit import Actor


def active_loan(borrower: Borrower, amount: str = "1000.00", **values: Any) -> Loan:
    """A loan whose money arrived on TODAY."""
    loan = borrower.draw(amount, **values)
    turns(3)
    return Loan.objects.get(pk=loan.pk)


# What a night does for those without a loan; `STEPS` runs where a test is about a whole night.
WITHOUT_LOANS = {
    "invitations", "applications", "appeals", "prescreening", "rate_review", "limit_raises", "approval_band", "images",
}  # fmt: skip
LOAN_STEPS = tuple(step for step in STEPS if step.name not in WITHOUT_LOANS)


def close_through(day: date, *, steps: tuple[AnyStep, ...] = LOAN_STEPS) -> list[date]:
    return days_close(through=day, steps=steps)


def repay(borrower: Borrower, loan: Loan, amount: str, as_of: date) -> Repayment:
    return repayment_make(
        loan_id=loan.pk,
        customer=borrower.customer,
        amount=Decimal(amount),
        as_of=as_of,
        at=NOW + (as_of - TODAY),
        actor=Actor.of(borrower.customer),
    )


def faults() -> list[Fault]:
    return [fault for check in CHECKS for fault in faults_of(check)]


def ledger(code: str) -> Decimal:
    """Debits less credits of a ledger account."""
    rows = Posting.objects.filter(ledger_account_id=code)
    return sum((row.amount if row.side == "debit" else -row.amount for row in rows), Decimal(0))


def day(number: int) -> date:
    """The `number`-th day after TODAY."""
    return TODAY + timedelta(days=number)
