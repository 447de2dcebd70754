"""The way of a customer from the invitation to the paid-off loan, over the API alone, on delivered behaviour."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from loans.end_of_day.steps import STEPS
from loans.services.journal import ledger_accounts_load
from loans.services.payout import payouts_advance
from loans.services.sandbox_bank import sandbox_callbacks_deliver
from risk.feeds.load import ORDER, file_load
from risk.models import Decision, InvitationBatch
from risk.services.assessment import decision_replay
from risk.services.invitation import invitations_issue
from risk.services.presets import presets_load
from tests.api.traveller import Traveller
from tests.loans.life import close_through, faults
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import SHANGHAI, business_date_set

Clock = time_machine.Traveller

DAY = date(2026, 11, 20)
LAST_OF_TEN = date(2026, 11, 29)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=SHANGHAI)
DATA = Path(__file__).resolve().parents[1] / "data"
CASES = ("case-three-a-day", "case-student", "case-wealthy", "case-quiet-month", "case-score-599")


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Noon of the day; it stands until it is moved."""
    with time_machine.travel(NOON, tick=False) as standing:
        yield standing


@pytest.fixture(autouse=True)
def _platform(db: None, clock: Clock) -> None:
    """Presets, the delivered samples and the invitations, on an open 20 November."""
    business_date_set(DAY, at=NOON)
    presets_load(as_of=DAY)
    ledger_accounts_load()
    paths = [DATA / folder / f"{kind}.ndjson" for kind in ORDER for folder in ("feeds", "journey")]
    for path in filter(Path.exists, paths):
        file_load(kind=path.stem, path=path, as_of=DAY)
    actor, source = Actor.system("tests"), InvitationBatch.Source.STAFF
    invitations_issue(openids=CASES, product="weilidai", source=source, reason="tests", actor=actor, as_of=DAY)


def seconds_pass(clock: Clock, seconds: int) -> None:
    """The poller of the payouts rings twice a second."""
    for _ in range(seconds * 2):
        clock.shift(timedelta(milliseconds=500))
        at = datetime.now(tz=SHANGHAI)
        payouts_advance(at=at, as_of=DAY)
        sandbox_callbacks_deliver(at=at, as_of=DAY)


def reasons(decision: Any) -> list[str]:
    return [reason["code"] for reason in decision["reasons"]]


def loan_body(traveller: Traveller) -> dict[str, Any]:
    line = traveller.get("credit-lines")["results"][0]
    card = traveller.get("me/bank-cards")["results"][0]
    terms = {"credit_line": line["id"], "amount": "1000.00", "plan": "single", "days": 30}
    return terms | {"bank_card": card["id"], "purpose": "daily"}


def disbursed(traveller: Traveller, clock: Clock) -> Any:
    loan = traveller.post("loans", loan_body(traveller), expect=202)
    assert loan["state"] == "disbursing"
    seconds_pass(clock, 3)
    return traveller.get(f"loans/{loan['id']}")


def line_used(traveller: Traveller) -> str:
    return str(traveller.get("credit-lines")["results"][0]["used"])


@pytest.mark.req("R1", "R9")
def test_without_an_invitation_there_is_no_entry() -> None:
    stranger = Traveller("wx-7-00001", 1)
    entry = stranger.get("entry", product="weilidai")
    assert (entry["available"], entry["reason"]) == (False, "not_invited")
    assert stranger.refusal("applications", {"product": "weilidai"}) == "not_invited"


@pytest.mark.req("R9", "R10", "R21")
def test_the_entry_names_each_step_up_to_the_line() -> None:
    traveller = Traveller("case-three-a-day", 1)
    steps = [traveller.entry_step()]
    application = traveller.apply()
    steps.append(traveller.entry_step())
    traveller.prove_identity()
    documents = traveller.get("documents", product="weilidai")
    left = [len(traveller.sign(application, document)["missing_signatures"]) for document in documents]
    assert left == [5, 4, 3, 2, 1, 0]
    steps.append(traveller.entry_step())
    traveller.verify(application)
    steps.append(traveller.entry_step())
    decision = traveller.assess(application)
    steps.append(traveller.entry_step())

    assert steps == ["apply", "sign_documents", "verify", "assess", "borrow"]
    assert (decision["decision"], decision["tier"]) == ("approved", "new")
    assert (decision["score"], decision["limit"], decision["daily_rate"]) == ("89.00", "6500.00", "0.000340")
    assert len(decision["dimensions"]) == 5
    assert decision_replay(Decision.objects.get(pk=decision["id"]))


@pytest.mark.req("R10")
def test_five_signatures_are_not_enough_and_the_text_comes_as_pdf() -> None:
    traveller = Traveller("case-three-a-day", 1)
    application = traveller.apply()
    traveller.prove_identity()
    documents = traveller.get("documents", product="weilidai")
    for document in documents[:5]:
        traveller.sign(application, document)
    assert traveller.verification_refusal(application)["code"] == "signatures_missing"
    pdf = traveller.http.get(f"/api/v1/documents/{documents[5]['id']}/pdf")
    assert b"".join(pdf).startswith(b"%PDF-")
    traveller.sign(application, documents[5])
    assert traveller.verify(application)["state"] == "identity_verified"


@pytest.mark.req("R11", "R12")
def test_three_failed_verifications_pass_and_the_fourth_waits_a_day(clock: Clock) -> None:
    traveller = Traveller("case-three-a-day", 1)
    application = traveller.apply()
    traveller.prove_identity()
    traveller.sign_all(application)
    first_three = [("bad", "ok"), ("ok", "bad"), ("rate:0.003", "ok")]
    answers = [traveller.verification_refusal(application, face=face, voice=voice) for face, voice in first_three]
    assert [(answer["code"], answer["attempts_left"]) for answer in answers] == [
        ("verification_failed", 3), ("verification_failed", 2), ("verification_failed", 1),
    ]  # fmt: skip
    fourth = traveller.verification_refusal(application, voice="rate:0.003")
    assert (fourth["code"], fourth["retry_at"]) == ("verification_locked", "2026-11-21T12:00:00+08:00")
    clock.shift(timedelta(hours=24, seconds=-1))
    traveller.sign_in()
    assert traveller.verification_refusal(application)["code"] == "verification_locked"
    clock.shift(timedelta(seconds=1))
    assert traveller.verify(application, face="rate:0.0029", voice="rate:0.0029")["state"] == "identity_verified"


@pytest.mark.req("R4", "R21", "R24", "R50")
@pytest.mark.parametrize(
    ("case", "outcome", "tier", "limit", "reason"),
    [
        ("case-student", "approved", "new", "1000.00", "student_limit"),
        ("case-wealthy", "approved", "vip", "154600.00", "good_capacity"),
        ("case-quiet-month", "rejected", None, None, "activity_insufficient"),
        ("case-score-599", "rejected", None, None, "score_below_minimum"),
    ],
)
def test_each_case_is_decided_by_its_one_fact(
    case: str, outcome: str, tier: str | None, limit: str | None, reason: str
) -> None:
    decision = Traveller(case, 1).onboard()
    assert (decision["decision"], decision["tier"], decision["limit"]) == (outcome, tier, limit)
    assert reason in reasons(decision)
    assert decision_replay(Decision.objects.get(pk=decision["id"]))


@pytest.mark.req("R14", "R59")
def test_a_loan_is_quoted_paid_out_carried_ten_days_and_paid_off(clock: Clock) -> None:
    traveller = Traveller("case-three-a-day", 1)
    traveller.onboard()
    quote = traveller.post("loan-quotes", loan_body(traveller), expect=200)
    assert (quote["total_cost"], quote["total_repayment"]) == ("10.20", "1010.20")
    loan = disbursed(traveller, clock)
    assert (loan["state"], loan["start_date"], loan["due_date"]) == ("active", "2026-11-20", "2026-12-20")
    assert (loan["requested_at"], loan["disbursed_at"]) == ("2026-11-20T12:00:00+08:00", "2026-11-20T12:00:01+08:00")
    assert line_used(traveller) == "1000.00"

    close_through(LAST_OF_TEN, steps=STEPS)
    owed = traveller.get(f"loans/{loan['id']}/settlement")
    assert (owed["valid_on"], owed["principal"], owed["interest"]) == ("2026-11-30", "1000.00", "3.40")
    path = f"loans/{loan['id']}/repayments"
    assert traveller.refusal(path, {"amount": "1003.41"}) == "repayment_exceeds_debt"
    first = traveller.post(path, {"amount": "503.40"}, key="first")
    assert (first["interest"], first["principal"], first["loan_state"]) == ("3.40", "500.00", "active")
    assert traveller.post(path, {"amount": "503.40"}, key="first") == first
    assert line_used(traveller) == "500.00"
    last = traveller.post(path, {"amount": "500.00"})
    assert (last["principal"], last["loan_state"], line_used(traveller)) == ("500.00", "settled", "0.00")
    assert traveller.refusal(path, {"amount": "0.01"}) == "loan_not_open"
    assert faults() == []


@pytest.mark.req("R14")
def test_a_refused_payout_gives_the_limit_back(clock: Clock) -> None:
    traveller = Traveller("case-three-a-day", 1)
    traveller.assess(traveller.ready_to_assess(ending="41"))
    loan = disbursed(traveller, clock)
    assert (loan["state"], loan["failure"], line_used(traveller)) == ("failed", "card_refused", "0.00")
    assert faults() == []


@pytest.mark.req("R14")
def test_a_loan_of_somebody_else_does_not_exist(clock: Clock) -> None:
    traveller, other = Traveller("case-three-a-day", 1), Traveller("case-student", 2)
    traveller.onboard()
    loan = disbursed(traveller, clock)
    assert other.http.get(f"/api/v1/loans/{loan['id']}").status_code == 404
    assert other.answer(f"loans/{loan['id']}/repayments", {"amount": "1.00"}).status_code == 404
