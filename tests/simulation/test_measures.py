"""Each figure is computed from rows: rows put in by hand move it, and on both sides of an edge they count otherwise."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from loans.models import DelinquencyFact, Loan
from loans.services.portfolio import portfolio_write
from risk.models import AssetMonth, CreditLine, LineChange, PaymentEvent, RateReview, RateReviewRun
from risk.services.asset_proof import asset_proof_accept, asset_proof_reject, asset_proof_submit
from risk.services.rate_review import rate_review_begin
from tests.loans.builders import Borrower
from tests.loans.life import active_loan
from tests.loans.tapes import DAY, told
from tests.risk.builders import (
    AS_OF,
    AT,
    appeal_create,
    approved_line,
    assess,
    auxiliary_create,
    behaviour_create,
    customer_create,
    frozen_line,
    login_create,
    payment_create,
    staff_create,
    verified,
)
from tests.support.pictures import photo
from weilidai.lib.audit import Actor
from weilidai.simulation import measures as m
from weilidai.simulation.measures import Measured, Span

D = Decimal
SPAN = Span(AS_OF - timedelta(days=30), AS_OF)
MAIN, OTHER = "weilidai", "jintiao"

pytestmark = pytest.mark.django_db


def applicant(openid: str, *, fund_months: int = 0, occupation: str = "salaried", spends: bool = True,
              score: int = 720, product: str = MAIN) -> None:  # fmt: skip
    """Somebody assessed: approved, unless nothing was ever paid by the app or the score is too low."""
    customer = customer_create(openid, registered_occupation=occupation)
    behaviour_create(customer, score=score)
    if not spends:
        PaymentEvent.objects.filter(customer=customer).delete()
    if fund_months:
        auxiliary_create(customer, "housing_fund", months=fund_months)
    assess(verified(customer, product))


@pytest.mark.req("R6", "R58")
def test_the_housing_fund_counts_from_twelve_months_and_visible_rules_come_first(policies: None) -> None:
    applicant("with", fund_months=12)
    applicant("without", fund_months=11)
    assert m.housing_fund_ratio(SPAN, MAIN) == Measured(D(1), 1)
    applicant("refused", fund_months=11, spends=False)
    assert m.housing_fund_ratio(SPAN, MAIN) == Measured(D(2), 1)
    # Whoever fails a visible rule is on neither side.
    applicant("low", fund_months=12, score=599)
    assert m.housing_fund_ratio(SPAN, MAIN) == Measured(D(2), 1)
    applicant("refused-too", fund_months=12, spends=False)
    assert m.housing_fund_ratio(SPAN, MAIN) == Measured(D(1), 2)


@pytest.mark.req("R6", "R7", "R8", "R32")
def test_without_applicants_there_is_no_figure(policies: None) -> None:
    assert m.housing_fund_ratio(SPAN, MAIN) == Measured(None, 0)
    assert m.approval_share(SPAN, MAIN) == Measured(None, 0)
    assert m.condition_share(SPAN, MAIN, "meets_score") == Measured(None, 0)
    assert m.merchants_ahead(SPAN, MAIN) == Measured(None, 0)


@pytest.mark.req("R7", "R8", "R32", "R58")
def test_approvals_conditions_and_coverage_are_told_by_product_and_occupation(policies: None) -> None:
    applicant("merchant", occupation="micro_merchant")
    applicant("clerk")
    applicant("clerk-599", score=599)
    applicant("clerk-poor", spends=False)
    applicant("elsewhere", occupation="blue_collar", product=OTHER)
    assert m.approval_share(SPAN, MAIN) == Measured(D(2) / 3, 3)
    assert m.condition_share(SPAN, MAIN, "meets_score") == Measured(D("0.75"), 4)
    assert m.occupation_coverage(SPAN, MAIN, "salaried") == Measured(D(1) / 3, 3)
    assert m.merchants_ahead(SPAN, MAIN) == Measured(1 - D(1) / 3, 1)
    assert m.occupation_coverage(SPAN, MAIN, "blue_collar") == Measured(None, 0)
    assert m.occupation_coverage(SPAN, OTHER, "blue_collar").observations == 1
    before = Span(SPAN.first - timedelta(days=60), SPAN.first - timedelta(days=1))
    assert m.approval_share(before, MAIN) == Measured(None, 0)


@pytest.mark.req("R18")
def test_only_changes_of_device_that_cost_something_are_judged(policies: None) -> None:
    customer = customer_create("hopper")
    behaviour_create(customer)
    for number in range(3):
        login_create(customer, AT - timedelta(days=30 - number), f"d{number + 1}")
    assess(verified(customer))
    applicant("steady")
    assert m.device_deductions_inside(SPAN, D(8), D(15)) == Measured(D(1), 1)
    assert m.device_deductions_inside(SPAN, D("8.01"), D(15)) == Measured(D(0), 1)


@pytest.mark.req("R50")
def test_only_students_are_asked_for_the_limit_of_students(policies: None) -> None:
    applicant("student", occupation="student")
    applicant("clerk")
    assert m.student_limits_inside(SPAN, D(1000)) == Measured(D(1), 1)
    assert m.student_limits_inside(SPAN, D("999.99")) == Measured(D(0), 1)


@pytest.mark.req("R22", "R23", "R24")
def test_a_line_is_inside_its_tier_up_to_the_edge(policies: None) -> None:
    line = approved_line()
    edge = {"limits": (line.limit_amount, line.limit_amount), "rates": (line.daily_rate, line.daily_rate)}
    assert m.tier_inside(SPAN, MAIN, "new", **edge) == Measured(D(1), 1)
    below = (D(0), line.limit_amount - D("0.01"))
    assert m.tier_inside(SPAN, MAIN, "new", **{**edge, "limits": below}) == Measured(D(0), 1)
    below = (D(0), line.daily_rate - D("0.000001"))
    assert m.tier_inside(SPAN, MAIN, "new", **{**edge, "rates": below}) == Measured(D(0), 1)
    assert m.tier_inside(SPAN, MAIN, "vip", **edge) == Measured(None, 0)


def held(line: CreditLine, month: date, fund: str, products: str) -> None:
    AssetMonth.objects.create(
        row_id=f"{line.pk}-{month}-{fund}", customer=line.customer, month=month,
        current_fund_mean_amount=D(fund), wealth_products_amount=D(products), deposits_amount=D(0),
        ecny_wallet_amount=D(0), card_limit_amount=D(0), card_debt_amount=D(0),
    )  # fmt: skip


def raised(line: CreditLine, day: date) -> None:
    LineChange.objects.create(
        credit_line=line, customer=line.customer, business_date=day, at=AT, reason="limit_raise:fund", actor_name="t",
        old_limit_amount=D(1000), new_limit_amount=D(2000), new_daily_rate=line.daily_rate, new_tier=line.tier,
    )  # fmt: skip


@pytest.mark.req("R27", "R58")
@pytest.mark.parametrize(("fund", "products", "counted"), [
    ("10000.00", "0.01", 1), ("9999.99", "500.00", 0), ("10000.00", "0.00", 0),
])  # fmt: skip
def test_the_fund_counts_from_ten_thousand_with_a_product(
    policies: None, fund: str, products: str, counted: int
) -> None:
    line = approved_line(assets="0.00")
    held(line, date(2026, 12, 1), fund, products)
    assert m.fund_raises(Span(SPAN.first, date(2027, 3, 31)), MAIN).observations == counted


@pytest.mark.req("R27", "R58")
@pytest.mark.parametrize(("day", "share"), [
    (date(2026, 12, 31), 0), (date(2027, 1, 1), 1), (date(2027, 3, 31), 1), (date(2027, 4, 1), 0),
])  # fmt: skip
def test_a_raise_counts_in_the_three_months_after_the_month_of_the_fund(policies: None, day: date, share: int) -> None:
    line = approved_line(assets="0.00")
    held(line, date(2026, 12, 1), "12000.00", "500.00")
    raised(line, day)
    assert m.fund_raises(Span(SPAN.first, date(2027, 3, 31)), MAIN) == Measured(D(share), 1)
    # A day earlier the third month was not over.
    assert m.fund_raises(Span(SPAN.first, date(2027, 2, 28)), MAIN) == Measured(None, 0)


@pytest.mark.req("R38", "R58")
def test_two_proofs_succeed_if_one_of_them_raised_the_line(policies: None) -> None:
    user, line = staff_create("oscar"), approved_line()
    edge = {"as_of": AS_OF, "at": AT}

    def sent(kind: str, seed: int) -> str:
        actor = Actor.of(line.customer)
        proof = asset_proof_submit(
            line_id=line.pk, customer=line.customer, kind=kind, image=photo(seed), actor=actor, **edge
        )
        return str(proof.pk)

    def answered(act: object, proof: str) -> None:
        act(proof_id=proof, reason="seen", user=user, **edge)

    property_proof = sent("property", 1)
    answered(asset_proof_reject, property_proof)
    vehicle = sent("vehicle", 2)
    # One was looked at, the other waits.
    assert m.proofs_raise(SPAN, MAIN) == Measured(None, 0)
    answered(asset_proof_reject, vehicle)
    assert m.proofs_raise(SPAN, MAIN) == Measured(D(0), 1)
    answered(asset_proof_accept, sent("vehicle", 3))
    assert m.proofs_raise(SPAN, MAIN) == Measured(D(1), 1)


@pytest.mark.req("R28", "R29")
def test_a_review_missing_shows_and_so_does_a_rate_that_stood_still(policies: None) -> None:
    line, quarter = approved_line(), date(2027, 1, 1)
    span = Span(SPAN.first, date(2026, 12, 31))
    assert m.reviews_done(span) == Measured(D(0), 1)
    run = rate_review_begin(quarter=quarter, as_of=quarter, at=AT)
    assert isinstance(run, RateReviewRun)
    review = RateReview.objects.create(
        quarter=quarter, run=run, credit_line=line, customer=line.customer, business_date=quarter, score=D(80),
        months_on_time=6, old_daily_rate=D("0.0004"), new_daily_rate=D("0.0004"), old_tier="new", new_tier="new",
        old_limit_amount=line.limit_amount, new_limit_amount=line.limit_amount, reasons=["unchanged"],
    )  # fmt: skip
    assert m.reviews_done(span) == Measured(D(1), 1)
    assert m.on_time_lowered(span) == Measured(D(0), 1)
    for values, found in (
        ({"new_daily_rate": D("0.00038")}, Measured(D(1), 1)),
        ({"new_daily_rate": D("0.0004"), "reasons": ["lowest_rate"]}, Measured(D(1), 1)),
        ({"reasons": ["line_frozen"]}, Measured(None, 0)),
        ({"reasons": ["unchanged"], "months_on_time": 5}, Measured(None, 0)),
    ):
        RateReview.objects.filter(pk=review.pk).update(**values)
        assert m.on_time_lowered(span) == found


@pytest.mark.req("R39")
def test_an_appeal_is_late_once_its_third_working_day_is_over(policies: None) -> None:
    appeal = appeal_create(frozen_line())
    assert m.appeals_answered(Span(SPAN.first, appeal.due_date - timedelta(days=1))) == Measured(None, 0)
    assert m.appeals_answered(Span(SPAN.first, appeal.due_date)) == Measured(D(0), 1)


@pytest.mark.req("R53", "R58")
def test_the_bad_loan_ratio_is_that_of_the_last_evening(alice: Borrower) -> None:
    told(alice, DAY, late=91, owed="100.00")
    told(alice, DAY, late=90, owed="300.00")
    told(alice, DAY, owed="600.00")
    portfolio_write(DAY)
    assert m.npl_share(Span(DAY, DAY)).value == D("0.1")
    assert m.overdue_share(Span(DAY, DAY)).value == D("0.4")
    assert m.npl_share(Span(DAY, DAY - timedelta(days=1))).value is None


@pytest.mark.req("R30")
def test_the_mean_rate_is_weighted_by_principal(alice: Borrower) -> None:
    loans = [active_loan(alice, amount="1000.00"), active_loan(alice, amount="3000.00")]
    Loan.objects.filter(pk=loans[1].pk).update(daily_rate=D("0.0002"))
    day = loans[0].start_date
    assert isinstance(day, date)
    assert m.daily_rate_mean(Span(day, day), MAIN) == Measured(D("0.00025"), 2)
    assert m.daily_rate_mean(Span(day + timedelta(days=1), day + timedelta(days=9)), MAIN) == Measured(None, 0)


@pytest.mark.req("R17")
def test_loans_past_due_are_compared_by_red_packets_from_the_first_day_after_the_bound(
    policies: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = {name: _line_with_red_packets(name, sent) for name, sent in (("gives", "66.00"), ("even", "65.00"))}
    loans = {"l1": "gives", "l2": "gives", "l3": "even", "l4": "even"}
    rows = [(pk, lines[name].customer_id) for pk, name in loans.items()]
    monkeypatch.setattr(m, "_loans_lent", lambda span: rows)
    late = {"l1": 91, "l3": 90}
    monkeypatch.setattr(m, "_loans_past", lambda days: {pk for pk, past in late.items() if past > days})
    assert m.red_packet_bad_ratio(SPAN, 89) == Measured(D(1), 2)
    assert m.red_packet_bad_ratio(SPAN, 90) == Measured(None, 2)
    late["l4"] = 1
    assert m.red_packet_bad_ratio(SPAN, 0) == Measured(D("0.5"), 2)


def _line_with_red_packets(name: str, sent: str) -> CreditLine:
    """Sent to 35.00 received: 66 is a gap above 0.3, 65 exactly 0.3."""
    customer = customer_create(name)
    behaviour_create(customer)
    payment_create(customer, "sent", "red_packet_sent", sent, AS_OF - timedelta(days=5))
    payment_create(customer, "received", "red_packet_received", "35.00", AS_OF - timedelta(days=5))
    return CreditLine.objects.get(application=assess(verified(customer)).application)


@pytest.mark.req("R17")
def test_what_is_past_due_is_told_by_the_overdue_facts(alice: Borrower) -> None:
    loan = active_loan(alice, amount="1000.00")
    DelinquencyFact.objects.create(
        loan=loan, customer=alice.customer, business_date=DAY, days_past_due=91, bucket="91-120",
        outstanding_principal_amount=D(1000),
    )  # fmt: skip
    assert m._loans_past(90) == {loan.pk}
    assert m._loans_past(91) == set()
    assert list(m._loans_lent(Span(DAY, DAY))) == []
