"""Loans whose use is to be proved, and vouchers of it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from accounts.models import StaffUser
from loans.models import Loan, Voucher
from loans.services.voucher import Spending, voucher_submit
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.life import active_loan
from tests.support.pictures import photo
from weilidai.lib.audit import Actor

EDGE: dict[str, Any] = {"as_of": TODAY, "at": NOW}
WORDS: dict[str, Any] = {"kind": "invoice", "amount": Decimal("5000.00"), "merchant": "宜家家居", "spent_date": TODAY}


def asked_loan(who: Borrower, amount: str = "6000.00", **values: Any) -> Loan:
    """Paid out on TODAY; vouchers of 80 % of it are asked for until the 30th day after."""
    return active_loan(who, amount, purpose="education", days=60, **values)


def submit(who: Borrower, loan: Loan, *, seed: int = 1, image: bytes | None = None, **values: Any) -> Voucher:
    edge = {name: values.pop(name) for name in ("as_of", "at") if name in values}
    return voucher_submit(
        loan_id=loan.pk, customer=who.customer, spending=Spending(**WORDS | values),
        image=photo(seed, (300, 200)) if image is None else image, actor=Actor.of(who.customer), **EDGE | edge,
    )  # fmt: skip


def on(number: int) -> dict[str, Any]:
    """The edge of an act on the `number`-th day after TODAY."""
    return {"as_of": TODAY + timedelta(days=number), "at": NOW + timedelta(days=number)}


def reviewer(name: str = "oscar") -> StaffUser:
    return StaffUser.objects.create_user(username=name, password=None)
