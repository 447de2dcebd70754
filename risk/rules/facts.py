"""What a decision is made from: frozen values, complete, and the same after a trip through JSON (R21).

Nothing here is derived from the content of chats (R19).
"""

from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any

from weilidai.lib.money import ZERO


@dataclass(frozen=True)
class ActivityMonth:
    """A complete calendar month: how many days it has and how often the service was opened in it."""

    month: str
    days: int
    opens: int


@dataclass(frozen=True)
class AuxiliaryItem:
    """The newest reading of one of the 12 items of R5; `age_days` counts from its own date."""

    item: str
    state: str
    months: int
    age_days: int


@dataclass(frozen=True)
class CustomerFacts:
    """One customer on one business date. `None` is *not known*, which is not the same as zero."""

    score: int | None
    age_years: int | None
    identity_verified: bool
    bank_card_verified: bool
    is_student: bool
    activity: tuple[ActivityMonth, ...]
    auxiliary: tuple[AuxiliaryItem, ...]
    # Behaviour of the last 365 days
    payment_amount_12m: Decimal | None
    payment_count_12m: int | None
    card_repayment_amount_12m: Decimal | None
    red_packets_sent_amount_12m: Decimal
    red_packets_received_amount_12m: Decimal
    friends_count: int | None
    active_groups_count: int | None
    # Newest month of assets; the wallet only with the customer's consent (R20)
    assets_amount: Decimal | None
    ecny_wallet_amount: Decimal | None
    # Logins of the last 90 days
    device_changes_90d: int | None
    ip_changes_90d: int | None
    device_tenure_days: int | None
    # Credit bureau
    bureau_age_days: int | None
    worst_dpd_24m: int | None
    inquiries_6m: int | None
    bureau_debts_amount: Decimal | None
    on_deny_list: bool
    # Credit already granted by us
    months_in_use: int = 0
    other_limits_amount: Decimal = ZERO


def facts_dump(facts: CustomerFacts) -> dict[str, Any]:
    """Plain JSON: amounts as strings, so that no digit is lost."""
    dumped = asdict(facts)
    dumped["activity"] = [asdict(month) for month in facts.activity]
    dumped["auxiliary"] = [asdict(item) for item in facts.auxiliary]
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in dumped.items()}


def facts_load(stored: dict[str, Any]) -> CustomerFacts:
    """Reverses `facts_dump`."""
    values = {field.name: _loaded(stored[field.name], "Decimal" in str(field.type)) for field in fields(CustomerFacts)}
    values["activity"] = tuple(ActivityMonth(**month) for month in stored["activity"])
    values["auxiliary"] = tuple(AuxiliaryItem(**item) for item in stored["auxiliary"])
    return CustomerFacts(**values)


def _loaded(value: Any, is_decimal: bool) -> Any:
    return Decimal(value) if is_decimal and value is not None else value
