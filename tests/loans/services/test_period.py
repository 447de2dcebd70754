"""A closed month takes no posting; its balances carry on; debits equal credits on every trial balance."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import StaffUser
from loans import ledger
from loans.models import AccountingPeriod, JournalEntry, PeriodBalance
from loans.selectors.trial_balance import NO_PRODUCT, balances_before, month_end, trial_balance
from loans.services.journal import entry_post
from loans.services.period import PeriodClosed, PeriodNotOver, period_close
from tests.loans.builders import NOW, Borrower
from tests.loans.life import active_loan, close_through, repay
from weilidai.lib.models import AuditEvent

SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)
D = Decimal


@pytest.fixture
def fiona(db: None) -> StaffUser:
    return StaffUser.objects.create(username="fiona")


@pytest.fixture
def lived(alice: Borrower) -> Borrower:
    """1000 yuan out on 15 September at 0.04 % a day, repaid on 2 October, days closed through 2 October."""
    loan = active_loan(alice, days=30)
    close_through(date(2026, 10, 1))
    repay(alice, loan, "506.80", date(2026, 10, 2))
    close_through(date(2026, 10, 2))
    return alice


def close(first_day: date, user: StaffUser) -> AccountingPeriod:
    return period_close(first_day=first_day, user=user, reason="month end", at=NOW)


def post(effective_date: date, reference: str = "late") -> JournalEntry:
    lines = [("1002", ledger.DEBIT, D("1.00")), ("1303", ledger.CREDIT, D("1.00"))]
    return entry_post(kind="repayment", reference=reference, effective_date=effective_date, at=NOW, lines=lines)


def closing(first: date, last: date, product: str | None = None) -> dict[str, Decimal]:
    return {line.account.code: line.closing for line in trial_balance(first, last, product) if line.closing}


def test_a_trial_balance_opens_where_the_last_closed_and_adds_up(lived: Borrower):
    september = trial_balance(SEPTEMBER, date(2026, 9, 30))
    by_code = {line.account.code: line for line in september}
    loans = by_code["1303"]
    assert (loans.opening, loans.debits, loans.credits, loans.closing) == (D(0), D("1000.00"), D(0), D("1000.00"))
    assert by_code["1132"].closing == D("6.40")
    assert sum(line.debits for line in september) == sum(line.credits for line in september) == D("1006.40")
    october = {line.account.code: line for line in trial_balance(OCTOBER, date(2026, 10, 2))}
    assert october["1303"].opening == D("1000.00")
    assert october["1303"].closing == D("500.00")
    assert sum(line.closing for line in october.values()) == 0


def test_closed_balances_give_the_same_trial_balance(lived: Borrower, fiona: StaffUser):
    before = trial_balance(OCTOBER, date(2026, 10, 2))
    period = close(SEPTEMBER, fiona)
    assert trial_balance(OCTOBER, date(2026, 10, 2)) == before
    assert closing(OCTOBER, date(2026, 10, 2), "weilidai") == closing(OCTOBER, date(2026, 10, 2))
    assert closing(OCTOBER, date(2026, 10, 2), NO_PRODUCT) == {}
    assert period.turnover_amount == D("1006.40")
    assert period.entries_count == JournalEntry.objects.filter(effective_date__lt=OCTOBER).count()
    kept = {row.ledger_account_id: row.closing_amount for row in PeriodBalance.objects.all()}
    assert kept == balances_before(OCTOBER)
    assert AuditEvent.objects.filter(action="period.close", actor_name="fiona").count() == 1


def test_a_closed_month_takes_no_posting(lived: Borrower, fiona: StaffUser):
    close(SEPTEMBER, fiona)
    for late in (date(2026, 9, 30), date(2026, 9, 1), date(2026, 8, 31)):
        with pytest.raises(PeriodClosed):
            post(late)
    assert post(OCTOBER).effective_date == OCTOBER


@pytest.mark.parametrize("first_day", [OCTOBER, date(2026, 11, 1)])
def test_a_month_with_an_open_business_day_stays_open(lived: Borrower, fiona: StaffUser, first_day: date):
    close(SEPTEMBER, fiona)
    with pytest.raises(PeriodNotOver):
        close(first_day, fiona)


def test_months_are_closed_in_order_and_once(lived: Borrower, fiona: StaffUser):
    close_through(date(2026, 10, 31))
    with pytest.raises(PeriodNotOver):
        close(OCTOBER, fiona)
    close(SEPTEMBER, fiona)
    close(OCTOBER, fiona)
    with pytest.raises(PeriodClosed):
        close(SEPTEMBER, fiona)
    assert AccountingPeriod.objects.count() == 2


def test_the_last_day_must_be_closed(alice: Borrower, fiona: StaffUser):
    active_loan(alice, days=30)
    close_through(date(2026, 9, 29))
    with pytest.raises(PeriodNotOver):
        close(SEPTEMBER, fiona)
    close_through(date(2026, 9, 30))
    assert close(SEPTEMBER, fiona).first_day == SEPTEMBER


@pytest.mark.parametrize(
    ("first_day", "last_day"),
    [
        (date(2024, 2, 1), date(2024, 2, 29)),
        (date(2026, 2, 1), date(2026, 2, 28)),
        (date(2026, 12, 1), date(2026, 12, 31)),
    ],
)
def test_the_end_of_a_month(first_day: date, last_day: date):
    assert month_end(first_day) == last_day


@pytest.mark.postgres
def test_the_database_refuses_a_posting_into_a_closed_month(lived: Borrower, fiona: StaffUser):
    close(SEPTEMBER, fiona)
    with pytest.raises(IntegrityError, match="2026-09 are closed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO loans_journalentry (id, kind, reference, effective_date, posted_at) "
            "VALUES (gen_random_uuid(), 'fee', 'forged', '2026-09-30', now())"
        )


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_no_posting_slips_into_a_month_that_is_being_closed(lived: Borrower, fiona: StaffUser):
    """Twenty postings race with the closing: whatever got in is in the kept balance, the rest was refused."""

    def run(number: int) -> Any:
        try:
            return close(SEPTEMBER, fiona) if number == 10 else post(date(2026, 9, 30), f"late-{number}")
        except PeriodClosed as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(run, range(20)))
    posted = sum(isinstance(answer, JournalEntry) for answer in answers)
    assert posted + sum(isinstance(answer, PeriodClosed) for answer in answers) == 19
    kept = PeriodBalance.objects.filter(ledger_account="1303", product__isnull=True)
    assert sum((row.closing_amount for row in kept), D(0)) == -posted
