import copy
from datetime import date, timedelta

import pytest

from risk.errors import ReasonRequired
from risk.models import Decision, Scorecard, ShadowDecision
from risk.selectors.policy import scorecard_current
from risk.services.assessment import decision_replay
from risk.services.shadow import scorecard_shadow_end, scorecard_shadow_start, shadow_decide
from tests.risk.builders import AS_OF, AT, approved_line, staff_create
from weilidai.lib.errors import FieldInvalid, TransitionRefused
from weilidai.lib.models import AppendOnlyError, AuditEvent

pytestmark = [pytest.mark.usefixtures("policies"), pytest.mark.req("R17")]


def challenger(code="main", version=9, **changes):
    definition = copy.deepcopy(scorecard_current(AS_OF).definition) | changes
    return Scorecard.objects.create(
        code=code, version=version, definition=definition, valid_from=date(2099, 1, 1), drafted_by=staff_create("dora")
        if version == 9 else None,
    )  # fmt: skip


def start(card, first=AS_OF, last=None, reason="compare"):
    user = card.drafted_by or staff_create(f"u{card.version}")
    return scorecard_shadow_start(
        scorecard=card, first_day=first, last_day=last, reason=reason, user=user, as_of=AS_OF, at=AT
    )


def test_a_challenger_judges_the_live_application_and_changes_nothing():
    card = start(challenger(approve_from="98", top_score="99"))
    line = approved_line("alice")
    decision = Decision.objects.get()
    shadow = ShadowDecision.objects.get()
    assert (shadow.scorecard_id, shadow.decision_id, shadow.error) == (card.pk, decision.pk, "")
    assert (shadow.live_outcome, shadow.live_score) == ("approved", decision.score)
    assert (shadow.outcome, shadow.score, shadow.limit_amount) == ("rejected", decision.score, None)
    assert line.state == "active"
    assert decision.scorecard_id != card.pk
    assert decision_replay(decision)


def test_a_broken_challenger_leaves_its_error_and_the_decision_stands():
    card = start(challenger())
    Scorecard.objects.filter(pk=card.pk).update(definition={"dimensions": []})
    assert approved_line("alice").state == "active"
    shadow = ShadowDecision.objects.get()
    assert shadow.outcome == ""
    assert shadow.score is None
    assert "KeyError" in shadow.error


def test_a_failing_database_inside_the_shadow_breaks_nothing(monkeypatch):
    def broken(*args, **kwargs):
        Scorecard.objects.create(code=None, version=1, definition={}, valid_from=AS_OF)

    start(challenger())
    monkeypatch.setattr("risk.services.shadow._judged", broken)
    assert approved_line("alice").state == "active"
    assert "IntegrityError" in ShadowDecision.objects.get().error


@pytest.mark.parametrize(("first", "last", "count"), [(0, None, 1), (0, 0, 1), (1, None, 0), (-2, -1, 0), (-2, 0, 1)])
def test_only_the_days_of_the_run_count(first, last, count):
    card = start(challenger())
    days = {"shadow_from": AS_OF + timedelta(days=first), "shadow_to": None}
    if last is not None:
        days["shadow_to"] = AS_OF + timedelta(days=last)
    Scorecard.objects.filter(pk=card.pk).update(**days)
    approved_line("alice")
    assert ShadowDecision.objects.count() == count


def test_no_challenger_no_row():
    challenger()
    approved_line("alice")
    assert not ShadowDecision.objects.exists()


def test_rows_are_evidence_and_one_per_decision():
    start(challenger())
    approved_line("alice")
    assert shadow_decide(decision=Decision.objects.get(), at=AT) == []
    assert ShadowDecision.objects.count() == 1
    with pytest.raises(AppendOnlyError):
        ShadowDecision.objects.get().delete()


def test_starting_and_ending_are_recorded_once_each():
    card = start(challenger())
    assert (card.is_shadow, card.shadow_from, card.state) == (True, AS_OF, "draft")
    with pytest.raises(TransitionRefused):
        start(card)
    ended = scorecard_shadow_end(scorecard=card, reason="enough", user=card.drafted_by, as_of=AS_OF, at=AT)
    assert (ended.is_shadow, ended.shadow_to) == (False, AS_OF)
    with pytest.raises(TransitionRefused):
        scorecard_shadow_end(scorecard=card, reason="again", user=card.drafted_by, as_of=AS_OF, at=AT)
    actions = AuditEvent.objects.filter(subject_id=str(card.pk)).order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["scorecard.shadow_start", "scorecard.shadow_end"]


def test_what_cannot_start():
    live, card = scorecard_current(AS_OF), challenger()
    with pytest.raises(TransitionRefused):
        start(live)
    with pytest.raises(ReasonRequired):
        start(card, reason=" ")
    with pytest.raises(FieldInvalid):
        start(card, first=AS_OF - timedelta(days=1))
    with pytest.raises(FieldInvalid):
        start(card, last=AS_OF - timedelta(days=1))
    with pytest.raises(FieldInvalid):
        start(challenger(version=10, approve_from="99", top_score="1"))
    assert not Scorecard.objects.filter(is_shadow=True).exists()


def test_three_at_once_at_most():
    for version in (11, 12, 13):
        start(challenger(version=version))
    with pytest.raises(FieldInvalid):
        start(challenger(version=14))
