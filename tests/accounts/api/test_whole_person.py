"""R55 through the risk department: what the export holds of a decided application, and what stands against erasing."""

from typing import Any

import pytest

from accounts.models import Customer
from risk.models import CreditLine
from risk.services.credit_line import credit_line_close
from tests.accounts.api.test_signing_in import code_of
from tests.accounts.builders import AS_OF, AT, Client, client_make
from tests.risk.builders import approved_line, setup_policies
from weilidai.lib.audit import Actor

pytestmark = [pytest.mark.django_db, pytest.mark.req("R55")]


@pytest.fixture
def line(db: None) -> CreditLine:
    setup_policies()
    return approved_line("dora")


@pytest.fixture
def client(line: CreditLine) -> Client:
    return client_make(Customer.objects.get(openid="dora"))


def test_the_export_holds_the_whole_way_to_the_line(line: CreditLine, client: Client) -> None:
    body: Any = client.call("get", "me/export").json()["risk"]
    assert [(row["id"], row["state"]) for row in body["applications"]] == [(str(line.application_id), "approved")]
    assert [(row["id"], row["limit_amount"]) for row in body["credit_lines"]] == [
        (str(line.pk), str(line.limit_amount))
    ]
    decision = body["decisions"][0]
    assert (decision["outcome"], len(decision["dimensions"])) == ("approved", 5)
    assert decision["inputs"]
    assert len(body["signatures"]) == 6
    assert {len(row["sha256"]) for row in body["signatures"]} == {64}


def test_nobody_elses_way_is_in_it(line: CreditLine) -> None:
    approved_line("edgar")
    text = client_make(Customer.objects.get(openid="dora")).call("get", "me/export").content.decode()
    other = CreditLine.objects.get(customer__openid="edgar")
    assert [key for key in (str(other.pk), str(other.application_id), "edgar") if key in text] == []


def test_an_open_line_stands_against_erasing_and_a_closed_one_does_not(line: CreditLine, client: Client) -> None:
    assert code_of(client.call("post", "me/deletion")) == (409, "deletion_not_possible")
    assert Customer.objects.filter(openid="dora", erased_at=None).exists()
    credit_line_close(line_id=line.pk, reason="asked for", actor=Actor.system("test"), as_of=AS_OF, at=AT)
    assert client.call("post", "me/deletion").status_code == 204
    assert client.call("get", "me").status_code == 401
