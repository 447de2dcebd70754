"""R15, R33: what is approved is what stays: a draft's page that is still open writes nothing into it any more."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import StaffUser
from accounts.roles import roles_sync
from risk.admin.policy import DraftAdmin
from risk.models import PolicyState, Product, Scorecard
from risk.selectors.policy import products_listed, scorecard_current
from risk.services.policy import policy_activate
from tests.risk.builders import AS_OF, AT, staff_create
from weilidai.lib.business_date import business_date_set

pytestmark = pytest.mark.django_db


class NothingChanged:
    """Stands for the form of a page."""

    changed_data: list[str] = []
    cleaned_data: dict[str, Any] = {}


def page_of(user: StaffUser) -> tuple[DraftAdmin, Any]:
    request: Any = RequestFactory().post("/")
    request.user = user
    page = admin.site._registry[Scorecard]
    assert isinstance(page, DraftAdmin)
    return page, request


@pytest.fixture
def draft(policies: None) -> Scorecard:
    live = scorecard_current(AS_OF)
    return Scorecard.objects.create(
        code="main", version=2, definition=live.definition, valid_from=AS_OF, drafted_by=staff_create("carol")
    )


@pytest.fixture
def ann() -> StaffUser:
    return StaffUser.objects.create_superuser("ann", password=None)


@pytest.mark.req("R15")
def test_a_draft_approved_between_opening_and_saving_it_stays_approved(draft: Scorecard, ann: StaffUser) -> None:
    page, request = page_of(ann)
    opened = Scorecard.objects.get(pk=draft.pk)
    policy_activate(policy=draft, user=staff_create("dave"), as_of=AS_OF, at=AT)
    with pytest.raises(PermissionDenied):
        page.save_model(request, opened, NothingChanged(), change=True)
    with pytest.raises(PermissionDenied):
        page.delete_model(request, opened)
    assert Scorecard.objects.get(pk=draft.pk).state == PolicyState.ACTIVE
    assert scorecard_current(AS_OF).version == 2


@pytest.mark.req("R15")
def test_a_draft_is_saved_and_deleted_by_its_page(draft: Scorecard, ann: StaffUser) -> None:
    page, request = page_of(ann)
    page.save_model(request, Scorecard.objects.get(pk=draft.pk), NothingChanged(), change=True)
    assert Scorecard.objects.get(pk=draft.pk).drafted_by == ann
    page.delete_model(request, Scorecard.objects.get(pk=draft.pk))
    assert not Scorecard.objects.filter(pk=draft.pk).exists()


def signed_in(role: str) -> Client:
    roles_sync()
    user = StaffUser.objects.create_user(role, password=None, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


FOURTH = {"code": "fourth", "name_zh": "第四", "name_en": "Fourth", "is_open": "on", "position": "4"}


@pytest.mark.req("R30")
@pytest.mark.parametrize(
    ("role", "adds", "closes"),
    [("risk_analyst", 1, 0), ("supervisor", 0, 1), ("auditor", 0, 0), ("credit_officer", 0, 0)],
)
def test_a_product_is_begun_by_an_analyst_and_closed_by_a_supervisor(
    role: str, adds: int, closes: int, policies: None
) -> None:
    """Nothing of it is offered before its terms are approved by two people."""
    client = signed_in(role)
    client.post(reverse("admin:risk_product_add"), FOURTH)
    assert Product.objects.filter(code="fourth").count() == adds
    assert "fourth" not in [product.code for product, _terms in products_listed(AS_OF)]
    named = {"name_zh": "借呗", "name_en": "Jiebei", "position": "2"}
    client.post(reverse("admin:risk_product_change", args=["jiebei"]), named)
    assert Product.objects.filter(code="jiebei", is_open=False).count() == closes


@pytest.mark.req("R15")
def test_a_draft_changed_after_it_was_opened_is_not_approved_before_it_is_looked_at_again(draft: Scorecard) -> None:
    business_date_set(AS_OF, at=AT)
    client = signed_in("supervisor")
    page = reverse("admin:risk_scorecard_change", args=[draft.pk])
    approve = reverse("admin:risk_scorecard_activate", args=[draft.pk])
    client.get(page)
    changed = Scorecard.objects.get(pk=draft.pk)
    changed.definition = {**changed.definition, "approve_from": "0"}
    changed.save()
    client.post(approve, {"_form_submitted": "on"})
    assert Scorecard.objects.get(pk=draft.pk).state == PolicyState.DRAFT
    client.get(page)
    client.post(approve, {"_form_submitted": "on"})
    assert Scorecard.objects.get(pk=draft.pk).state == PolicyState.ACTIVE
