from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.errors import IdentityNotVerified
from accounts.models import Consent, Customer, Notification
from risk.errors import FourEyesRequired, LimitExceeded, ReasonRequired
from risk.models import (
    AuxiliaryReading,
    CreditApplication,
    CreditLine,
    Decision,
    DecisionContest,
    Invitation,
    LineChange,
    Outcome,
    ProductTerms,
    Scorecard,
    Tier,
)
from risk.selectors.facts import facts_gather
from risk.selectors.policy import terms_current
from risk.services.assessment import application_assess, decision_replay, referral_decide
from risk.services.contest import contest_answer, contest_open
from risk.services.credit_line import credit_line_change
from tests.risk.builders import (
    AS_OF,
    AT,
    STAFF,
    approved_line,
    assess,
    auxiliary_create,
    behaviour_create,
    customer_create,
    edge,
    signed,
    staff_create,
    verified,
)
from weilidai.lib.errors import ObjectNotFound, TransitionRefused
from weilidai.lib.models import AuditEvent, StateChange

pytestmark = pytest.mark.usefixtures("policies")


def ready(openid: str = "alice", **behaviour: Any) -> CreditApplication:
    customer = customer_create(openid)
    behaviour_create(customer, **behaviour)
    return verified(customer)


def referred(openid: str = "alice") -> CreditApplication:
    application = ready(openid)
    auxiliary_create(application.customer, "education", state="contradicted")
    assert assess(application).outcome == "referred"
    return application


@pytest.mark.req("R13", "R21", "R22")
def test_an_approval_keeps_the_decision_whole_and_opens_the_line_it_grants() -> None:
    decision = assess(ready())
    line = CreditLine.objects.get()
    assert (decision.outcome, decision.tier, line.tier, line.state) == ("approved", "new", "new", "active")
    assert (line.limit_amount, line.daily_rate) == (decision.limit_amount, decision.daily_rate)
    assert Decimal(500) <= line.limit_amount <= Decimal(8000)
    assert line.penalty_share == Decimal("0.5")
    assert [d["code"] for d in decision.dimensions] == [
        "consumption", "social", "capacity", "device_stability", "external_credit",
    ]  # fmt: skip
    assert set(decision.inputs) == {"schema", "as_of", "facts", "policy", "variables", "screening"}
    assert (decision.scorecard.version, decision.terms.version) == (1, 1)


@pytest.mark.req("R21")
def test_an_approval_leaves_its_trail_exactly_once() -> None:
    application = ready()
    decision = assess(application)
    line = CreditLine.objects.get()
    steps = StateChange.objects.filter(subject_id=str(application.pk)).order_by("pk").values_list("new", flat=True)
    assert list(steps) == ["started", "documents_signed", "identity_verified", "assessing", "approved"]
    assert AuditEvent.objects.filter(action="decision.make", subject_id=str(decision.pk)).count() == 1
    assert AuditEvent.objects.filter(action="credit_line.open", subject_id=str(line.pk)).count() == 1
    assert LineChange.objects.get().new_limit_amount == line.limit_amount
    assert Notification.objects.filter(kind="application_approved").count() == 1


def test_an_application_is_assessed_once() -> None:
    application = ready()
    assess(application)
    with pytest.raises(TransitionRefused):
        assess(application)
    assert Decision.objects.count() == 1


def test_an_application_that_is_not_verified_is_not_assessed() -> None:
    with pytest.raises(TransitionRefused):
        assess(signed(customer_create()))


def test_somebody_elses_application_is_not_found() -> None:
    application = ready()
    bob = customer_create("bob")
    with pytest.raises(ObjectNotFound):
        application_assess(application_id=application.pk, customer=bob, **edge(bob))


@pytest.mark.req("R3")
def test_papers_lost_before_the_assessment_stop_it_without_a_decision() -> None:
    application = ready()
    Customer.objects.update(identity_verified_at=None)
    with pytest.raises(IdentityNotVerified):
        assess(application)
    assert CreditApplication.objects.get().state == "identity_verified"


@pytest.mark.req("R2", "R4")
@pytest.mark.parametrize(
    ("score", "opens", "outcome", "code"),
    [
        (599, 6, "rejected", "score_below_minimum"),
        (600, 3, "approved", None),
        (720, 2, "rejected", "activity_insufficient"),
    ],
)
def test_score_and_activity_decide_at_their_edges(score: int, opens: int, outcome: str, code: str | None) -> None:
    decision = assess(ready(score=score, opens=opens))
    hard = [r["code"] for r in decision.reasons if r["code"] in {"score_below_minimum", "activity_insufficient"}]
    assert (decision.outcome, hard) == (outcome, [code] if code else [])
    assert CreditLine.objects.count() == (outcome == "approved")


@pytest.mark.req("R50")
@pytest.mark.parametrize("field", ["declared_student", "registered_occupation"])
def test_a_student_by_either_source_gets_1000(field: str) -> None:
    values: dict[str, Any] = {"declared_student": True, "registered_occupation": "student"}
    customer = customer_create(**{field: values[field]})
    behaviour_create(customer, assets="900000.00")
    assert assess(verified(customer)).limit_amount == Decimal("1000.00")


@pytest.mark.req("R24")
@pytest.mark.parametrize(("assets", "tier"), [("499999.99", "new"), ("500000.00", "vip")])
def test_assets_decide_about_vip(assets: str, tier: str) -> None:
    assert assess(ready(assets=assets)).tier == tier


@pytest.mark.req("R54")
def test_two_products_together_stay_below_the_household_limit() -> None:
    first = approved_line(assets="900000.00")
    second = assess(verified(first.customer, product="jiebei"))
    total = sum(CreditLine.objects.values_list("limit_amount", flat=True), Decimal(0))
    assert second.outcome == "approved"
    assert total <= Decimal(200000)


@pytest.mark.req("R55")
def test_without_the_consent_no_credit_report_is_used() -> None:
    application = ready()
    Consent.objects.filter(code="credit_report").update(withdrawn_at=AT)
    decision = assess(application)
    assert (decision.outcome, decision.reasons) == ("referred", [{"code": "credit_report_missing"}])
    assert decision.inputs["facts"]["worst_dpd_24m"] is None


# --- A person decides -------------------------------------------------------------------------------------------


@pytest.mark.req("R5")
def test_a_contradicted_item_refers_and_a_person_approves_what_the_score_earns() -> None:
    application = referred()
    carol = staff_create()
    decision = referral_decide(
        application_id=application.pk, outcome=Outcome.APPROVED, reason="diploma seen", user=carol, as_of=AS_OF, at=AT
    )
    machine = Decision.objects.get(decided_by=None)
    assert (decision.answers, decision.decided_by, decision.note) == (machine, carol, "diploma seen")
    assert CreditLine.objects.get().limit_amount == decision.limit_amount
    assert CreditApplication.objects.get().state == "approved"
    assert (machine.limit_amount, machine.tier) == (None, "")
    assert decision_replay(machine)
    assert decision_replay(decision)


def test_a_person_may_reject_but_needs_a_reason_and_does_it_once() -> None:
    application = referred()
    values: dict[str, Any] = {"application_id": application.pk, "user": staff_create(), "as_of": AS_OF, "at": AT}
    with pytest.raises(ReasonRequired):
        referral_decide(outcome=Outcome.REJECTED, reason=" ", **values)
    with pytest.raises(ValueError, match="approves or rejects"):
        referral_decide(outcome=Outcome.REFERRED, reason="unsure", **values)
    assert referral_decide(outcome=Outcome.REJECTED, reason="forged diploma", **values).limit_amount is None
    with pytest.raises(TransitionRefused):
        referral_decide(outcome=Outcome.APPROVED, reason="again", **values)
    assert CreditLine.objects.count() == 0


def test_only_what_was_referred_is_decided_by_a_person() -> None:
    application = ready(score=599)
    assess(application)
    with pytest.raises(TransitionRefused):
        referral_decide(
            application_id=application.pk,
            outcome=Outcome.APPROVED,
            reason="please",
            user=staff_create(),
            as_of=AS_OF,
            at=AT,
        )


@pytest.mark.req("R54")
def test_a_line_opened_since_the_referral_counts_when_a_person_approves() -> None:
    customer = customer_create()
    behaviour_create(customer, assets="900000.00")
    application = verified(customer)
    auxiliary_create(customer, "education", state="contradicted")
    assess(application)
    AuxiliaryReading.objects.filter(item="education").delete()
    assess(verified(customer, product="jiebei"))
    other = CreditLine.objects.get()
    values: dict[str, Any] = {
        "application_id": application.pk,
        "reason": "ok",
        "user": staff_create(),
        "as_of": AS_OF,
        "at": AT,
    }
    credit_line_change(
        line_id=other.pk, limit_amount=Decimal(200000), reason="all of it", actor=STAFF, as_of=AS_OF, at=AT
    )
    with pytest.raises(LimitExceeded):
        referral_decide(outcome=Outcome.APPROVED, **values)
    credit_line_change(line_id=other.pk, limit_amount=Decimal(199000), reason="less", actor=STAFF, as_of=AS_OF, at=AT)
    assert referral_decide(outcome=Outcome.APPROVED, **values).limit_amount == Decimal(1000)


# --- Replay -----------------------------------------------------------------------------------------------------


@pytest.mark.req("R21")
def test_a_decision_replays_after_every_policy_changed() -> None:
    decision = assess(ready())
    Scorecard.objects.update(definition={})
    ProductTerms.objects.update(score_minimum=900, limit_ceiling_amount=Decimal(100))
    Tier.objects.update(limit_max_amount=Decimal(600), daily_rate_max=Decimal("0.000301"))
    Customer.objects.update(declared_student=True)
    assert decision_replay(Decision.objects.get(pk=decision.pk))
    call_command("replay_decision", str(decision.pk))


@pytest.mark.req("R21")
def test_an_altered_decision_does_not_replay() -> None:
    decision = assess(ready())
    alterations: tuple[dict[str, Any], ...] = (
        {"limit_amount": Decimal("7999.00")},
        {"daily_rate": Decimal("0.000301")},
        {"score": Decimal("1.00")},
        {"reasons": []},
        {"inputs": {**decision.inputs, "facts": {**decision.inputs["facts"], "friends_count": 1}}},
    )
    for altered in alterations:
        kept = {name: getattr(decision, name) for name in altered}
        Decision.objects.filter(pk=decision.pk).update(**altered)
        assert decision_replay(Decision.objects.get(pk=decision.pk)) is False
        Decision.objects.filter(pk=decision.pk).update(**kept)
    assert decision_replay(Decision.objects.get(pk=decision.pk))


@pytest.mark.req("R21")
def test_replay_command_fails_on_another_answer_an_unknown_and_a_malformed_id() -> None:
    decision = assess(ready())
    Decision.objects.update(result_sha256="0" * 64)
    for given, message in (
        (str(decision.pk), "another answer"),
        ("00000000-0000-7000-8000-000000000000", "no decision"),
        ("x", "not an id"),
    ):
        with pytest.raises(CommandError, match=message):
            call_command("replay_decision", given)


# --- Contest ----------------------------------------------------------------------------------------------------


def contested(application: CreditApplication) -> DecisionContest:
    customer = application.customer
    return contest_open(application_id=application.pk, customer=customer, text="why?", **edge(customer))


@pytest.mark.req("R55")
def test_a_revised_refusal_invites_again() -> None:
    application = ready(score=599)
    assess(application)
    contest = contested(application)
    contest_answer(
        contest_id=contest.pk, revised=True, answer="score corrected", user=staff_create(), as_of=AS_OF, at=AT
    )
    assert DecisionContest.objects.get().state == "revised"
    assert Invitation.objects.filter(state="issued", openid="alice").count() == 1
    assert Decision.objects.get().outcome == "rejected"


@pytest.mark.req("R55")
def test_an_upheld_refusal_invites_nobody_and_is_answered_once() -> None:
    application = ready(score=599)
    assess(application)
    contest = contested(application)
    values: dict[str, Any] = {
        "contest_id": contest.pk,
        "revised": False,
        "user": staff_create(),
        "as_of": AS_OF,
        "at": AT,
    }
    with pytest.raises(ReasonRequired):
        contest_answer(answer="", **values)
    contest_answer(answer="the score was right", **values)
    with pytest.raises(TransitionRefused):
        contest_answer(answer="again", **values)
    assert Invitation.objects.filter(state="issued").count() == 0


@pytest.mark.req("R55")
def test_who_decided_does_not_answer_the_contest() -> None:
    application = referred()
    carol = staff_create()
    referral_decide(
        application_id=application.pk, outcome=Outcome.REJECTED, reason="forged", user=carol, as_of=AS_OF, at=AT
    )
    contest = contested(application)
    with pytest.raises(FourEyesRequired):
        contest_answer(contest_id=contest.pk, revised=False, answer="stays", user=carol, as_of=AS_OF, at=AT)
    answered = contest_answer(
        contest_id=contest.pk, revised=False, answer="stays", user=staff_create("dave"), as_of=AS_OF, at=AT
    )
    assert answered.answered_by is not None


@pytest.mark.req("R23")
@pytest.mark.parametrize(("day", "months"), [(date(2027, 5, 19), 5), (date(2027, 5, 20), 6)])
def test_months_in_use_are_complete_months_since_the_first_line(day: date, months: int) -> None:
    line = approved_line()
    assert facts_gather(line.customer, terms_current("weilidai", day), day).months_in_use == months
    assert facts_gather(line.customer, terms_current("jiebei", day), day).months_in_use == 0
