"""Which tables are spread by customer, which stay whole, and what a unique key loses when the customer is added to it.

Read from the models; `tests/test_distribution.py` fails where a new table fits nowhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models

from weilidai.lib.owner import OwnerField

OWNER = "customer_id"

# Tables of a customer's that stay whole, and why.
WHOLE: dict[str, str] = {
    "accounts.Customer": "the directory: openid and identity number are unique among all people",
    "accounts.CustomerToken": "asked before anybody knows whose it is; lies beside the directory",
    "loans.MoneyReceipt": "one reference of the bank's statement counts once, whoever it is booked for",
    "loans.ProductAccrual": "sums of a product: its entries are nobody's",
}

# Keys that are unique among all customers, and what guards them where the customer is a part of the key.
GLOBAL: dict[str, str] = {
    "accounts.Notification.dedupe_key": "made of the key of a row of the customer's own, whatever the notice is about",
    "loans.JournalEntry.reference": "made of the key of a loan, a refund or a receipt, each with one customer",
    "loans.Payout.reference": "made of a new UUID, never told from outside; the bank pays a reference once",
    "risk.Alert.dedupe_key": "made of the customer's key or of a row of theirs; without a customer they are one part",
    "risk.CreditApplication.invitation": "an invitation is taken under its lock, by the openid it was written for",
    "risk.LoanTape.loan_id+business_date": "the night writes a loan's line with the loan's own customer",
    **{
        f"risk.{feed}.row_id": "nothing: a feed's row told again for another customer is then another row"
        for feed in (
            "ActivityDay", "AssetMonth", "AuxiliaryReading", "BureauReport", "CustomerFeedRow", "Friendship",
            "GreenAct", "LoginEvent", "PaymentEvent", "ScoreReading",
        )
    },
}  # fmt: skip

# Foreign keys to a row of another customer than the row's own, and where that customer stands.
OWNERS: dict[str, str] = {"loans.CreditGift.recipient_line": "recipient_id"}

# Foreign keys that no database can guard between such tables, and what does.
UNGUARDED: dict[str, str] = {
    "loans.ProductAccrual.entry": "an accrual is nobody's; `seals_hold` and the sums of the ledger see a lost entry",
}


@dataclass(frozen=True)
class Reference:
    """A foreign key to a table that is spread: its columns here and there."""

    name: str
    table: str
    columns: tuple[str, str]
    target: str
    target_columns: tuple[str, str]


def label(model: type[models.Model]) -> str:
    return f"{model._meta.app_label}.{model._meta.object_name}"


def concrete() -> Iterator[type[models.Model]]:
    """Every model with a table of its own."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            yield model


def has_owner(model: type[models.Model]) -> bool:
    return any(field.column == OWNER for field in model._meta.concrete_fields)


def owner_of(model: type[models.Model]) -> Any:
    """The field that says whose a row is."""
    return next(field for field in model._meta.concrete_fields if field.column == OWNER)


def may_be_nobodys(model: type[models.Model]) -> bool:
    """Whether rows without a customer are right: accruals, alerts about the business as a whole."""
    owner = owner_of(model)
    if isinstance(owner, OwnerField):
        parent: Any = model._meta.get_field(owner.of)
        return may_be_nobodys(parent.related_model)
    return bool(owner.null)


def spread() -> list[type[models.Model]]:
    """The tables that are partitioned by customer, in an order of names."""
    found = [model for model in concrete() if has_owner(model) and label(model) not in WHOLE]
    return sorted(found, key=lambda model: model._meta.db_table)


def references() -> Iterator[Reference]:
    """The foreign keys to spread tables, with the customer on both sides."""
    targets = set(spread())
    for model in sorted(concrete(), key=lambda model: model._meta.db_table):
        for field in model._meta.concrete_fields:
            if field.remote_field and field.related_model in targets and named(field) not in UNGUARDED:
                yield _reference(model, field)


def named(field: Any) -> str:
    return f"{label(field.model)}.{field.name}"


def _reference(model: type[models.Model], field: Any) -> Reference:
    table, target = model._meta.db_table, field.related_model._meta
    owner = OWNERS.get(named(field), OWNER)
    return Reference(
        f"{table}_{field.column}_owner"[:63], table, (field.column, owner), target.db_table, (target.pk.column, OWNER)
    )


def keys_without_owner(model: type[models.Model]) -> Iterator[str]:
    """The unique keys of a spread table, but its own, that say nothing of the customer: not themselves, and not by a
    foreign key to a row that is one customer's, which is then the row's own.
    """
    targets = set(spread())
    for names in _unique(model):
        fields: list[Any] = [model._meta.get_field(name) for name in names]
        owned = any(field.column == OWNER for field in fields)
        if not owned and not any(field.remote_field and field.related_model in targets for field in fields):
            yield f"{label(model)}.{'+'.join(names)}"


def _unique(model: type[models.Model]) -> Iterator[tuple[str, ...]]:
    for field in model._meta.concrete_fields:
        if field.unique and not field.primary_key:
            yield (field.name,)
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            yield tuple(constraint.fields)
    for names in model._meta.unique_together:
        yield tuple(names)
