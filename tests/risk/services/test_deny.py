"""R33: the deny list: added with a reason, hashed where it names a person, ended, and what it stops."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.services.device import device_touch
from loans.models import Loan
from risk.errors import DenyEntryOpen, ReasonRequired, ScreeningDeclined
from risk.models import Alert, DenyEntry
from risk.services.deny import deny_add, deny_end
from tests.loans.builders import NOW, TODAY, Borrower, borrower, policy
from tests.risk.builders import staff_create
from weilidai.lib.crypto import keyed_hash
from weilidai.lib.errors import FieldInvalid, ObjectNotFound, TransitionRefused
from weilidai.lib.ids import uuid7
from weilidai.lib.models import AuditEvent


@pytest.fixture
def alice(db: None) -> Borrower:
    policy()
    return borrower("alice")


def add(kind: str, value: str, **more: Any) -> DenyEntry:
    values = {"reason": "fraud", "user": staff_create(f"s{uuid7().hex}"), "as_of": TODAY, "at": NOW, **more}
    return deny_add(kind=kind, value=value, **values)


@pytest.mark.req("R33")
@pytest.mark.parametrize("kind", ["identity", "card", "phone"])
def test_numbers_of_persons_are_kept_as_hashes(db: None, kind: str) -> None:
    entry = add(kind, " 1101 0119 9001 0112 3x ")
    number = "11010119900101123X" if kind == "identity" else "11010119900101123x"
    purpose = "id_number" if kind == "identity" else kind
    assert entry.value == keyed_hash(number, purpose)
    assert entry.shown == f"110{'*' * 11}{number[-4:]}"
    assert AuditEvent.objects.get(action="deny_list.add").after["shown"] == entry.shown


@pytest.mark.req("R33")
def test_a_denied_customer_draws_nothing_until_the_entry_ends(alice: Borrower) -> None:
    entry = add("openid", "alice")
    with pytest.raises(ScreeningDeclined):
        alice.draw()
    assert Alert.objects.get().rule == "denied_here"
    assert not Loan.objects.exists()

    deny_end(entry_id=entry.pk, reason="mistaken", user=staff_create(), as_of=TODAY, at=NOW)
    alice.draw()
    assert Loan.objects.count() == 1
    assert AuditEvent.objects.filter(action="deny_list.end").count() == 1


@pytest.mark.req("R33")
@pytest.mark.parametrize(("last_day", "denied"), [(0, True), (-1, False)])
def test_an_entry_holds_through_its_last_day(alice: Borrower, last_day: int, denied: bool) -> None:
    begun = TODAY - timedelta(days=5)
    add("openid", "alice", as_of=begun, valid_to=TODAY + timedelta(days=last_day))
    if denied:
        with pytest.raises(ScreeningDeclined):
            alice.draw()
    else:
        alice.draw()
    assert Loan.objects.count() == (0 if denied else 1)


@pytest.mark.req("R33")
def test_the_same_stands_once_unless_it_ran_out(db: None) -> None:
    add("ip", "203.0.113.9", valid_to=TODAY)
    with pytest.raises(DenyEntryOpen):
        add("ip", "203.0.113.9")
    add("ip", "203.0.113.9", as_of=TODAY + timedelta(days=1))
    assert DenyEntry.objects.filter(ended_at__isnull=True).count() == 1


@pytest.mark.req("R33")
@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"reason": " "}, ReasonRequired),
        ({"value": " "}, FieldInvalid),
        ({"value": "x" * 201}, FieldInvalid),
        ({"kind": "ip", "value": "300.1.1.1"}, FieldInvalid),
        ({"valid_to": TODAY - timedelta(days=1)}, FieldInvalid),
    ],
)
def test_bad_entries_are_refused(db: None, more: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        add(**{"kind": "openid", "value": "bob", **more})
    assert not DenyEntry.objects.exists()


@pytest.mark.req("R33")
def test_an_entry_ends_once_with_a_reason(db: None) -> None:
    entry, user = add("device", "d9"), staff_create()
    when = {"user": user, "as_of": TODAY, "at": NOW}
    with pytest.raises(ReasonRequired):
        deny_end(entry_id=entry.pk, reason=" ", **when)
    deny_end(entry_id=entry.pk, reason="over", **when)
    with pytest.raises(TransitionRefused):
        deny_end(entry_id=entry.pk, reason="over", **when)
    with pytest.raises(ObjectNotFound):
        deny_end(entry_id=uuid7(), reason="over", **when)


@pytest.mark.req("R33")
def test_a_device_of_somebody_else_does_not_deny(alice: Borrower) -> None:
    device_touch(customer=alice.customer, fingerprint="other", user_agent="", ip=None, at=NOW)
    add("device", "other")
    alice.draw()
    assert Loan.objects.count() == 1
