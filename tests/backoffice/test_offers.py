"""A new schedule is put before the customer from the back office, which shows what became of it (R54, R59)."""

import pytest
from django.urls import reverse

from loans.models import Approval, Loan, RearrangementOffer
from loans.services.rearrangement_answer import offers_close
from tests.backoffice.test_lives import RELIEF, do, newest, relief_page, staff
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.life import active_loan, faults, repay
from tests.loans.offers import fresh, offered, refuse

pytestmark = pytest.mark.req("R54", "R59")
IN_APP = {"consent": "app", "reason": "lost the job"}


def page(role: str, name: str, key: object) -> str:
    answer = staff(role, f"{role}-looks").get(
        reverse(f"admin:loans_{name}_change", args=[key]), headers={"accept-language": "en"}
    )
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_collector_asks_the_supervisor_agrees_and_the_customer_has_the_offer(alice: Borrower) -> None:
    loan, collector, chief = active_loan(alice), staff("collector"), staff("supervisor")
    collector.post(relief_page(loan), {**RELIEF, **IN_APP, "consent_reference": "left over", "consent_reason": "x"})
    asked = newest()
    assert {name: asked.payload[name] for name in ("consent", "consent_reference", "consent_reason")} == {
        "consent": "app", "consent_reference": "", "consent_reason": "",
    }  # fmt: skip
    do(chief, "approval_agree", asked.pk)
    offer = RearrangementOffer.objects.get()
    assert (offer.approval, offer.state, newest().state) == (asked, "open", "offered")
    assert Loan.objects.get(pk=loan.pk).rearranged_date is None
    words = ("Waits for the customer&#x27;s answer", "answer until 2026-09-29")
    for name, key in (("loan", loan.pk), ("approval", asked.pk)):
        shown = page("finance" if name == "loan" else "auditor", name, key)
        assert [word for word in words if word not in shown] == []
    # It can be taken back, by whoever decides, and not be agreed to once more.
    do(chief, "approval_agree", asked.pk)
    assert newest().state == "offered"
    do(chief, "approval_refuse", asked.pk, reason="too generous")
    assert (newest().state, fresh(offer).state) == ("rejected", "withdrawn")
    assert faults() == []


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"consent_reference": "HT-1"},
        {"consent_reason": "no phone"},
        {"consent_reference": " ", "consent_reason": " "},
    ],
)
def test_a_consent_recorded_by_staff_has_its_reference_and_why_not_in_the_app(
    alice: Borrower, values: dict[str, str]
) -> None:
    loan, collector = active_loan(alice), staff("collector")
    answer = collector.post(relief_page(loan), {**RELIEF, **IN_APP, "consent": "signed", **values})
    assert answer.context["asked"].errors
    assert not Approval.objects.exists()


def test_what_ended_an_offer_is_told_in_words(alice: Borrower) -> None:
    first, second = active_loan(alice), active_loan(alice)
    gone, kept = offered(first, TODAY), offered(second, TODAY)
    repay(alice, first, "1.00", TODAY)
    offers_close(as_of=TODAY, at=NOW)
    refuse(alice, kept, TODAY, "found work")
    assert "something was paid or entered since" in page("auditor", "rearrangementoffer", gone.pk)
    assert "found work" in page("finance", "loan", second.pk)
    listed = staff("credit_officer").get(reverse("admin:loans_rearrangementoffer_changelist"))
    assert listed.status_code == 200
    assert len(listed.context["cl"].result_list) == 2
