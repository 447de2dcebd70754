"""R33–R37 at a loan over the API: what the layers wrote stays though the request is refused; counters under parallel
requests."""

import copy
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from loans.models import Loan
from risk.models import Alert, CreditLine, LoginRecord, Screening, ScreeningHit, ScreeningPolicy
from risk.services.screening import screening_current, screening_replay
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.test_parallel import body, together
from weilidai.lib.models import AuditEvent, StateChange

SHENZHEN, URUMQI = "198.51.100.7", "198.51.100.170"


def adjust(layer: str, *, mode: str = "enforced", verdicts: dict[str, str] | None = None, **figures: Any) -> None:
    """Puts another version of the pipeline into force, one layer changed."""
    first = screening_current(TODAY)
    definition = copy.deepcopy(ScreeningPolicy.objects.get(pk=first.pk).definition)
    row = next(row for row in definition["layers"] if row["layer"] == layer)
    row["mode"] = mode
    row["parameters"] |= figures
    row["verdicts"] |= verdicts or {}
    ScreeningPolicy.objects.create(code="main", version=2, state="active", valid_from=TODAY, definition=definition)


def ask(who: Borrower, key: str, *, ip: str = SHENZHEN, **more: Any) -> Any:
    return who.client().post("/api/v1/loans", {**body(who), **more}, HTTP_IDEMPOTENCY_KEY=key, REMOTE_ADDR=ip)


@pytest.mark.req("R36")
@pytest.mark.django_db
def test_a_freeze_outlives_the_refused_request_and_its_repetition(alice: Borrower) -> None:
    assert ask(alice, "k1").status_code == 202
    place(alice, "深圳")

    refused = ask(alice, "k2", ip=URUMQI)
    assert (refused.status_code, refused.json()["code"]) == (409, "credit_line_frozen")
    line = CreditLine.objects.get()
    assert (line.state, line.frozen_reason) == ("frozen", "unusual_place")
    assert Alert.objects.get().rule == "unusual_place"
    assert AuditEvent.objects.filter(action="credit_line.freeze").count() == 1

    again = ask(alice, "k2", ip=URUMQI)
    assert again.json() == refused.json()
    assert Screening.objects.filter(verdict="freeze").count() == 1
    assert StateChange.objects.filter(subject_type="risk.creditline", new="frozen").count() == 1
    assert Loan.objects.count() == 1


def place(who: Borrower, city: str) -> None:
    """Where the customer usually logs in from."""
    LoginRecord.objects.create(
        customer=who.customer, at=NOW - timedelta(days=20), date=TODAY - timedelta(days=20), city=city
    )


@pytest.mark.req("R33")
@pytest.mark.django_db
@pytest.mark.parametrize("verdict", ["refer", "block"])
def test_a_refusal_tells_the_customer_nothing_of_the_layer(alice: Borrower, verdict: str) -> None:
    adjust("single_amount", loan_amount="999.99", verdicts={"single_loan": verdict})
    refused = ask(alice, "k1")
    assert (refused.status_code, refused.json()["code"]) == (409, "request_declined")
    told = refused.content.decode()
    assert "single" not in told
    assert "999.99" not in told
    assert Screening.objects.get().verdict == verdict
    assert not Loan.objects.exists()


@pytest.mark.req("R33")
@pytest.mark.django_db
def test_a_layer_in_shadow_is_kept_and_stops_nothing(alice: Borrower) -> None:
    adjust("single_amount", mode="shadow", loan_amount="999.99", verdicts={"single_loan": "block"})
    assert ask(alice, "k1").status_code == 202
    hit = ScreeningHit.objects.get()
    assert (hit.condition, hit.verdict, hit.is_enforced) == ("single_loan", "block", False)
    assert not Alert.objects.exists()
    assert screening_replay(Screening.objects.get())


@pytest.mark.req("R35")
@pytest.mark.django_db
def test_a_challenge_asks_for_the_device_again_and_counts_though_refused(alice: Borrower) -> None:
    adjust("single_amount", loan_amount="999.99", verdicts={"single_loan": "challenge"})
    refused = ask(alice, "k1")
    assert (refused.status_code, refused.json()["code"]) == (403, "device_not_verified")
    alice.device.refresh_from_db()
    assert alice.device.verified_at is None
    assert AuditEvent.objects.filter(action="device.doubted").count() == 1
    assert not Loan.objects.exists()


@pytest.mark.req("R37")
@pytest.mark.django_db
@pytest.mark.parametrize(("limit", "codes"), [(2, [202, 202, 409]), (3, [202, 202, 202])])
def test_one_loan_more_than_the_window_allows_is_refused(alice: Borrower, limit: int, codes: list[int]) -> None:
    adjust("behaviour_frequency", loan_max=limit, verdicts={"loan_too_often": "block"})
    assert [ask(alice, f"k{number}").status_code for number in range(3)] == codes


@pytest.mark.req("R37")
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_twenty_parallel_loans_the_window_lets_five_through(alice: Borrower, clients: Any) -> None:
    adjust("behaviour_frequency", loan_max=5, verdicts={"loan_too_often": "block"})

    def draw(number: int) -> tuple[int, str]:
        answer = clients().post("/api/v1/loans", body(alice), HTTP_IDEMPOTENCY_KEY=f"k{number}")
        return answer.status_code, answer.json().get("code", "")

    assert Counter(together(draw, 20)) == {(202, ""): 5, (409, "request_declined"): 15}
    assert Loan.objects.count() == 5
    assert Screening.objects.count() == 20
