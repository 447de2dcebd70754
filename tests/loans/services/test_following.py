"""After a late payment every repayment shows what it pays now, written in sets."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loans.models import Loan, Repayment, RepaymentAllocation
from loans.services.correction import repayment_enter_late
from loans.services.history import Act
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.life import active_loan, day, faults, repay
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import business_date_set


def late(loan: Loan, amount: str, effective: int, entered: int) -> Repayment:
    act = Act(Actor.system("test"), day(entered), NOW + (day(entered) - TODAY), "late")
    return repayment_enter_late(loan_id=loan.pk, amount=Decimal(amount), effective_date=day(effective), act=act)


def parts(row: Repayment) -> tuple[Decimal, Decimal]:
    row.refresh_from_db()
    return row.interest_amount, row.principal_amount


def lines(row: Repayment) -> dict[str, Decimal]:
    return dict(row.allocations.values_list("component", "amount"))


@pytest.mark.req("R41")
def test_repayments_after_the_late_one_pay_less_interest_and_those_before_it_are_not_touched(alice: Borrower) -> None:
    loan = active_loan(alice)
    before, after = repay(alice, loan, "100.00", day(5)), repay(alice, loan, "100.00", day(15))
    kept = set(before.allocations.values_list("pk", flat=True))
    assert parts(after) == (Decimal("3.61"), Decimal("96.39"))
    business_date_set(day(20), at=NOW)
    entered = late(loan, "500.00", 10, 20)
    # 902.00 left after day 5: five days at 0.04 % are 1.80; 403.80 left after day 10: 0.81.
    assert parts(before) == (Decimal("2.00"), Decimal("98.00"))
    assert parts(entered) == (Decimal("1.80"), Decimal("498.20"))
    assert parts(after) == (Decimal("0.81"), Decimal("99.19"))
    assert lines(after) == {"interest": Decimal("0.81"), "principal": Decimal("99.19")}
    assert lines(entered) == {"interest": Decimal("1.80"), "principal": Decimal("498.20")}
    assert set(before.allocations.values_list("pk", flat=True)) == kept
    assert Loan.objects.get(pk=loan.pk).outstanding_principal_amount == Decimal("304.61")
    assert [fault for fault in faults() if fault.check in ("loans_match_events", "repayments_add_up")] == []


@pytest.mark.req("R41")
def test_the_number_of_statements_does_not_grow_with_the_repayments(alice: Borrower) -> None:
    loan = active_loan(alice)
    spent = []
    for first, count in ((2, 2), (20, 12)):
        for number in range(first, first + count):
            repay(alice, loan, "10.00", day(number))
        with CaptureQueriesContext(connection) as seen:
            late(loan, "1.00", 1, first + count)
        spent.append(len(seen))
    assert spent[0] == spent[1]
    assert Repayment.objects.filter(loan=loan).count() == 16
    assert RepaymentAllocation.objects.filter(repayment__loan=loan, component="principal").count() >= 14
