"""R7, R8: the risk dashboard, on the page and as files."""

import csv
import io
import json

import pytest
from django.urls import reverse

from accounts.models import Customer, Occupation
from risk.services.alert import alert_raise
from tests.backoffice.test_pages import staff
from tests.risk.builders import AS_OF, AT, assess, behaviour_create, customer_create, verified
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import business_date_set

URL = "/admin/risk/decision/dashboard/"

pytestmark = pytest.mark.usefixtures("policies")


@pytest.fixture
def lived(policies: None) -> None:
    business_date_set(AS_OF, at=AT)
    for name, score in (("alice", 720), ("bob", 720), ("carol", 599)):
        customer = customer_create(name)
        behaviour_create(customer, score=score)
        assess(verified(customer))
    alert_raise(
        customer=None, rule="approval_rate_band", layer="monitoring", evidence={}, severity=3, dedupe_key="k",
        as_of=AS_OF, at=AT, actor=Actor.system("t"),
    )  # fmt: skip


def rows(role: str, kind: str) -> list[list[str]]:
    answer = staff(role).get(f"{URL}?days=30&format={kind}")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.req("R7", "R8")
@pytest.mark.usefixtures("lived")
def test_the_page_shows_rates_funnel_scores_alerts_and_backlog() -> None:
    context = staff("risk_analyst").get(URL).context
    assert [(card["rate"], card["decided"], card["outside"], card["enough"]) for card in context["rates"]] == [
        ("100.0 %", 2, False, False)
    ]
    [step] = context["funnel"]
    assert step["applicants"] == 3
    assert [count for count, _share in step["cells"]] == [2, 3, 3, 3, 2, 2]
    chart = json.loads(context["rates_chart"])
    assert len(chart["labels"]) == 30
    assert [line["data"][-1] for line in chart["datasets"]] == [100.0, 62.0, 75.0]
    assert [(row["rule"], row["raised"], row["waiting"]) for row in context["alerts"]] == [("approval_rate_band", 1, 1)]
    assert sum(json.loads(context["scores_chart"])["datasets"][0]["data"]) == 3
    assert sum(count for _label, count in context["backlog"]) == 0


@pytest.mark.req("R8")
@pytest.mark.usefixtures("lived")
def test_the_funnel_is_a_file() -> None:
    funnel = rows("risk_analyst", "funnel")
    assert len(funnel) == 7
    assert [row[0] for row in funnel[1:]] == ["weilidai"] * 6
    assert funnel[1][3:] == ["2", "0.6667"]


@pytest.mark.req("R7")
@pytest.mark.usefixtures("lived")
def test_the_approvals_are_a_file() -> None:
    assert rows("supervisor", "approvals")[1:] == [["2026-11-20", "weilidai", "2", "2", "1.0000"]]


@pytest.mark.parametrize("query", ["", "?days=7", "?days=nonsense", "?format=nonsense"])
def test_it_opens_without_any_data(query: str) -> None:
    assert staff("auditor").get(URL + query).status_code == 200


def test_it_is_for_those_who_see_decisions() -> None:
    assert staff("collector").get(URL).status_code == 403


@pytest.mark.req("R7")
@pytest.mark.usefixtures("lived")
def test_the_home_page_has_the_rate_and_its_band() -> None:
    cards = {card["note"]: card["value"] for card in staff("supervisor").get(reverse("admin:index")).context["cards"]}
    assert [value for note, value in cards.items() if "62.0 %" in note] == ["100.0 %"]


def applicants(kind: str, *scores: int, said: str = "") -> None:
    """Assessed people of an occupation, told by a feed or by themselves."""
    for number, score in enumerate(scores):
        customer = customer_create(f"{kind}-{said}-{number}")
        customer.registered_occupation, customer.declared_occupation = kind, said
        customer.save()
        behaviour_create(customer, score=score)
        assess(verified(customer))


@pytest.mark.req("R32")
def test_coverage_by_occupation_is_shown_and_a_file(policies: None) -> None:
    business_date_set(AS_OF, at=AT)
    applicants("blue_collar", 720, 720, 599)
    applicants("micro_merchant", 720)
    applicants("salaried", 720, 599)
    # What people say of themselves goes before the feed.
    applicants("salaried", 599, said="student")
    context = staff("risk_analyst").get(URL).context
    [row] = context["coverage"]
    shown = dict(zip([*Occupation.values, ""], row["cells"], strict=True))
    assert shown == {
        "salaried": ("1 / 2", "50.0 %"), "blue_collar": ("2 / 3", "66.7 %"), "micro_merchant": ("1 / 1", "100.0 %"),
        "student": ("0 / 1", "0.0 %"), "self_employed": ("0 / 0", "–"), "other": ("0 / 0", "–"), "": ("0 / 0", "–"),
    }  # fmt: skip
    assert len(context["occupations"]) == len(row["cells"])
    assert row["ahead"] == "+50.0"
    assert rows("auditor", "coverage")[1:] == [
        ["weilidai", "blue_collar", "3", "2", "0.6667"], ["weilidai", "micro_merchant", "1", "1", "1.0000"],
        ["weilidai", "salaried", "2", "1", "0.5000"], ["weilidai", "student", "1", "0", "0.0000"],
    ]  # fmt: skip


@pytest.mark.req("R32")
@pytest.mark.usefixtures("lived")
def test_without_an_occupation_the_two_are_not_compared() -> None:
    Customer.objects.update(registered_occupation="", declared_occupation="")
    [row] = staff("risk_analyst").get(URL).context["coverage"]
    assert row["ahead"] is None
    assert row["cells"][-1] == ("2 / 3", "66.7 %")
