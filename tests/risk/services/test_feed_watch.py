"""R34, R36: what a feed brings is looked at while it comes in, once."""

import io
import json
from datetime import date, timedelta
from typing import Any

import pytest

from loans.models import Loan
from risk.feeds.load import delivery_create, feed_load
from risk.models import Alert, AlertSeverity, CreditLine, FeedDelivery, LoginEvent, Screening
from risk.services.alert_bulk import Found, alerts_raise
from risk.services.snooze import snooze_set
from tests.loans.builders import NOW, TODAY, Borrower, borrower, policy
from tests.risk.builders import LAYERS, staff_create
from weilidai.lib.models import AuditEvent, StateChange


@pytest.fixture
def alice(db: None) -> Borrower:
    policy()
    return borrower("alice")


def deliver(kind: str, *rows: dict[str, Any]) -> FeedDelivery:
    body = b"".join(json.dumps({"openid": "alice", **row}).encode() + b"\n" for row in rows)
    return feed_load(delivery_create(kind=kind, source="tests", fingerprint="", as_of=TODAY), io.BytesIO(body))


def transfer(row: str, amount: str, kind: str = "transfer_out") -> dict[str, Any]:
    return {"id": row, "at": f"{TODAY}T09:00:00+08:00", "kind": kind, "amount": amount, "category": "",
            "counterparty": "bob", "channel": "balance"}  # fmt: skip


def login(row: str, day: date, city: str) -> dict[str, Any]:
    return {"id": row, "at": f"{day}T08:00:00+08:00", "device": "d0", "device_model": "m", "ip": "203.0.113.9",
            "city": city}  # fmt: skip


@pytest.mark.req("R34")
def test_one_alert_for_each_transfer_above_the_threshold_and_none_for_the_edge(alice: Borrower) -> None:
    rows = [transfer("t1", "5000.00"), transfer("t2", "5000.01"), transfer("t3", "9000.00"),
            transfer("t4", "9000.00", "transfer_in")]  # fmt: skip
    assert deliver("payments", *rows).good_count == 4
    deliver("payments", *rows)

    alerts = Alert.objects.filter(rule="single_transfer").order_by("dedupe_key")
    assert [alert.evidence["transfer"] for alert in alerts] == ["t2", "t3"]
    assert alerts[0].evidence["amount"] == "5000.01"
    assert (alerts[0].customer, alerts[0].layer, alerts[0].repeats) == (alice.customer, "single_amount", 0)
    assert AuditEvent.objects.filter(action="alert.raise").count() == 2
    assert StateChange.objects.filter(subject_type="risk.alert", old="", new="open").count() == 2


@pytest.mark.req("R34")
def test_a_transfer_the_feed_told_is_not_told_again_by_a_loan(alice: Borrower) -> None:
    deliver("payments", transfer("t2", "5000.01"))
    alice.draw("100.00")
    assert Alert.objects.filter(rule="single_transfer").count() == 1
    assert Loan.objects.count() == 1


@pytest.mark.req("R34")
def test_a_snooze_counts_what_a_feed_would_have_told(alice: Borrower) -> None:
    snooze = snooze_set(
        customer=alice.customer, rule="single_transfer", until_date=TODAY + timedelta(days=3), reason="known",
        user=staff_create(), as_of=TODAY, at=NOW,
    )  # fmt: skip
    deliver("payments", transfer("t2", "5000.01"), transfer("t3", "6000.00"))
    snooze.refresh_from_db()
    assert snooze.held_back == 2
    assert not Alert.objects.exists()


@pytest.mark.req("R36")
def test_a_fed_login_from_elsewhere_freezes_drawing_once(alice: Borrower) -> None:
    deliver("logins", login("l1", TODAY - timedelta(days=20), "Shenzhen"), login("l2", TODAY, "Shenzhen"))
    assert CreditLine.objects.get().state == "active"

    deliver("logins", login("l3", TODAY, "Urumqi"), login("l4", TODAY, "Urumqi"))
    line = CreditLine.objects.get()
    assert (line.state, line.frozen_reason) == ("frozen", "unusual_place")
    assert Alert.objects.get().rule == "unusual_place"
    assert Screening.objects.filter(event="login").count() == 1
    assert LoginEvent.objects.count() == 4


@pytest.mark.req("R36")
@pytest.mark.parametrize(
    ("back", "city", "usual", "state"),
    [
        (0, "Urumqi", "Shenzhen", "frozen"),
        (2, "Urumqi", "Shenzhen", "frozen"),
        (3, "Urumqi", "Shenzhen", "active"),  # settled meanwhile: old news freezes nobody
        (0, "", "Shenzhen", "active"),
        (0, "Urumqi", "", "active"),  # the first place ever
    ],
)
def test_only_recent_known_places_beside_usual_ones_freeze(
    alice: Borrower, back: int, city: str, usual: str, state: str
) -> None:
    deliver("logins", login("l1", TODAY - timedelta(days=20), usual))
    deliver("logins", login("l2", TODAY - timedelta(days=back), city))
    assert CreditLine.objects.get().state == state


@pytest.mark.req("R34")
def test_alerts_that_stand_already_leave_no_second_trail(alice: Borrower) -> None:
    found = [Found(alice.customer.pk, "single_transfer", "single_amount", {"amount": "6000.00"},
                   AlertSeverity.MEDIUM, "single_transfer:t9")]  # fmt: skip
    assert alerts_raise(found=found, as_of=TODAY, at=NOW, actor=LAYERS) == 1
    assert alerts_raise(found=found, as_of=TODAY, at=NOW, actor=LAYERS) == 0
    assert AuditEvent.objects.filter(action="alert.raise").count() == 1
