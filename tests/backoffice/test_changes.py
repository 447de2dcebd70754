"""Four eyes on the page: roles through the staff form, figures of the law by a proposal."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import ChangeRequest, StaffUser
from accounts.roles import roles_sync
from accounts.services.staff import roles_of
from risk.models import PolicyState, ProductTerms, RegulationParameter
from tests.backoffice.test_pages import staff
from tests.loans.builders import Borrower

LIST = "/admin/accounts/changerequest/"
SENT = {"_form_submitted": "on"}

pytestmark = pytest.mark.django_db


def save(client: Client, user: StaffUser, *roles: str, active: bool = True, reason: str = "new job") -> Any:
    form: dict[str, Any] = {
        "username": user.username, "display_name": "Carol", "email": "", "change_reason": reason,
        "groups": [str(group.pk) for group in Group.objects.filter(name__in=roles)],
    }  # fmt: skip
    if active:
        form["is_active"] = "on"
    return client.post(f"/admin/accounts/staffuser/{user.pk}/change/", form)


@pytest.fixture
def carol() -> StaffUser:
    roles_sync()
    return StaffUser.objects.create_user("carol", password="x", is_staff=True)


def decide(client: Client, request: ChangeRequest, what: str, **form: str) -> int:
    return client.post(f"{LIST}{request.pk}/{what}/", {**SENT, **form}).status_code


def test_roles_given_in_the_form_wait_for_a_second_person(carol: StaffUser) -> None:
    admin, boss = staff("administrator"), staff("supervisor")
    assert save(admin, carol, "finance", reason="").status_code == 200
    assert not ChangeRequest.objects.exists()
    assert save(admin, carol, "finance").status_code == 302
    assert roles_of(carol) == []
    assert StaffUser.objects.get(pk=carol.pk).display_name == "Carol"
    request = ChangeRequest.objects.get()
    assert decide(admin, request, "approve") == 302
    assert roles_of(carol) == []
    page = boss.get(f"{LIST}{request.pk}/change/")
    assert page.status_code == 200
    assert decide(boss, request, "approve") == 302
    assert roles_of(carol) == ["finance"]


def test_switching_off_is_at_once_and_on_again_waits(carol: StaffUser) -> None:
    admin, boss = staff("administrator"), staff("supervisor")
    save(admin, carol, active=False, reason="")
    assert not StaffUser.objects.get(pk=carol.pk).is_active
    save(admin, carol, active=True, reason="back from leave")
    assert not StaffUser.objects.get(pk=carol.pk).is_active
    decide(boss, ChangeRequest.objects.get(), "approve")
    assert StaffUser.objects.get(pk=carol.pk).is_active


def test_only_a_second_person_of_the_right_role_decides(carol: StaffUser) -> None:
    admin = staff("administrator")
    staff("supervisor")
    save(admin, carol, "finance")
    request = ChangeRequest.objects.get()
    for role in ("auditor", "risk_analyst", "collector"):
        assert decide(staff(role), request, "approve") == 403
        assert decide(Client(), request, "approve") == 302
    assert roles_of(carol) == []
    assert decide(admin, request, "withdraw") == 302
    assert ChangeRequest.objects.get().state == "withdrawn"


@pytest.mark.req("R54")
@pytest.mark.usefixtures("policies")
def test_a_figure_of_the_law_is_proposed_and_approved_on_the_page() -> None:
    analyst, boss, admin = staff("risk_analyst"), staff("supervisor"), staff("administrator")
    form = {"name": "npl_ratio_alert", "value": "0.015", "valid_from": "2999-01-01", "source": "board",
            "reason": "board decision"}  # fmt: skip
    url = "/admin/risk/regulationparameter/propose/"
    assert staff("auditor").post(url, {**SENT, **form}).status_code == 403
    analyst.post(url, {**SENT, **form, "valid_from": "2001-01-01"})
    assert not ChangeRequest.objects.exists()
    assert analyst.post(url, {**SENT, **form}).status_code == 302
    request = ChangeRequest.objects.get()
    assert decide(admin, request, "approve") == 403
    assert decide(analyst, request, "approve") == 403
    assert decide(boss, request, "approve") == 302
    assert str(RegulationParameter.objects.get(valid_from="2999-01-01").value) == "0.015000"


def test_what_waits_is_counted_on_the_home_page(carol: StaffUser) -> None:
    admin, boss = staff("administrator"), staff("supervisor")
    save(admin, carol, "finance")
    waiting = {row["url"]: row["count"] for row in boss.get("/admin/").context["waiting"]}
    assert waiting[f"{LIST}?state__exact=pending"] == 1


def terms_form(client: Client, terms: ProductTerms, **changes: Any) -> Any:
    """The draft's form as it came, with changes."""
    url = f"/admin/risk/productterms/{terms.pk}/change/"
    shown = client.get(url).context
    data: dict[str, Any] = {}
    for form in (shown["adminform"].form, *(f for s in shown["inline_admin_formsets"] for f in s.formset.forms)):
        data |= {form.add_prefix(name): form[name].value() for name in form.fields}
    for inline in shown["inline_admin_formsets"]:
        data |= {field.html_name: field.value() for field in inline.formset.management_form}
    return client.post(url, {name: "" if value is None else value for name, value in (data | changes).items()})


@pytest.mark.req("R52")
def test_purposes_of_vouchers_are_chosen_and_never_typed(alice: Borrower) -> None:
    terms = ProductTerms.objects.get()
    ProductTerms.objects.filter(pk=terms.pk).update(state=PolicyState.DRAFT)
    analyst = staff("risk_analyst")
    refused = terms_form(analyst, terms, voucher_purposes=["education", "eductaion"])
    assert refused.context["adminform"].form.errors.as_data()["voucher_purposes"][0].code == "invalid_choice"
    assert ProductTerms.objects.get().voucher_purposes == terms.voucher_purposes
    assert terms_form(analyst, terms, voucher_purposes=["education", "travel"]).status_code == 302
    assert ProductTerms.objects.get().voucher_purposes == ["education", "travel"]
    assert terms_form(analyst, terms, voucher_purposes=[]).status_code == 302
    assert ProductTerms.objects.get().voucher_purposes == []
