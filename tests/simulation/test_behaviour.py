"""What is reported of people: by the assumptions, and changed by what they decide on the way."""

from datetime import date

import pytest

from risk.models import ActivityDay, AssetMonth, AuxiliaryReading, BureauReport, LoginEvent, PaymentEvent
from tests.risk.builders import setup_policies
from weilidai.simulation.assumptions import assumptions
from weilidai.simulation.behaviour import Behaviour, month_end, months_back
from weilidai.simulation.desk import picture
from weilidai.simulation.people import Member, members, months_of

FIRST, LAST, SEED = date(2025, 10, 1), date(2026, 9, 30), 2
pytestmark = [pytest.mark.django_db, pytest.mark.req("R58")]


def people(count: int) -> list[Member]:
    return members(count, last=LAST, seed=SEED, assumed=assumptions())


def told(*known: Member) -> Behaviour:
    setup_policies()
    made = Behaviour(known, seed=SEED, first_day=FIRST, history_months=7)
    made.past_deliver()
    return made


def one(**wanted: object) -> Member:
    """The first person with these traits."""
    return next(who for who in people(400) if all(getattr(who, name) == value for name, value in wanted.items()))


def test_the_past_reaches_as_far_as_the_rules_look() -> None:
    who = one(idle=False)
    told(who)
    assert ActivityDay.objects.filter(date__gte=date(2025, 3, 1), date__lt=FIRST).count() == 214
    assert PaymentEvent.objects.dates("date", "month").count() == 12
    assert BureauReport.objects.get().worst_dpd_24m == who.worst_dpd


@pytest.mark.req("R4")
@pytest.mark.parametrize(("idle", "active"), [(True, 0), (False, 7)])
def test_idle_people_open_the_app_less_than_three_times_a_day_in_every_month(idle: bool, active: int) -> None:
    told(one(idle=idle))
    opens: dict[date, list[int]] = {}
    for day, count in ActivityDay.objects.values_list("date", "opens"):
        opens.setdefault(day.replace(day=1), []).append(count)
    assert sum(sum(counts) >= 3 * len(counts) for counts in opens.values()) == active


@pytest.mark.req("R6")
def test_the_housing_fund_grows_from_quarter_to_quarter() -> None:
    who = next(who for who in people(400) if 0 < who.housing_fund_months < 12)
    told(who).month_deliver(date(2025, 12, 1))
    rows = AuxiliaryReading.objects.filter(item="housing_fund").order_by("as_of").values_list("months", flat=True)
    assert list(rows) == [who.housing_fund_months, who.housing_fund_months + 2]


@pytest.mark.req("R27")
def test_savings_show_from_their_month_on() -> None:
    who = people(1)[0]
    made = told(who)
    made.savings[who.number] = (date(2025, 11, 1), 10_000, 500)
    made.month_deliver(FIRST)
    made.month_deliver(date(2025, 11, 1))
    months = {row.month: row for row in AssetMonth.objects.all()}
    before, after = months[FIRST], months[date(2025, 11, 1)]
    assert after.current_fund_mean_amount - before.current_fund_mean_amount == 10_000
    assert after.wealth_products_amount - before.wealth_products_amount == 500


@pytest.mark.req("R36")
def test_a_trip_is_a_login_from_elsewhere_on_the_last_day() -> None:
    who = people(1)[0]
    made = told(who)
    made.trips = {(who.number, FIRST): "拉萨市"}
    made.month_deliver(FIRST)
    away = LoginEvent.objects.exclude(city=who.city)
    assert list(away.values_list("city", "date")) == [("拉萨市", date(2025, 10, 31))]


def test_months_are_counted_over_the_ends_of_years() -> None:
    assert months_of(date(2025, 12, 28), date(2026, 1, 2)) == [date(2025, 12, 1), date(2026, 1, 1)]
    assert (months_back(date(2026, 1, 1), 1), months_back(date(2025, 12, 1), -1)) == (
        date(2025, 12, 1),
        date(2026, 1, 1),
    )
    assert (month_end(date(2026, 2, 1)), month_end(date(2028, 2, 1))) == (date(2026, 2, 28), date(2028, 2, 29))


def test_every_picture_is_its_own() -> None:
    assert picture("one") == picture("one")
    assert picture("one") != picture("other")
