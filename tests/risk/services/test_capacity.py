"""A fitted capacity dimension on its way into live decisions, and the house's own loans as a labelled set."""

from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from risk.models import Decision, LabelledSet, LoanTape, MonitoringPolicy, Scorecard, WorkbenchRun
from risk.rules.decision import decide
from risk.selectors.policy import scorecard_current
from risk.services.assessment import decision_compare
from risk.services.capacity import capacity_draft
from risk.services.labelled import labelled_load, run_request, runs_advance
from risk.services.own_loans import own_loans_create
from risk.services.policy import policy_activate
from tests.risk.builders import AS_OF, AT, approved_line, staff_create
from tests.risk.rules.workbench.test_portable import fitted
from tests.risk.services.test_labelled import labelled
from weilidai.lib.business_date import business_date_set
from weilidai.lib.errors import FieldInvalid, FourEyesRequired, ReasonRequired, TransitionRefused
from weilidai.lib.models import AuditEvent

pytestmark = [pytest.mark.usefixtures("policies"), pytest.mark.req("R15", "R17", "R21")]


def capacity_run(**values: Any) -> WorkbenchRun:
    card = {**fitted(), "name": "fit"}
    plain = {"kind": "capacity", "state": "done", "card": card, "report": {}, "requested_at": AT}
    return WorkbenchRun.objects.create(
        labelled_set=labelled(300), requested_by=staff_create("ana2"), **{**plain, **values}
    )


def drafted(run: WorkbenchRun, reason: str = "learned") -> Scorecard:
    return capacity_draft(run=run, valid_from=AS_OF, reason=reason, user=staff_create("dora"), as_of=AS_OF, at=AT)


def test_two_people_put_a_fit_into_live_decisions_and_each_replays_as_it_was() -> None:
    before = approved_line("alice").application.decisions.get()
    card = drafted(capacity_run())
    assert (card.version, card.state, card.drafted_by.username) == (2, "draft", "dora")
    with pytest.raises(FourEyesRequired):
        policy_activate(policy=card, user=card.drafted_by, as_of=AS_OF, at=AT)
    policy_activate(policy=card, user=staff_create("sue"), as_of=AS_OF, at=AT)
    assert scorecard_current(AS_OF).pk == card.pk
    after = approved_line("bob").application.decisions.get()
    capacity = next(one for one in after.dimensions if one["code"] == "capacity")
    assert (capacity["weight"], [one["name"] for one in capacity["variables"]]) == (
        "20.00", ["card_utilisation", "card_repayment_active_months_6m"],
    )  # fmt: skip
    assert set(after.inputs["variables"]) == {"card_utilisation", "card_repayment_active_months_6m"}
    assert decision_compare(after) == []
    assert decision_compare(Decision.objects.get(pk=before.pk)) == []
    assert before.scorecard_id != after.scorecard_id


def test_a_refusal_for_want_of_capacity_says_so() -> None:
    policy_activate(policy=drafted(capacity_run()), user=staff_create("sue"), as_of=AS_OF, at=AT)
    inputs = approved_line("bob").application.decisions.get().inputs
    inputs["policy"]["scorecard"]["definition"] |= {"approve_from": "97", "top_score": "99"}
    inputs["variables"] = {"card_utilisation": "0.9", "card_repayment_active_months_6m": "1"}
    refused = decide(inputs)
    assert refused["outcome"] == "rejected"
    assert {"debts_elsewhere", "card_repayments"} <= {row["code"] for row in refused["reasons"]}


def test_only_a_finished_fit_of_the_capacity_with_a_reason_becomes_a_draft() -> None:
    run = capacity_run(kind="fit")
    with pytest.raises(TransitionRefused):
        drafted(run)
    WorkbenchRun.objects.filter(pk=run.pk).update(kind="capacity")
    run.refresh_from_db()
    with pytest.raises(ReasonRequired):
        capacity_draft(run=run, valid_from=AS_OF, reason=" ", user=run.requested_by, as_of=AS_OF, at=AT)
    run.card["variables"][0]["of"] = ["status_09"]
    with pytest.raises(FieldInvalid):
        capacity_draft(run=run, valid_from=AS_OF, reason="learned", user=run.requested_by, as_of=AS_OF, at=AT)
    assert Scorecard.objects.count() == 1


def test_a_fit_on_the_file_gives_a_dimension_that_a_scorecard_takes() -> None:
    run = run_request(kind="capacity", labelled_set=labelled(2500), user=staff_create("bea"), at=AT)
    runs_advance(at=AT)
    run.refresh_from_db()
    assert (run.state, run.error) == ("done", "")
    assert run.card["holdout"]["auc"] > 0.65
    card = drafted(run)
    names = [one["name"] for one in card.definition["dimensions"][2]["variables"]]
    assert "worst_dpd_24m" in names
    assert AuditEvent.objects.filter(action="policy.draft", subject_id=str(card.pk)).count() == 1


# --- Our own loans ----------------------------------------------------------------------------------------------

LATER = AS_OF + timedelta(days=400)


def loan(openid: str, due: date | None) -> None:
    line = approved_line(openid)
    LoanTape.objects.create(
        loan_id=line.pk, customer=line.customer, credit_line=line, product=line.product, business_date=AS_OF,
        state="active", plan="single", start_date=AS_OF, due_date=AS_OF + timedelta(days=30),
        principal_amount=Decimal("500.00"), outstanding_principal_amount=Decimal("500.00"), unpaid_due_date=due,
        daily_rate=line.daily_rate,
    )  # fmt: skip


def built(as_of: date = LATER, today: date = LATER + timedelta(days=1)) -> LabelledSet:
    return own_loans_create(as_of=as_of, today=today, user=None, at=AT)


def test_approved_people_are_labelled_by_how_their_loans_ended() -> None:
    loan("alice", AS_OF + timedelta(days=30))
    loan("bob", None)
    approved_line("carol")
    row = built()
    assert (row.kind, row.row_count, row.bad_count, row.rejected_count) == ("loans", 2, 1, 1)
    found = labelled_load(row)
    assert sorted(person.bad for person in found.clients) == [0, 1]
    assert {person.values["assets_amount"] for person in found.clients} == {Decimal("5500.00")}
    assert built() == row
    assert AuditEvent.objects.filter(action="labelled_set.create").count() == 1


def test_the_definition_of_bad_is_the_policys_of_the_date() -> None:
    loan("alice", AS_OF + timedelta(days=30))
    loan("bob", None)
    assert built().bad_count == 1
    MonitoringPolicy.objects.create(
        code="desk", version=99, state="active", valid_from=AS_OF + timedelta(days=1), label_days_past_due=500
    )
    with pytest.raises(FieldInvalid):
        built()


def test_a_day_that_has_not_ended_and_a_set_without_ends_are_refused() -> None:
    loan("bob", None)
    for as_of in (LATER + timedelta(days=1), LATER):
        with pytest.raises(FieldInvalid):
            built(as_of=as_of)


def test_the_shipped_scorecard_cannot_measure_our_own_people_and_the_command_builds_them() -> None:
    loan("alice", AS_OF + timedelta(days=30))
    loan("bob", None)
    business_date_set(LATER + timedelta(days=1), at=AT)
    told = StringIO()
    call_command("label_loans", stdout=told)
    assert "2 people, 1 bad, 0 without a label" in told.getvalue()
    row, user = LabelledSet.objects.get(kind="loans"), staff_create("bea")
    with pytest.raises(FieldInvalid):
        run_request(kind="measure", labelled_set=row, user=user, at=AT)
    run = run_request(kind="capacity", labelled_set=row, user=user, at=AT)
    runs_advance(at=AT)
    run.refresh_from_db()
    assert "at least 2000" in run.error
