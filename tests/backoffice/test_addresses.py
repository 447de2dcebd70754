"""Addresses of the back office that name nothing are not found, whoever asks and however."""

import uuid
from typing import Any

import pytest
from django.test import Client

from accounts.models import StaffUser
from risk.models import Alert
from tests.risk.builders import AS_OF, AT, customer_create
from weilidai.lib.business_date import business_date_set

pytestmark = pytest.mark.usefixtures("policies")
SENT = {"_form_submitted": "on", "reason": "because", "text": "seen", "until_date": "2026-12-01"}


@pytest.fixture
def ann() -> Client:
    business_date_set(AS_OF, at=AT)
    client = Client()
    client.force_login(StaffUser.objects.create_superuser("ann", password=None))
    return client


@pytest.mark.parametrize("key", ["xyz", "1", "a%00b", "a" * 500, "-1", "1e9"])
@pytest.mark.parametrize(
    "path", ["risk/alert/{}/take/", "risk/alert/{}/change/", "risk/scorecard/{}/activate/", "risk/decision/{}/replay/",
             "risk/appeal/{}/grant/", "risk/productterms/{}/history/", "loans/loan/{}/change/"],
)  # fmt: skip
def test_a_key_that_can_be_none_is_not_found(ann: Client, path: str, key: str) -> None:
    address = "/admin/" + path.format(key)
    assert (ann.get(address).status_code, ann.post(address, SENT).status_code) == (404, 404)


@pytest.mark.parametrize(
    "path", ["risk/alert/{}/snooze/", "risk/scorecard/{}/activate/", "risk/decision/{}/replay/"]
)  # fmt: skip
def test_an_act_on_what_is_not_there_is_not_found(ann: Client, path: str) -> None:
    assert ann.post("/admin/" + path.format(uuid.uuid4()), SENT).status_code == 404


@pytest.mark.parametrize(
    ("query", "status"), [("?q=a%00b", 404), ("?state=%00", 404), ("?%00=1", 404), ("?q=a", 200), ("?state=all", 200)]
)
def test_no_list_is_asked_for_what_the_database_cannot_be_told(ann: Client, query: str, status: int) -> None:
    assert ann.get(f"/admin/risk/alert/{query}").status_code == status


def test_a_draft_begins_from_nothing_where_the_address_names_no_version(ann: Client) -> None:
    for key in ("xyz", uuid.uuid4()):
        assert ann.get(f"/admin/risk/scorecard/add/?from={key}").status_code == 200


def test_what_is_there_is_found(ann: Client) -> None:
    values: dict[str, Any] = {"raised_at": AT, "last_seen_at": AT, "due_at": AT, "business_date": AS_OF, "severity": 2}
    alert = Alert.objects.create(
        customer=customer_create("bob"), rule="single_transfer", layer="single_amount", dedupe_key="k", evidence={},
        **values,
    )  # fmt: skip
    assert ann.get(f"/admin/risk/alert/{alert.pk}/change/").status_code == 200
    assert ann.post(f"/admin/risk/alert/{alert.pk}/take/", SENT).status_code == 302
