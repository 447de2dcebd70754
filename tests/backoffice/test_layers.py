"""R33: the layers in the back office: drafted by form, approved by another, runs, replay, hit rates, deny list."""

import copy
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import StaffUser
from accounts.roles import roles_sync
from risk.admin.screening_form import ScreeningPolicyForm
from risk.models import DenyEntry, Screening, ScreeningPolicy
from risk.rules.screening.words import changes_between, layer_rows
from risk.selectors.screenings import hit_rates, layer_lines
from risk.services.screening import screening_current
from tests.loans.builders import TODAY, Borrower
from tests.support.corruption import unguarded
from weilidai.lib.models import AuditEvent

SENT = {"_form_submitted": "on"}


def staff(role: str, name: str) -> Client:
    roles_sync()
    user = StaffUser.objects.create_user(name, password="x", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def analyst(alice: Borrower) -> Client:
    screening_current(TODAY)
    return staff("risk_analyst", "ann")


def posted(**changes: Any) -> dict[str, Any]:
    """What the form of a new draft sends when somebody only changes these fields."""
    policy = ScreeningPolicy.objects.get(version=1)
    form = ScreeningPolicyForm(initial={"definition": policy.definition})
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    values |= {"valid_from": TODAY.isoformat(), "change_reason": "stricter", **changes}
    return {name: value for name, value in values.items() if value is not None}


def draft(client: Client, **changes: Any) -> Any:
    return client.post(reverse("admin:risk_screeningpolicy_add"), posted(**changes))


def approve(client: Client, policy: ScreeningPolicy) -> Any:
    url = reverse("admin:risk_screeningpolicy_activate", args=[policy.pk])
    return client.post(url, SENT)


@pytest.mark.req("R33")
def test_a_draft_by_form_is_put_into_force_by_a_second_person_only(alice: Borrower, analyst: Client) -> None:
    assert draft(analyst, single_amount__p__transfer_amount="4000.00", geolocation__mode="shadow").status_code == 302
    policy = ScreeningPolicy.objects.get(version=2)
    assert policy.state == "draft"
    with translation.override("en"):
        changes = changes_between(ScreeningPolicy.objects.get(version=1).definition, policy.definition)
        told = [(row.layer, str(row.old), str(row.new)) for row in changes]
    assert told == [("geolocation", "Enforced", "Shadow"), ("single_amount", "5,000.00", "4,000.00")]

    page = analyst.get(
        reverse("admin:risk_screeningpolicy_change", args=[policy.pk]), headers={"accept-language": "en"}
    )
    assert "4,000.00" in page.content.decode()

    approve(analyst, policy)
    policy.refresh_from_db()
    assert policy.state == "draft"
    approve(staff("supervisor", "sue"), policy)
    policy.refresh_from_db()
    assert (policy.state, policy.approved_by.username) == ("active", "sue")
    assert AuditEvent.objects.filter(action="policy.activate").count() == 1


@pytest.mark.req("R33")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("single_amount__p__transfer_amount", "much"),
        ("single_amount__p__transfer_amount", "-1"),
        ("velocity__p__count_24h_max", "0"),
        ("repayment_capacity__p__due_share_max", "NaN"),
        ("purpose__mode", "off"),
        ("purpose__v__forbidden_purpose", "shout"),
        ("purpose__events", ["dusk"]),
        ("challenge_minutes", "0"),
    ],
)
def test_a_figure_out_of_its_range_is_told_at_its_field(analyst: Client, field: str, value: Any) -> None:
    answer = draft(analyst, **{field: value})
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert ScreeningPolicy.objects.count() == 1


@pytest.mark.req("R33")
def test_the_version_in_force_is_read_layer_by_layer_and_not_typed_into(analyst: Client) -> None:
    policy = ScreeningPolicy.objects.get()
    url = reverse("admin:risk_screeningpolicy_change", args=[policy.pk])
    page = analyst.get(url, headers={"accept-language": "en"}).content.decode()
    assert all(str(number) + ". " in page for number in range(1, 13))
    assert "5,000.00" in page
    assert "single_amount__p__transfer_amount" not in page
    assert analyst.post(url, posted()).status_code == 403
    assert len(layer_rows(policy.definition)) == 12


@pytest.mark.req("R33")
def test_the_order_of_the_layers_stays_with_a_draft(analyst: Client) -> None:
    first = ScreeningPolicy.objects.get()
    definition = copy.deepcopy(first.definition)
    definition["layers"].reverse()
    ScreeningPolicy.objects.filter(pk=first.pk).update(definition=definition)
    assert draft(analyst).status_code == 302
    assert ScreeningPolicy.objects.get(version=2).definition == definition


@pytest.mark.req("R33")
def test_a_run_shows_every_layer_and_replays(alice: Borrower, analyst: Client) -> None:
    alice.draw()
    run = Screening.objects.get(event="loan")
    assert len(layer_lines(run)) == 12
    page = analyst.get(reverse("admin:risk_screening_change", args=[run.pk]), headers={"accept-language": "en"})
    assert "Repayment capacity" in page.content.decode()
    out = StringIO()
    call_command("replay_screening", str(run.pk), stdout=out)
    assert "same answer" in out.getvalue()

    with unguarded():
        Screening.objects.filter(pk=run.pk).update(result_sha256="x")
    with pytest.raises(CommandError):
        call_command("replay_screening", str(run.pk))
    for wrong in ("nothing", "018f0000-0000-7000-8000-000000000000"):
        with pytest.raises(CommandError):
            call_command("replay_screening", wrong)


@pytest.mark.req("R33")
def test_hit_rates_count_runs_not_findings(alice: Borrower, analyst: Client) -> None:
    alice.draw()
    rates = {row.layer: row for row in hit_rates(TODAY, TODAY)}
    assert len(rates) == 12
    assert rates["velocity"].runs == Screening.objects.filter(business_date=TODAY).count() > 0
    assert (rates["velocity"].enforced, rates["velocity"].per_thousand) == (0, 0)
    assert analyst.get(reverse("admin:risk_layer_rates")).status_code == 200
    assert staff("collector", "cole").get(reverse("admin:risk_layer_rates")).status_code == 403
    assert Client().get(reverse("admin:risk_layer_rates")).status_code == 302


@pytest.mark.req("R33")
def test_the_deny_list_is_kept_by_acts_of_those_who_may(analyst: Client) -> None:
    url = reverse("admin:risk_denyentry_add_entry")
    form = {
        "kind": "phone",
        "value": "13800138000",
        "valid_to": "",
        "reason": "fraud ring",
        **SENT,
    }
    staff("auditor", "audrey").post(url, form)
    assert not DenyEntry.objects.exists()
    analyst.post(url, form)
    entry = DenyEntry.objects.get()
    assert entry.shown == "138****8000"
    end = reverse("admin:risk_denyentry_end", args=[entry.pk])
    analyst.post(end, {"reason": "mistaken", **SENT})
    entry.refresh_from_db()
    assert entry.ended_at is not None
