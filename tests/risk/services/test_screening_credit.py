"""R33 at an application and at a device: refer, refuse with a neutral reason, replay bit for bit, old decisions too."""

from decimal import Decimal

import pytest

from accounts.rules import BiometricPolicy
from accounts.services.device import device_touch, device_verify
from risk.models import Alert, BureauReport, CreditLine, Decision, Screening
from risk.rules.decision import decide
from risk.selectors.review import review_file
from risk.services.assessment import decision_replay
from risk.services.deny import deny_add
from tests.risk.builders import AS_OF, AT, PASSWORD, assess, behaviour_create, customer_create, staff_create, verified

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("policies")]


def judged(openid: str = "alice", *, debts: str = "9000.00") -> Decision:
    customer = customer_create(openid)
    behaviour_create(customer)
    BureauReport.objects.filter(customer=customer).update(debts_amount=Decimal(debts))
    return assess(verified(customer))


def deny(kind: str, value: str) -> None:
    deny_add(kind=kind, value=value, reason="fraud", user=staff_create(), as_of=AS_OF, at=AT)


@pytest.mark.req("R33")
@pytest.mark.parametrize(("debts", "outcome"), [("500000.00", "approved"), ("500000.01", "referred")])
def test_high_debts_elsewhere_go_to_a_person(debts: str, outcome: str) -> None:
    decision = judged(debts=debts)
    assert decision.outcome == outcome
    assert decision_replay(Decision.objects.get(pk=decision.pk))
    if outcome == "referred":
        assert {"code": "screening_review"} in decision.reasons
        assert Alert.objects.get().rule == "debts_elsewhere_high"


@pytest.mark.req("R33")
def test_somebody_denied_is_refused_with_a_neutral_reason() -> None:
    deny("openid", "alice")
    decision = judged()
    assert decision.outcome == "rejected"
    assert decision.reasons == [{"code": "screening_declined"}]
    assert decision_replay(Decision.objects.get(pk=decision.pk))
    assert not CreditLine.objects.exists()


@pytest.mark.req("R21")
def test_a_decision_made_before_there_were_layers_replays_unchanged() -> None:
    decision = judged()
    inputs = {name: value for name, value in decision.inputs.items() if name != "screening"}
    assert decide(inputs) == decide(decision.inputs)
    Decision.objects.filter(pk=decision.pk).update(inputs=inputs)
    assert decision_replay(Decision.objects.get(pk=decision.pk))


@pytest.mark.req("R33", "R5")
def test_the_reviewer_sees_what_every_layer_said() -> None:
    decision = judged(debts="500000.01")
    rows = {row["code"]: row for row in review_file(decision.application)["layers"]}
    assert rows["debts_elsewhere"]["verdict_code"] == "refer"
    assert "500,000.01" in rows["debts_elsewhere"]["evidence"]
    assert rows["credit_history"]["verdict_code"] == "pass"


@pytest.mark.req("R33", "R35")
@pytest.mark.parametrize("is_denied", [False, True])
def test_a_denied_device_is_not_verified_and_the_run_stays(is_denied: bool) -> None:
    customer = customer_create()
    device = device_touch(customer=customer, fingerprint="d9", user_agent="", ip=None, at=AT)
    if is_denied:
        deny("device", "d9")
    verdict = device_verify(
        device=device, payment_password=PASSWORD, face_token="ok", voice_token="ok", ip=None, as_of=AS_OF, at=AT,
        policy=BiometricPolicy(error_rate_below=Decimal("0.003")),
    )  # fmt: skip
    device.refresh_from_db()
    assert device.is_verified is not is_denied
    assert (verdict.error.code if verdict.error else "") == ("request_declined" if is_denied else "")
    assert Screening.objects.get(event="device_verification").verdict == ("block" if is_denied else "pass")
