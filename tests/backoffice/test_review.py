"""R5, R21, R55: the review page, the contest page, and the replay by a button."""

import pytest
from django.test import Client

from accounts.models import Customer, StaffUser
from risk.models import CreditApplication, CreditLine, Decision, DecisionContest, ReviewClaim
from risk.services.contest import contest_open
from tests.backoffice.test_pages import staff
from tests.risk.builders import assess, behaviour_create, customer_create, edge, verified
from tests.risk.services.test_review import referred

LIST = "/admin/risk/creditapplication/"
SENT = {"_form_submitted": "on"}

pytestmark = pytest.mark.usefixtures("policies")


@pytest.fixture
def alice() -> CreditApplication:
    return referred("alice")


def post(client: Client, application: CreditApplication, do: str, **form: str) -> str:
    answer = client.post(f"{LIST}{application.pk}/review/", {"do": do, **form})
    assert answer.status_code == 302
    return str(answer["Location"])


def state(application: CreditApplication) -> str:
    return str(CreditApplication.objects.values_list("state", flat=True).get(pk=application.pk))


@pytest.mark.req("R5", "R21")
def test_one_page_has_everything(alice: CreditApplication) -> None:
    page = staff("credit_officer").get(f"{LIST}{alice.pk}/change/")
    text, context = page.content.decode(), page.context
    assert len(context["items"]) == 12
    assert context["items"][0][0].state == "contradicted"
    assert len(context["signatures"]) == 6
    assert len(context["attempts"]) == 1
    assert [code for code, _text in context["reasons"]] == ["information_contradicted"]
    assert context["offer"]["has_room"]
    assert context["chart"].count('"label"') == 2
    assert "/signature/" in text
    assert 'value="approved"' in text


@pytest.mark.req("R5")
def test_the_page_of_an_application_nobody_assessed_opens() -> None:
    application = verified(customer_create("bob"))
    page = staff("credit_officer").get(f"{LIST}{application.pk}/change/")
    assert page.status_code == 200
    assert 'value="approved"' not in page.content.decode()


@pytest.mark.req("R10")
def test_a_signed_text_is_read_as_pdf(alice: CreditApplication) -> None:
    signature = alice.signatures.first()
    url = f"{LIST}signature/{signature.pk}/pdf/"
    answer = staff("auditor").get(url)
    assert (answer["Content-Type"], answer.content[:4]) == ("application/pdf", b"%PDF")
    assert staff("finance").get(url).status_code == 403
    assert staff("supervisor").get(f"{LIST}signature/{alice.pk}/pdf/").status_code == 404


@pytest.mark.req("R5")
def test_the_queue_leads_from_one_to_the_next(alice: CreditApplication) -> None:
    bob, client = referred("bob"), staff("credit_officer")
    queue = client.get(LIST + "?state__exact=referred")
    assert [row.pk for row in queue.context["cl"].result_list] == [alice.pk, bob.pk]
    first = client.post(f"{LIST}review-next/", SENT)
    assert first["Location"] == f"{LIST}{alice.pk}/change/"
    following = post(client, alice, "rejected", reason="papers differ", then_next="1")
    assert following == f"{LIST}{bob.pk}/change/"
    assert (state(alice), state(bob)) == ("rejected", "referred")
    assert "state__exact=referred" in post(client, bob, "approved", reason="looked at it", then_next="1")
    assert CreditLine.objects.get().customer.openid == "bob"
    assert Decision.objects.filter(decided_by__username="credit_officer").count() == 2


@pytest.mark.req("R5")
def test_two_officers_do_not_work_on_the_same_one(alice: CreditApplication) -> None:
    officer, boss = staff("credit_officer"), staff("supervisor")
    post(officer, alice, "claim")
    assert 'value="approved"' not in boss.get(f"{LIST}{alice.pk}/change/").content.decode()
    post(boss, alice, "rejected", reason="did not look")
    assert state(alice) == "referred"
    post(boss, alice, "take_over")
    post(officer, alice, "rejected", reason="too late now")
    assert state(alice) == "referred"
    post(boss, alice, "release")
    assert not ReviewClaim.objects.exists()


@pytest.mark.req("R5")
def test_deciding_needs_the_right_and_a_reason(alice: CreditApplication) -> None:
    url = f"{LIST}{alice.pk}/review/"
    for role in ("auditor", "collector"):
        assert staff(role).post(url, {"do": "approved", "reason": "no right to"}).status_code == 403
    officer = staff("credit_officer")
    assert officer.get(url).status_code == 403
    assert officer.post(url, {"do": "nonsense", "reason": "good enough"}).status_code == 404
    post(officer, alice, "approved", reason="")
    assert state(alice) == "referred"


def contested(customer: Customer) -> DecisionContest:
    application = CreditApplication.objects.get(customer=customer)
    return contest_open(application_id=application.pk, customer=customer, text="我的公积金是真的", **edge(customer))


@pytest.mark.req("R55")
def test_a_contest_is_answered_on_the_same_page_by_somebody_else(alice: CreditApplication) -> None:
    officer, boss = staff("credit_officer"), staff("supervisor")
    post(officer, alice, "rejected", reason="papers differ")
    contest = contested(alice.customer)
    page = f"/admin/risk/decisioncontest/{contest.pk}/"
    text = officer.get(f"{page}change/").content.decode()
    assert "我的公积金是真的" in text
    assert 'value="upheld"' not in text
    officer.post(f"{page}review/", {"do": "upheld", "reason": "I am sure of it"})
    assert DecisionContest.objects.get().state == "open"
    assert 'value="upheld"' in boss.get(f"{page}change/").content.decode()
    boss.post(f"{page}review/", {"do": "upheld", "reason": ""})
    assert DecisionContest.objects.get().state == "open"
    assert boss.post(f"{page}review/", {"do": "nonsense", "reason": "three"}).status_code == 404
    boss.post(f"{page}review/", {"do": "revised", "reason": "the proof is genuine"})
    answered = DecisionContest.objects.get()
    assert (answered.state, answered.answered_by) == ("revised", StaffUser.objects.get(username="supervisor"))
    assert staff("auditor").post(f"{page}review/", {"do": "upheld", "reason": "no right"}).status_code == 403


@pytest.mark.req("R21")
def test_a_replay_by_button_says_what_differs() -> None:
    customer = customer_create("alice")
    behaviour_create(customer)
    decision = assess(verified(customer))
    client, url = staff("auditor"), f"/admin/risk/decision/{decision.pk}/replay/"
    told = [str(m) for m in client.post(url, SENT, follow=True).context["messages"]]
    assert len(told) == 1
    assert "→" not in told[0]
    Decision.objects.filter(pk=decision.pk).update(limit_amount="1.00")
    told = [str(m) for m in client.post(url, SENT, follow=True).context["messages"]]
    assert f"limit: 1.00 → {decision.limit_amount}" in told[0]
    assert "score" not in told[0]
