"""Shadow runs on the pages: started, watched, compared, ended."""

import json
from typing import Any

import pytest
from django.urls import reverse

from risk.models import Scorecard, ShadowDecision
from risk.services.shadow import scorecard_shadow_start
from tests.backoffice.test_alerts import SENT
from tests.backoffice.test_evidence import staff
from tests.risk.builders import AS_OF, AT, approved_line
from tests.risk.services.test_shadow import challenger
from weilidai.lib.business_date import business_date_set

pytestmark = [pytest.mark.usefixtures("policies"), pytest.mark.req("R17")]


@pytest.fixture
def card(policies: None) -> Scorecard:
    business_date_set(AS_OF, at=AT)
    return challenger(approve_from="98", top_score="99")


def act(role: str, card: Scorecard, name: str, **form: Any) -> int:
    return staff(role).post(reverse(f"admin:risk_scorecard_{name}", args=[card.pk]), {**SENT, **form}).status_code


def page(role: str, card: Scorecard) -> Any:
    return staff(role).get(reverse("admin:risk_shadow_comparison", args=[card.pk]))


def test_an_analyst_starts_watches_and_ends_a_run(card: Scorecard) -> None:
    assert act("risk_analyst", card, "shadow_start", first_day=str(AS_OF), last_day="", reason="compare") == 302
    card.refresh_from_db()
    assert card.is_shadow
    approved_line("alice")
    context = page("risk_analyst", card).context
    assert context["found"].matrix["approved"]["rejected"] == 1
    assert (context["found"].judged, context["agreement"]) == (1, "0.0%")
    assert [sum(series["data"]) for series in json.loads(context["chart"])["datasets"]] == [1, 1]
    listed = staff("auditor").get(reverse("admin:risk_shadowdecision_changelist"))
    assert listed.status_code == 200
    assert str(ShadowDecision.objects.get().scorecard) in listed.content.decode()
    assert act("risk_analyst", card, "shadow_end", reason="enough") == 302
    card.refresh_from_db()
    assert not card.is_shadow


def test_a_definition_that_judged_somebody_is_not_edited(card: Scorecard) -> None:
    url = reverse("admin:risk_scorecard_change", args=[card.pk])
    assert staff("risk_analyst").get(url).context["has_change_permission"]
    scorecard_shadow_start(
        scorecard=card, first_day=AS_OF, last_day=None, reason="compare", user=card.drafted_by, as_of=AS_OF, at=AT
    )
    assert not staff("risk_analyst").get(url).context["has_change_permission"]


def test_without_any_decision_the_page_says_so(card: Scorecard) -> None:
    answer = page("risk_analyst", card)
    assert answer.status_code == 200
    assert answer.context["found"].judged == 0


def test_who_may_not(card: Scorecard) -> None:
    assert page("collector", card).status_code == 403
    assert act("auditor", card, "shadow_start", first_day=str(AS_OF), reason="compare") in (302, 403)
    card.refresh_from_db()
    assert not card.is_shadow
