"""R34: a snooze is for one customer and rule, and ends by itself."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Customer
from risk.errors import ReasonRequired, SnoozeInvalid
from risk.models import AlertSnooze
from risk.selectors.alerts import snoozes_live
from risk.services.snooze import snooze_end, snooze_set
from tests.risk.builders import AS_OF, AT, customer_create, staff_create
from weilidai.lib.errors import TransitionRefused
from weilidai.lib.models import AuditEvent

EDGE = {"as_of": AS_OF, "at": AT}


@pytest.fixture
def alice(db: None) -> Customer:
    return customer_create("alice")


def snoozed(customer: Customer, days: int, user: Any, reason: str = "known") -> AlertSnooze:
    return snooze_set(
        customer=customer, rule="velocity", until_date=AS_OF + timedelta(days=days), reason=reason, user=user, **EDGE
    )


@pytest.mark.req("R34")
@pytest.mark.parametrize("days", [0, 90])
def test_the_longest_and_the_shortest_snooze(alice: Customer, days: int) -> None:
    assert snoozed(alice, days, staff_create()).until_date == AS_OF + timedelta(days=days)
    assert AuditEvent.objects.filter(action="alert_snooze.set", customer_id=alice.pk).count() == 1


@pytest.mark.req("R34")
@pytest.mark.parametrize("days", [-1, 91])
def test_a_day_outside_is_refused(alice: Customer, days: int) -> None:
    with pytest.raises(SnoozeInvalid):
        snoozed(alice, days, staff_create())
    assert not AlertSnooze.objects.exists()


@pytest.mark.req("R34")
def test_a_new_snooze_replaces_the_one_that_holds(alice: Customer) -> None:
    carol = staff_create()
    first, second = snoozed(alice, 3, carol), snoozed(alice, 9, carol)
    assert [row.pk for row in snoozes_live(alice, AS_OF)] == [second.pk]
    assert AlertSnooze.objects.get(pk=first.pk).ended_at == AT


@pytest.mark.req("R34")
def test_it_ends_by_itself_or_by_hand_once(alice: Customer) -> None:
    carol = staff_create()
    snooze = snoozed(alice, 3, carol)
    assert snoozes_live(alice, date(2026, 11, 23)) == [snooze]
    assert snoozes_live(alice, date(2026, 11, 24)) == []
    with pytest.raises(ReasonRequired):
        snooze_end(snooze_id=snooze.pk, reason=" ", user=carol, **EDGE)
    with pytest.raises(TransitionRefused):
        snooze_end(snooze_id=snooze.pk, reason="late", user=carol, as_of=date(2026, 11, 24), at=AT)
    snooze_end(snooze_id=snooze.pk, reason="back", user=carol, **EDGE)
    assert snoozes_live(alice, AS_OF) == []
    with pytest.raises(TransitionRefused):
        snooze_end(snooze_id=snooze.pk, reason="again", user=carol, **EDGE)


@pytest.mark.req("R34")
def test_without_a_reason_nothing_is_snoozed(alice: Customer) -> None:
    with pytest.raises(ReasonRequired):
        snoozed(alice, 3, staff_create(), reason=" ")
