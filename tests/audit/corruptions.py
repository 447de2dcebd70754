"""Every column of every table of money, changed by hand behind the program's back, one row at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, models, transaction
from django.db.models import QuerySet

from loans import models as loans
from loans.books.checks import CHECKS, faults_of
from risk.models import CreditLine, LoanTape
from weilidai.lib.models import BusinessDay, IdempotencyRecord

# What holds money, limit or the proof of either.
TABLES: tuple[type[models.Model], ...] = (
    loans.Loan, loans.Instalment, loans.LoanEvent, loans.LoanTally, loans.CostDisclosure, loans.Repayment,
    loans.RepaymentAllocation, loans.JournalEntry, loans.Posting, loans.LedgerAccount, loans.JournalSeal,
    loans.JournalChain, loans.AccountingPeriod, loans.PeriodBalance, loans.ProductAccrual, loans.DelinquencyFact,
    loans.UnappliedBalance, loans.UnappliedMovement, loans.MoneyReceipt, loans.Refund, loans.Payout,
    loans.CreditGift, loans.Approval, CreditLine, LoanTape, BusinessDay, IdempotencyRecord,
)  # fmt: skip
NOBODY = UUID(int=7)


class _Undo(Exception):
    """Takes a corruption back."""


@dataclass(frozen=True)
class Corruption:
    """One column of one row, and what a hand would write there."""

    model: type[models.Model]
    column: str
    key: Any
    value: Any

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.column}"

    def found_by(self) -> str:
        """The name of the first check that sees it, `database` where the database refuses it, else nothing."""
        seen = ""
        try:
            with transaction.atomic():
                QuerySet(self.model).filter(pk=self.key).update(**{self.column: self.value})
                seen = next((fault.check for check in CHECKS for fault in faults_of(check)), "")
                raise _Undo
        except IntegrityError:
            return "database"
        except _Undo:
            return seen


def corruptions(*, rows: int) -> Iterator[Corruption]:
    """For every column that is no key, up to `rows` rows of it, spread over the table."""
    for model in TABLES:
        keys = list(QuerySet(model).order_by("pk").values_list("pk", flat=True))
        chosen = keys[:: max(1, len(keys) // rows)][:rows]
        for field in model._meta.concrete_fields:
            if field.primary_key:
                continue
            for key in chosen:
                held = QuerySet(model).filter(pk=key).values_list(field.attname, flat=True)[0]
                yield Corruption(model, field.attname, key, _bent(field, held, keys))


def _bent(field: Any, held: Any, keys: list[Any]) -> Any:
    """Another value the column could hold."""
    if field.is_relation:
        others = QuerySet(field.related_model).exclude(pk=held).values_list("pk", flat=True)
        return others.first() if others.exists() else None
    if held is None:
        return _some(field)
    if field.choices:
        return next(value for value, _ in field.choices if value != held)
    return _other(held, field)


def _other(held: Any, field: Any) -> Any:
    match held:
        case bool():
            return not held
        case Decimal():
            return held + Decimal(1).scaleb(-field.decimal_places)
        case int():
            return held + 1
        case str():
            return ("1" if held[:1] != "1" else "2") + held[1:]
        case UUID():
            return NOBODY
        case dict() | list():
            return {"bent": True}
    return held + (timedelta(seconds=1) if hasattr(held, "hour") else timedelta(days=1))


def _some(field: Any) -> Any:
    """A value for what is empty."""
    match field:
        case models.DateTimeField():
            return "2026-09-20T00:00:00Z"
        case models.DateField():
            return "2026-09-20"
        case models.UUIDField():
            return NOBODY
        case models.JSONField():
            return {"bent": True}
        case models.IntegerField() | models.DecimalField():
            return 1
    return "1"
