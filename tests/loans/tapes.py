"""Tapes handed to risk row by row, for books whose days past due must stand exactly on an edge."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from loans.selectors.portfolio_tape import ACTIVE
from risk.models import LoanTape
from risk.services.tape import tape_write
from tests.loans.builders import Borrower

DAY = date(2026, 10, 31)


def told(
    borrower: Borrower, day: date, *, late: int | None = None, owed: str = "100.00", loan: UUID | None = None,
    state: str = ACTIVE, start: date | None = None, on: date | None = None, floor: tuple[int, date] | None = None,
) -> UUID:  # fmt: skip
    """A row of `day`: a loan `late` days past due on `on` (None: nothing unpaid), paid out on `start`."""
    row = LoanTape(
        loan_id=loan or uuid4(),
        customer=borrower.customer,
        credit_line=borrower.line,
        product_id=borrower.line.product_id,
        business_date=day,
        state=state,
        plan="single",
        start_date=start or day,
        due_date=(start or day) + timedelta(days=30),
        principal_amount=Decimal("1000.00"),
        outstanding_principal_amount=Decimal(owed),
        unpaid_due_date=None if late is None else (on or DAY) - timedelta(days=late),
        daily_rate=Decimal("0.000400"),
        class_floor_days=floor[0] if floor else 0,
        class_floor_until_date=floor[1] if floor else None,
    )
    tape_write(business_date=day, rows=[row])
    return row.loan_id
