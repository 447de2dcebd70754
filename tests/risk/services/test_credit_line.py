from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from accounts.models import Notification
from risk.errors import CreditLineClosed, CreditLineFrozen, LimitExceeded, LineInUse, ReasonRequired
from risk.models import CreditLine, FreezeReason, LineChange
from risk.services.credit_line import (
    credit_line_change,
    credit_line_close,
    credit_line_freeze,
    credit_line_lock,
    credit_line_unfreeze,
    line_release,
    line_reserve,
)
from risk.services.gift_line import line_gift_give, line_gift_return
from tests.risk.builders import AS_OF, AT, STAFF, approved_line, assess, customer_create, verified
from weilidai.lib.errors import ObjectNotFound, TransitionRefused
from weilidai.lib.models import AuditEvent, StateChange

pytestmark = pytest.mark.usefixtures("policies")
D = Decimal
EDGE: dict[str, Any] = {"actor": STAFF, "as_of": AS_OF, "at": AT}


@pytest.fixture
def line() -> CreditLine:
    """A line of 5 000."""
    opened = approved_line()
    return credit_line_change(line_id=opened.pk, limit_amount=D("5000.00"), reason="round figure", **EDGE)


def fresh(line: CreditLine) -> CreditLine:
    return CreditLine.objects.get(pk=line.pk)


def test_the_whole_line_can_be_reserved_and_not_a_fen_more(line: CreditLine) -> None:
    line_reserve(line.pk, D("4999.99"))
    with pytest.raises(LimitExceeded) as caught:
        line_reserve(line.pk, D("0.02"))
    assert caught.value.extra == {"available": "0.01"}
    line_reserve(line.pk, D("0.01"))
    assert (fresh(line).used_amount, fresh(line).available_amount) == (D("5000.00"), D("0.00"))


def test_used_and_gifted_share_the_line(line: CreditLine) -> None:
    line_gift_give(fresh(line), D("3000.00"))
    with pytest.raises(LimitExceeded):
        line_reserve(line.pk, D("2000.01"))
    line_reserve(line.pk, D("2000.00"))
    with pytest.raises(LimitExceeded):
        line_gift_give(fresh(line), D("0.01"))
    line_gift_return(fresh(line), None, D("3000.00"))
    assert fresh(line).available_amount == D("3000.00")


def test_more_than_was_taken_never_comes_back(line: CreditLine) -> None:
    line_reserve(line.pk, D("100.00"))
    with pytest.raises(AssertionError):
        line_release(line.pk, D("100.01"))
    with pytest.raises(AssertionError):
        line_gift_return(fresh(line), None, D("0.01"))
    line_release(line.pk, D("100.00"))
    assert fresh(line).used_amount == 0


@pytest.mark.parametrize("amount", ["0.00", "-1.00"])
def test_an_amount_must_be_positive(line: CreditLine, amount: str) -> None:
    for move in (line_reserve, line_release):
        with pytest.raises(ValueError, match="positive"):
            move(line.pk, D(amount))


def test_a_locked_row_is_used_as_it_is(line: CreditLine) -> None:
    with transaction.atomic():
        locked = credit_line_lock(line.pk, customer=line.customer)
        line_reserve(locked, D("10.00"))
    assert fresh(line).used_amount == D("10.00")
    with transaction.atomic(), pytest.raises(ObjectNotFound):
        credit_line_lock(line.pk, customer=customer_create("bob"))


@pytest.mark.req("R36")
def test_a_frozen_line_lends_nothing_and_takes_repayments(line: CreditLine) -> None:
    line_reserve(line.pk, D("100.00"))
    credit_line_freeze(line_id=line.pk, reason=FreezeReason.UNUSUAL_PLACE, **EDGE)
    with pytest.raises(CreditLineFrozen):
        line_reserve(line.pk, D("1.00"))
    with pytest.raises(CreditLineFrozen):
        line_gift_give(fresh(line), D("1.00"))
    line_release(line.pk, D("100.00"))
    frozen = fresh(line)
    assert (frozen.frozen_reason, frozen.frozen_at, frozen.used_amount) == ("unusual_place", AT, 0)
    assert Notification.objects.filter(kind="credit_line_frozen").count() == 1
    assert AuditEvent.objects.filter(action="credit_line.freeze").count() == 1


def test_unfreezing_needs_a_reason_and_opens_drawing(line: CreditLine) -> None:
    credit_line_freeze(line_id=line.pk, reason=FreezeReason.STAFF, note="call", **EDGE)
    with pytest.raises(TransitionRefused):
        credit_line_freeze(line_id=line.pk, reason=FreezeReason.STAFF, **EDGE)
    with pytest.raises(ReasonRequired):
        credit_line_unfreeze(line_id=line.pk, reason="", **EDGE)
    credit_line_unfreeze(line_id=line.pk, reason="it was the customer", **EDGE)
    line_reserve(line.pk, D("1.00"))
    assert (fresh(line).frozen_reason, fresh(line).frozen_at) == ("", None)
    changes = StateChange.objects.filter(subject_id=str(line.pk)).order_by("pk").values_list("old", "new")
    assert list(changes) == [("", "active"), ("active", "frozen"), ("frozen", "active")]


def test_a_line_in_use_is_not_closed_and_a_closed_one_lends_nothing(line: CreditLine) -> None:
    line_reserve(line.pk, D("1.00"))
    with pytest.raises(LineInUse):
        credit_line_close(line_id=line.pk, reason="asked for", **EDGE)
    line_release(line.pk, D("1.00"))
    credit_line_close(line_id=line.pk, reason="asked for", **EDGE)
    with pytest.raises(CreditLineClosed):
        line_reserve(line.pk, D("1.00"))
    with pytest.raises(CreditLineClosed):
        credit_line_change(line_id=line.pk, limit_amount=D("6000.00"), reason="more", **EDGE)


def test_a_change_keeps_old_and_new_figures_with_its_reason(line: CreditLine) -> None:
    credit_line_change(
        line_id=line.pk, limit_amount=D("9000.00"), daily_rate=D("0.000340"), tier="quality", penalty_share=D("0.3"),
        reason="half a year on time", **EDGE,
    )  # fmt: skip
    change = LineChange.objects.order_by("pk").last()
    assert change is not None
    assert (change.old_limit_amount, change.new_limit_amount) == (D("5000.00"), D("9000.00"))
    assert (change.new_daily_rate, change.old_tier, change.new_tier) == (D("0.000340"), "new", "quality")
    assert (change.reason, change.actor_name) == ("half a year on time", "carol")
    assert fresh(line).penalty_share == D("0.3")


def test_a_limit_never_falls_below_what_is_in_use(line: CreditLine) -> None:
    line_reserve(line.pk, D("1000.00"))
    with pytest.raises(LimitExceeded):
        credit_line_change(line_id=line.pk, limit_amount=D("999.99"), reason="lower", **EDGE)
    credit_line_change(line_id=line.pk, limit_amount=D("1000.00"), reason="lower", **EDGE)
    assert fresh(line).available_amount == 0


@pytest.mark.req("R30", "R54")
def test_a_raise_stays_below_ceiling_and_household_limit(line: CreditLine) -> None:
    other = assess(verified(line.customer, product="jiebei")).limit_amount
    assert other is not None
    room = D("200000.00") - other
    with pytest.raises(LimitExceeded):
        credit_line_change(line_id=line.pk, limit_amount=room + D("0.01"), reason="more", **EDGE)
    credit_line_change(line_id=line.pk, limit_amount=room, reason="more", **EDGE)
    assert fresh(line).limit_amount == room


def test_a_change_needs_a_reason(line: CreditLine) -> None:
    with pytest.raises(ReasonRequired):
        credit_line_change(line_id=line.pk, limit_amount=D("100.00"), reason=" ", **EDGE)


def test_two_freezes_on_two_days_are_two_notices(line: CreditLine) -> None:
    for day in (0, 1):
        at = AT + timedelta(days=day)
        credit_line_freeze(line_id=line.pk, reason=FreezeReason.STAFF, **{**EDGE, "at": at})
        credit_line_unfreeze(line_id=line.pk, reason="checked", **{**EDGE, "at": at})
    assert Notification.objects.filter(kind="credit_line_frozen").count() == 2
