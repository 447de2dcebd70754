"""R15, R33: what is approved is what stays: a draft's page that is still open writes nothing into it any more."""

from typing import Any

import pytest
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory

from accounts.models import StaffUser
from risk.admin.policy import DraftAdmin
from risk.models import PolicyState, Scorecard
from risk.selectors.policy import scorecard_current
from risk.services.policy import policy_activate
from tests.risk.builders import AS_OF, AT, staff_create

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
