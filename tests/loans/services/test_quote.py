"""R40, R41, R54, R59: what a quote says and refuses."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from loans.disclosure import canonical, digest
from loans.errors import AmountOutOfRange, DisclosureChanged, DisclosureNotRead, TermInvalid
from loans.maths.errors import CostCapExceeded, InstalmentMinimumMissed, InstalmentPeriodsRefused
from loans.models import CostDisclosure
from loans.selectors.quote import Quote, Request, line_quote
from loans.services.disclosure import quote_disclose
from risk.errors import LimitExceeded
from risk.models import ProductTerms, Tier, TierCode
from risk.selectors.policy import tier_open
from tests.loans.builders import NOW, SECOND, TODAY, Borrower


def quoted(
    who: Borrower, amount: str, plan: str = "single", *, days: int | None = None, periods: int | None = None
) -> Quote:
    return line_quote(who.line, Request(Decimal(amount), plan, days, periods), TODAY)


def test_a_single_payment_takes_the_presets_thirty_days(alice: Borrower) -> None:
    quote = quoted(alice, "1000.00")
    assert quote.days == 30
    assert quote.schedule[0].due_date == date(2026, 10, 15)
    assert (quote.interest, quote.fees, quote.total_cost) == (Decimal("12.00"), Decimal("0.00"), Decimal("12.00"))
    assert quote.total_repayment == Decimal("1012.00")
    assert quote.apr == Decimal("0.146000")


@pytest.mark.req("R41")
def test_instalments_cost_a_fee_per_period_in_place_of_interest(alice: Borrower) -> None:
    quote = quoted(alice, "1000.00", "instalments", periods=3)
    assert [row.principal for row in quote.schedule] == [Decimal("333.33"), Decimal("333.33"), Decimal("333.34")]
    assert [row.fee for row in quote.schedule] == [Decimal("8.33"), Decimal("8.33"), Decimal("8.33")]
    assert quote.interest == Decimal("0.00")


@pytest.mark.req("R40")
def test_instalments_start_at_a_thousand(alice: Borrower) -> None:
    quoted(alice, "1000.00", "instalments", periods=3)
    with pytest.raises(InstalmentMinimumMissed):
        quoted(alice, "999.99", "instalments", periods=3)


@pytest.mark.dealt
@pytest.mark.req("R40")
@pytest.mark.parametrize("periods", [0, 1, 2, 4, 5, 7, 11, 13, -3])
def test_other_numbers_of_periods_are_refused(alice: Borrower, periods: int) -> None:
    with pytest.raises(InstalmentPeriodsRefused):
        quoted(alice, "1000.00", "instalments", periods=periods)


@pytest.mark.req("R40")
@pytest.mark.parametrize("periods", [3, 6, 12])
def test_three_six_and_twelve_periods_are_offered(alice: Borrower, periods: int) -> None:
    assert len(quoted(alice, "1000.00", "instalments", periods=periods).schedule) == periods


@pytest.mark.parametrize("amount", ["99.99", "0.00", "1000.001", "200000.01"])
def test_amounts_outside_the_product_are_refused(alice: Borrower, amount: str) -> None:
    with pytest.raises(AmountOutOfRange):
        quoted(alice, amount)


def test_the_smallest_loan_and_the_whole_line_are_quoted(alice: Borrower) -> None:
    assert quoted(alice, "100.00").total_cost == Decimal("1.20")
    assert quoted(alice, "8000.00").total_cost == Decimal("96.00")
    with pytest.raises(LimitExceeded):
        quoted(alice, "8000.01")


@pytest.mark.req("R54")
@pytest.mark.parametrize("days", [1, 365])
def test_single_payments_run_up_to_a_year(alice: Borrower, days: int) -> None:
    assert quoted(alice, "1000.00", days=days).schedule[0].days == days


@pytest.mark.req("R54")
@pytest.mark.parametrize("days", [0, 366, -1])
def test_other_terms_of_single_payments_are_refused_at_the_field(alice: Borrower, days: int) -> None:
    with pytest.raises(TermInvalid) as refusal:
        quoted(alice, "1000.00", days=days)
    assert refusal.value.field_errors[0]["field"] == "days"


def test_a_plan_does_not_take_the_others_term(alice: Borrower) -> None:
    with pytest.raises(TermInvalid):
        quoted(alice, "1000.00", periods=3)
    with pytest.raises(TermInvalid):
        quoted(alice, "1000.00", "instalments", days=30, periods=3)
    with pytest.raises(TermInvalid):
        quoted(alice, "1000.00", "instalments")


@pytest.mark.req("R54")
def test_a_rate_above_the_cap_is_refused_unless_the_cap_is_switched_off(alice: Borrower) -> None:
    alice.line.daily_rate = Decimal("0.000657")
    assert quoted(alice, "5000.00").apr == Decimal("0.239805")
    alice.line.daily_rate = Decimal("0.000658")
    with pytest.raises(CostCapExceeded):
        quoted(alice, "5000.00")
    ProductTerms.objects.update(cost_cap_enforced=False)
    assert quoted(alice, "5000.00").terms.cost_cap_rate is None


@pytest.mark.req("R59")
def test_the_form_names_every_charge_and_hashes_to_its_sha256(alice: Borrower) -> None:
    quote, form = quote_disclose(line=alice.line, request=Request(Decimal(1000), "single"), as_of=TODAY, at=NOW)
    assert [charge["code"] for charge in form.content["charges"]] == ["interest"]
    charge = form.content["charges"][0]
    assert (charge["rate"], charge["amount"]) == ("0.000400", "12.00")
    assert set(charge["payee"]) == {"zh", "en"}
    assert form.content["cost_of_default"]["share"] == "0.500000"
    assert form.content["nothing_else"]["en"] == "Nothing else is charged."
    assert form.content["total_cost"] == str(quote.total_cost)
    stored = CostDisclosure.objects.get(pk=form.pk)
    assert stored.sha256 == digest(stored.content)
    assert canonical({"b": 1, "a": "微"}) == '{"a":"微","b":1}'.encode()


@pytest.mark.req("R59")
def test_the_same_terms_show_the_same_form_and_others_another(alice: Borrower) -> None:
    def form(amount: int) -> CostDisclosure:
        request = Request(Decimal(amount), "single")
        return quote_disclose(line=alice.line, request=request, as_of=TODAY, at=NOW)[1]

    assert form(1000).pk == form(1000).pk
    assert form(1000).pk != form(1001).pk


@pytest.mark.req("R59")
def test_a_loan_confirms_the_form_it_was_made_on(alice: Borrower) -> None:
    _, form = quote_disclose(line=alice.line, request=Request(Decimal(1000), "single"), as_of=TODAY, at=NOW)
    loan = alice.draw(at=NOW + SECOND)
    assert loan.disclosure_id == form.pk
    assert CostDisclosure.objects.get(pk=form.pk).confirmed_at == NOW + SECOND
    assert alice.draw().disclosure_id != form.pk


@pytest.mark.req("R59")
def test_a_reading_time_wants_a_named_form_shown_long_enough(alice: Borrower) -> None:
    ProductTerms.objects.update(disclosure_reading_seconds=10)
    _, form = quote_disclose(line=alice.line, request=Request(Decimal(1000), "single"), as_of=TODAY, at=NOW)
    with pytest.raises(DisclosureNotRead):
        alice.draw(at=NOW + timedelta(seconds=60))
    with pytest.raises(DisclosureNotRead):
        alice.draw(disclosure_id=form.pk, at=NOW + timedelta(seconds=9))
    assert alice.used == Decimal("0.00")
    assert alice.draw(disclosure_id=form.pk, at=NOW + timedelta(seconds=10)).disclosure_id == form.pk


@pytest.mark.req("R59")
def test_a_form_of_other_terms_or_an_earlier_day_does_not_serve(alice: Borrower) -> None:
    _, other = quote_disclose(line=alice.line, request=Request(Decimal(2000), "single"), as_of=TODAY, at=NOW)
    yesterday = TODAY - timedelta(days=1)
    _, old = quote_disclose(line=alice.line, request=Request(Decimal(1000), "single"), as_of=yesterday, at=NOW)
    for form in (other, old):
        with pytest.raises(DisclosureChanged):
            alice.draw(disclosure_id=form.pk)


@pytest.mark.req("R31")
def test_a_stranger_is_shown_the_tier_open_to_everybody_whatever_it_is_called(alice: Borrower) -> None:
    terms = ProductTerms.objects.get()
    assert tier_open(terms).code == TierCode.NEW
    Tier.objects.filter(terms=terms).exclude(code=TierCode.NEW).delete()
    Tier.objects.filter(terms=terms).update(code=TierCode.VIP)
    assert tier_open(ProductTerms.objects.get()).code == TierCode.VIP
