"""Nothing beyond the confirmed form was ever charged (R59): every bent figure is found, honest lives are not."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F, Model

from loans.books.disclosed import charged_as_disclosed
from loans.models import CostDisclosure, Loan, Repayment
from loans.services.repayment import prepayment_make, settlement_make
from risk.models import CreditLine, ProductTerms
from tests.loans.builders import NOW, Borrower
from tests.loans.life import active_loan, close_through, day, faults, repay
from weilidai.lib.audit import Actor

FEN = Decimal("0.01")


def details() -> list[str]:
    return [fault.detail for fault in charged_as_disclosed()]


@pytest.fixture
def overdue(alice: Borrower) -> Loan:
    """Two days at 0.04 %, a payment on day 4, penalty charged and paid in part."""
    loan = active_loan(alice, days=2)
    close_through(day(39))
    repay(alice, loan, "100.00", day(40))
    return Loan.objects.get(pk=loan.pk)


@pytest.mark.req("R59")
def test_an_honest_life_is_within_its_form(overdue: Loan):
    assert overdue.penalty_paid_amount == Decimal("10.30")  # 24 % of 1 000.00 over 40 days = 26.30 less 16.00
    assert details() == []
    assert faults() == []


BENDS: list[tuple[type[Model], str, str]] = [
    (Loan, "interest_settled_amount", "interest: charged"),
    (Loan, "fee_charged_amount", "fees: charged"),
    (Loan, "settlement_fee_amount", "settlement fee: charged"),
    (Loan, "penalty_charged_amount", "penalty: charged"),
    (Repayment, "interest_amount", "paid: charged"),
    (Repayment, "fee_amount", "paid: charged"),
    (Repayment, "penalty_amount", "paid: charged"),
]


@pytest.mark.req("R59")
def test_one_fen_more_than_the_form_allows_is_found_in_every_figure_and_so_is_a_changed_form(overdue: Loan):
    for model, column, word in BENDS:
        with transaction.atomic():
            model._default_manager.update(**{column: F(column) + FEN})
            assert any(word in detail for detail in details()), column
            transaction.set_rollback(True)
        assert details() == []
    form = CostDisclosure.objects.get(pk=overdue.disclosure_id)
    form.content = {**form.content, "cost_cap": None}
    form.save()
    assert details() == ["the form is not the one that was confirmed"]


@pytest.mark.req("R59")
def test_a_loan_bent_above_its_form_is_found_though_its_figures_agree_with_it(alice: Borrower):
    """The rate of the loan is raised before it earns anything: its replay agrees, its form does not."""
    loan = active_loan(alice)
    Loan.objects.filter(pk=loan.pk).update(daily_rate=Decimal("0.000450"))
    repay(alice, loan, "100.00", day(10))
    checks = [fault.check for fault in faults()]
    assert checks.count("charged_as_disclosed") == 2
    assert set(checks) == {"charged_as_disclosed", "loans_agree_with_their_rows"}
    assert details()[0] == "interest: charged 4.50, the form allows 4.00"


PLANS: list[dict[str, Any]] = [
    {},
    {"fee_base": "loan_principal", "fee_rate": Decimal("0.005000")},
    {"with_interest": True, "fee_rate": Decimal("0.005000")},
    {"penalty_method": "rate_uplift"},
    {"cost_cap_enforced": False},
]


@pytest.mark.req("R59")
@pytest.mark.dealt
@pytest.mark.parametrize("terms", PLANS)
@pytest.mark.parametrize("ending", ["late", "ahead", "settled"])
def test_instalment_plans_of_every_product_setting_stay_within_their_forms(
    alice: Borrower, terms: dict[str, Any], ending: str
):
    ProductTerms.objects.update(**terms)
    CreditLine.objects.update(daily_rate=Decimal("0.000300"))
    loan = active_loan(alice, "3000.00", plan="instalments", periods=3)
    how: dict[str, Any] = {"loan_id": loan.pk, "customer": alice.customer, "at": NOW, "actor": Actor.of(alice.customer)}
    close_through(day(19))
    if ending == "late":
        close_through(day(59))
        repay(alice, loan, "1200.00", day(60))
    elif ending == "ahead":
        prepayment_make(periods=2, as_of=day(20), **how)
    else:
        settlement_make(expected=None, as_of=day(20), **how)
    assert faults() == []


@pytest.mark.req("R59")
@pytest.mark.parametrize(("last_paid", "bent_is_found"), [(30, True), (31, False)])
def test_the_schedule_of_the_form_bounds_only_a_plan_of_which_every_period_was_paid_on_time(
    alice: Borrower, last_paid: int, *, bent_is_found: bool
):
    """The first period is due on day 30. Settled after it, but before the plan's last day, a plan may owe more interest
    than its schedule shows, because its principal was owed for longer.
    """
    ProductTerms.objects.update(with_interest=True, fee_rate=Decimal("0.005000"))
    loan = active_loan(alice, "3000.00", plan="instalments", periods=3)
    close_through(day(last_paid - 1))
    settlement_make(
        loan_id=loan.pk, customer=alice.customer, expected=None, as_of=day(last_paid), at=NOW + timedelta(last_paid),
        actor=Actor.of(alice.customer),
    )  # fmt: skip
    loan = Loan.objects.get(pk=loan.pk)
    assert (loan.state, loan.settled_date) == ("settled", day(last_paid))
    assert faults() == []
    shown = sum(Decimal(row["interest"]) + Decimal(row["fee"]) for row in loan.disclosure.content["schedule"])
    owed_more = shown - loan.fee_charged_amount + FEN * 3
    Loan.objects.filter(pk=loan.pk).update(interest_settled_amount=owed_more)
    assert ("disclosed_not_exceeded" in {fault.check for fault in faults()}) is bent_is_found
    assert "charged_as_disclosed" in {fault.check for fault in faults()}
