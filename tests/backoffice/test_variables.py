"""The variables in the back office: found by words and filters, explained one by one (R16)."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Consent
from risk.feeds.summaries import summaries_mark_all
from risk.models import Decision, Scorecard
from risk.rules.variables import DERIVED_NAMES, VARIABLE_NAMES
from risk.selectors.variable_use import spread_of
from risk.services.shadow import scorecard_shadow_start
from risk.variables.catalogue import catalogue, described
from risk.variables.facts import FACTS
from risk.variables.words import FAMILY_WORDS, SOURCE_WORDS, STATISTIC_WORDS, UNIT_WORDS, window_word
from tests.backoffice.test_evidence import staff
from tests.risk.builders import AS_OF, AT, approved_line
from tests.risk.services.test_shadow import challenger
from weilidai.lib.business_date import business_date_set

pytestmark = pytest.mark.req("R16")
URL = "/admin/risk/scorecard/variables/"


def found(query: str, role: str = "risk_analyst") -> Any:
    return staff(role).get(f"{URL}{query}").context


def detail(name: str, query: str = "", role: str = "risk_analyst") -> Any:
    return staff(role).get(reverse("admin:risk_variable", args=[name]) + query)


def test_every_variable_is_explained_by_known_words() -> None:
    assert {variable.name for variable in FACTS} == {*VARIABLE_NAMES, *DERIVED_NAMES}
    for variable in described().values():
        assert variable.statistic in STATISTIC_WORDS, variable
        assert variable.family in FAMILY_WORDS, variable
        assert variable.source in SOURCE_WORDS, variable
        assert variable.unit in UNIT_WORDS, variable
        assert window_word(variable.window) != variable.window, variable


@pytest.mark.django_db
def test_all_of_them_are_listed_a_page_at_a_time() -> None:
    context = found("")
    assert context["found_count"] == len(catalogue()) + len(FACTS) > 4000
    assert len(context["rows"]) == 50
    last = found("?page=9999")
    assert last["page"].number == last["page"].paginator.num_pages
    assert not last["page"].has_next()


@pytest.mark.django_db
def test_words_in_either_language_and_filters_narrow_the_list() -> None:
    chinese, english = found("?q=近90天 红包 合计"), found("?q=total red packets 90")
    assert [row["name"] for row in chinese["rows"]] == [row["name"] for row in english["rows"]]
    assert chinese["found_count"] == 4
    narrowed = found("?dimension=external_credit&family=levels&source=bureau&unit=days")
    assert {row["unit"] for row in narrowed["rows"]} <= {"天数", "days"}
    assert 0 < narrowed["found_count"] < 50
    assert found("?unit=nonsense")["found_count"] == 0
    assert "no such words" in staff("risk_analyst").get(f"{URL}?q=no such words").content.decode()


@pytest.mark.django_db
def test_who_may_not_and_what_does_not_exist() -> None:
    assert staff("collector").get(URL).status_code == 403
    assert detail("card_utilisation", role="collector").status_code == 403
    assert detail("nonsense").status_code == 404
    assert detail("card_utilisation", role="auditor").status_code == 200


@pytest.mark.usefixtures("policies")
def test_a_page_tells_the_scorecards_their_bins_and_the_kept_values() -> None:
    business_date_set(AS_OF, at=AT)
    card = challenger(approve_from="98", top_score="99")
    scorecard_shadow_start(
        scorecard=card, first_day=AS_OF, last_day=None, reason="compare", user=card.drafted_by, as_of=AS_OF, at=AT
    )
    approved_line("alice")
    context = detail("payment_amount_12m").context
    assert {use["scorecard"].pk for use in context["uses"]} == {card.pk, Scorecard.objects.get(state="active").pk}
    assert context["uses"][0]["rows"][0] == ("< 5000", "3")
    assert context["uses"][0]["rows"][-1] == ("≥ 80000", "22")
    assert (context["spread"].asked, context["spread"].missing, context["spread"].is_kept) == (1, 0, True)
    assert sum(json.loads(context["chart"])["datasets"][0]["data"]) == 1
    deducted = detail("device_changes_90d").context["uses"]
    assert next(row for use in deducted for row in use["rows"]) == ("3 – 5", "−8")
    assert detail("red_packet_gap").context["uses"][0]["rows"] == [("> 0.3", "+3")]


@pytest.mark.usefixtures("policies")
def test_a_variable_of_the_catalogue_over_the_people_of_the_latest_decisions_and_for_one_customer() -> None:
    business_date_set(AS_OF, at=AT)
    customer = approved_line("alice").customer
    summaries_mark_all()
    context = detail("payment_amount_sum_30d", "?customer=alice").context
    assert context["value"] == "8,400"
    assert (context["spread"].asked, context["spread"].missing, context["spread"].is_kept) == (1, 0, False)
    unknown = detail("green_transit_count_sum_30d", "?customer=alice").context
    assert unknown["value"] in {"missing", "缺失"}
    assert (unknown["is_missing"], unknown["spread"].missing) == (True, 1)
    wallet = detail("ecny_balance_last", "?customer=alice").context
    assert (wallet["is_missing"], wallet["agreed"]) == (True, False)
    Consent.objects.create(customer=customer, code="ecny_wallet", granted_at=AT)
    assert detail("ecny_balance_last", "?customer=alice").context["value"] == "120"
    assert detail("friends_count", "?customer=alice").context["value"] == "196"
    assert "customer_fault" in detail("friends_count", "?customer=nobody").context


@pytest.mark.usefixtures("policies")
def test_a_decision_links_to_the_variables_it_used() -> None:
    business_date_set(AS_OF, at=AT)
    approved_line("alice")
    decision = Decision.objects.get()
    page = staff("risk_analyst").get(reverse("admin:risk_decision_change", args=[decision.pk])).content.decode()
    assert reverse("admin:risk_variable", args=["payment_amount_12m"]) in page


def test_many_different_values_fall_into_twelve_bars_and_none_is_lost() -> None:
    values = [Decimal(n) for n in range(100)] + [Decimal(10**6), None, None]
    spread = spread_of(values)
    assert len(spread.bars) == 12
    assert sum(count for _low, _high, count in spread.bars) == 101
    assert (spread.missing, spread.asked, spread.bars[-1][1]) == (2, 103, 10**6)
    assert spread_of([None, Decimal(1), Decimal(1)]).bars == ((1, 1, 2),)
    assert spread_of([]).bars == ()
    # Nearly everybody has the same value: bars of no width are none.
    lopsided = spread_of([Decimal(0)] * 200 + [Decimal(n) for n in range(1, 15)])
    assert sum(count for _low, _high, count in lopsided.bars) == 214
