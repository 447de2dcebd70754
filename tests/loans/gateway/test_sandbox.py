"""The sandbox bank keeps its word: one reference, one payment."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from loans.gateway import payout_gateway
from loans.gateway.interface import Accepted, GatewayTimeout, NotFound, Paid, PayoutOrder, Pending, Refused
from loans.gateway.sandbox import SandboxBank
from loans.models import SandboxPayment

NOW = datetime(2026, 9, 15, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def order(last_two: str) -> PayoutOrder:
    return PayoutOrder("WLD-000000000001", Decimal("1000.00"), f"62220202000000000{last_two}", "王小明")


def test_settings_choose_the_sandbox() -> None:
    assert isinstance(payout_gateway(), SandboxBank)


def test_the_same_reference_is_paid_once() -> None:
    bank = SandboxBank()
    assert bank.send(order("04"), at=NOW) == Accepted()
    assert bank.send(order("04"), at=NOW + timedelta(seconds=1)) == Paid("SBX-000000000001")
    payment = SandboxPayment.objects.get()
    assert (payment.times_seen, payment.callbacks_left) == (2, 1)


def test_an_inquiry_knows_what_was_sent_only() -> None:
    bank = SandboxBank()
    assert bank.inquire("WLD-000000000001", at=NOW) == NotFound()
    bank.send(order("46"), at=NOW)
    assert bank.inquire("WLD-000000000001", at=NOW + timedelta(seconds=59)) == Pending()
    assert bank.inquire("WLD-000000000001", at=NOW + timedelta(seconds=60)) == Paid("SBX-000000000001")


def test_a_lost_answer_is_a_time_out_whatever_became_of_the_money() -> None:
    bank = SandboxBank()
    with pytest.raises(GatewayTimeout):
        bank.send(order("42"), at=NOW)
    assert bank.inquire("WLD-000000000001", at=NOW) == Paid("SBX-000000000001")
    SandboxPayment.objects.all().delete()
    with pytest.raises(GatewayTimeout):
        bank.send(order("43"), at=NOW)
    assert bank.inquire("WLD-000000000001", at=NOW) == Refused("not_processed")
