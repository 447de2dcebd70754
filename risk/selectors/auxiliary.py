"""The 12 auxiliary items as a customer sees them (R5)."""

from dataclasses import dataclass
from datetime import date

from accounts.models import Customer
from risk.models import AuxiliaryReading
from risk.rules.facts import AuxiliaryItem
from risk.rules.variables import UNVERIFIED, item_state
from risk.selectors.policy import scorecard_current


@dataclass(frozen=True)
class ItemView:
    item: str
    label: str
    state: str
    months: int | None
    source: str
    as_of: date | None
    fresh_days: int
    weight: str


def auxiliary_items_show(customer: Customer, as_of: date) -> list[ItemView]:
    """All 12, also those nobody has reported on."""
    rules = scorecard_current(as_of).definition["auxiliary"]
    rows = AuxiliaryReading.objects.filter(customer=customer, as_of__lte=as_of).order_by("as_of", "id")
    newest = {row.item: row for row in rows}
    return [_view(item, newest.get(item), rules[item], as_of) for item in AuxiliaryReading.Item if item in rules]


def _view(
    item: AuxiliaryReading.Item, row: AuxiliaryReading | None, rule: dict[str, str | int], as_of: date
) -> ItemView:
    fresh_days = int(rule["fresh_days"])
    state = UNVERIFIED
    if row is not None:
        reading = AuxiliaryItem(row.item, row.state, row.months, (as_of - row.as_of).days)
        state = item_state(reading, fresh_days)
    return ItemView(
        item=item.value,
        label=str(item.label),
        state=state,
        months=row.months if row else None,
        source=row.source if row else "",
        as_of=row.as_of if row else None,
        fresh_days=fresh_days,
        weight=str(rule["weight"]),
    )
