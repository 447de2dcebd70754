"""Every column of every table of money, changed by hand behind the program's back, one row at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock
from uuid import UUID

from django.core.management import call_command
from django.db import IntegrityError, models, transaction
from django.db.models import QuerySet

from loans import models as loans
from loans.books.checks import CHECKS, faults_of
from risk.models import CreditLine, LoanTape
from tests.audit.database import database_leave, database_use
from tests.support import postgres as pg
from tests.support.corruption import unguarded
from weilidai.lib.models import BusinessDay, IdempotencyRecord

# What holds money, limit or the proof of either.
TABLES: tuple[type[models.Model], ...] = (
    loans.Loan, loans.Instalment, loans.LoanEvent, loans.LoanTally, loans.CostDisclosure, loans.Repayment,
    loans.RepaymentAllocation, loans.JournalEntry, loans.Posting, loans.LedgerAccount, loans.JournalSeal,
    loans.JournalChain, loans.AccountingPeriod, loans.PeriodBalance, loans.ProductAccrual, loans.DelinquencyFact,
    loans.FoldedEarnings, loans.UnappliedBalance, loans.UnappliedMovement, loans.MoneyReceipt, loans.Refund,
    loans.Payout, loans.CreditGift, loans.Approval, loans.RearrangementOffer, CreditLine, LoanTape, BusinessDay,
    IdempotencyRecord,
)  # fmt: skip
NOBODY = UUID(int=7)
# Columns of which no other row tells anything, and why that does no harm.
UNSEEN: dict[str, str] = {
    "LoanTally.sequence": "a tally of another event than the newest is void: nobody reads it",
    "CostDisclosure.shown_at": "that it was shown before it was confirmed is all that another row tells",
    "JournalSeal.sealed_at": "what was sealed and in which order is in the hash; when decides nothing",
    "Payout.attempt_count": "a counter of calls; the bank knows the order by its reference alone",
    "Payout.inquiry_count": "a counter of questions; it only spaces the next one",
    "Payout.next_attempt_at": "of an undecided order, when it is tried next; that a decided one has none is told",
    "Payout.claimed_until": "of an undecided order, how long one worker has it; that a decided one has none is told",
    "BusinessDay.follows_clock": "a switch of the demo: whether nights begin by themselves",
    "BusinessDay.is_rehearsal": "a mark of the demo: whether a day may be set back over",
    "BusinessDay.opened_at": "a time of the clock; the order of the days is proven by their dates",
    "BusinessDay.closed_at": "a time of the clock; the order of the days is proven by their dates",
}


ROWS, NIGHTS = "loans_agree_with_their_rows", "nights_agree_with_loans"
MEANT = {
    **dict.fromkeys(("Loan", "CostDisclosure", "Repayment"), (ROWS,)),
    **dict.fromkeys(("Instalment", "LoanEvent", "RepaymentAllocation"), (ROWS, "customers_agree")),
    **dict.fromkeys(("JournalEntry", "JournalSeal"), ("seals_hold",)),
    "Posting": ("seals_hold", "customers_agree"),
    **dict.fromkeys(("LoanTape", "DelinquencyFact"), (NIGHTS,)),
    **dict.fromkeys(("AccountingPeriod", "PeriodBalance"), ("periods_agree",)),
    **dict.fromkeys(("UnappliedMovement", "MoneyReceipt"), ("money_held_agrees",)),
    "LoanTally": ("loans_match_events", "customers_agree"),
    "LedgerAccount": ("chart_as_declared",),
    "JournalChain": ("seals_hold", "chain_looks_far_enough"),
    "ProductAccrual": ("accruals_every_day",),
    "FoldedEarnings": ("folded_as_earned", ROWS),
    "UnappliedBalance": ("balances_match_movements",),
    "Refund": ("refunds_agree", "refund_states_as_changed"),
    "Payout": ("orders_agree", "states_as_changed"),
    "CreditGift": ("gifts_agree", "gift_states_as_changed", "gifts_conserve"),
    "Approval": ("acts_agree", "act_states_as_changed"),
    "RearrangementOffer": ("offers_agree", "offer_states_as_changed"),
    "CreditLine": ("lines_agree", "lines_match_loans", "line_states_as_changed", "gifts_conserve"),
    "BusinessDay": ("days_in_order",),
    "IdempotencyRecord": ("answers_kept",),
}


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

    def _checks(self) -> list[Any]:
        """Those that are meant for the table come first."""
        meant = MEANT.get(self.model.__name__, ())
        return sorted(CHECKS, key=lambda check: check.__name__ not in meant)

    def found_by(self) -> str:
        """The name of the first check that sees it, `database` where the database refuses it, else nothing."""
        seen = ""
        try:
            with transaction.atomic():
                QuerySet(self.model).filter(pk=self.key).update(**{self.column: self.value})
                seen = next((fault.check for check in self._checks() for fault in faults_of(check)), "")
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
        if others.exists():
            return others.first()
        return NOBODY if held is None else None
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


def columns_of_money() -> list[str]:
    """Every column that is no key."""
    return [
        f"{model.__name__}.{field.attname}"
        for model in TABLES
        for field in model._meta.concrete_fields
        if not field.primary_key
    ]


def missed(done: Iterator[Corruption]) -> list[str]:
    """The columns of which a change went unseen that should not."""
    return [f"{one}: {one.value}" for one in done if str(one) not in UNSEEN and not one.found_by()]


def corrupted(*, rows: int) -> str:
    """The whole of it on a throw-away PostgreSQL; raises with the columns whose change went unseen."""
    from tests.audit.book import rich_book

    with pg.throwaway_postgres() as server:
        database_use(server.database_create("corrupted"))
        call_command("migrate", verbosity=0)
        with mock.patch("loans.services.figures.TALLY_FROM", 3), transaction.atomic():
            rich_book()
            with unguarded():
                done = list(corruptions(rows=rows))
                unseen = missed(iter(done))
        database_leave()
    if unseen:
        raise AssertionError("\n".join(unseen))
    return f"{len(done)} changes in {len(columns_of_money())} columns, all seen but {len(UNSEEN)} columns with a reason"
