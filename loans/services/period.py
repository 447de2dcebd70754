"""Closing a month of the books: from then on nothing is posted into it, whoever asks.

Posting shares a lock with all other postings and looks how far the books are closed; closing takes the lock for
itself alone. So no posting slips in between the sum and the closing, and postings never wait for each other.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from accounts.models import StaffUser
from loans.models import AccountingPeriod, JournalEntry, PeriodBalance, Posting
from loans.selectors.trial_balance import NO_PRODUCT, balances_before, month_end
from risk.models import Product
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import DomainError
from weilidai.lib.models import BusinessDay
from weilidai.lib.money import ZERO, round_money
from weilidai.lib.prepared import Ask, Written, ask, prepared

# The number of the advisory lock, shared by postings and taken alone by a closing.
LOCK = 7_214_001


class PeriodClosed(DomainError):
    code = "period_closed"
    title = _("The books of this month are closed")
    http_state = 409


class PeriodNotOver(DomainError):
    code = "period_not_over"
    title = _("A month can be closed when all its business days are closed and the month before it is closed")
    http_state = 409


def _lock(function: str) -> None:
    """On SQLite a transaction has the whole database to itself anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [LOCK])


def period_open_check(effective_date: date) -> None:
    """Keeps the books open until the caller's transaction ends. Raises PeriodClosed for a day in a closed month, or
    before one: closing balances hold everything that came earlier.
    """
    wanted = period_asked(effective_date)
    if ask(*wanted)[-1]:
        raise _closed_error()


def _closed_error() -> PeriodClosed:
    """Names the first day that takes postings again."""
    newest = AccountingPeriod.objects.order_by("-first_day").values_list("first_day", flat=True)[0]
    open_from = month_end(newest) + timedelta(days=1)
    detail = _("The books of this month are closed; the first open day is {day}").format(day=open_from)
    return PeriodClosed(detail, open_from=open_from.isoformat())


def period_asked(effective_date: date) -> tuple[Ask, ...]:
    """What `period_open_check` asks, in its order, for a caller who asks it ahead.

    On SQLite a transaction has the whole database to itself anyway.
    """
    closed = _closed_from.of(effective_date.replace(day=1))
    return (_KEPT_OPEN.of(), closed) if connection.vendor == "postgresql" else (closed,)


_KEPT_OPEN = Written(f"SELECT pg_advisory_xact_lock_shared({LOCK})")


@prepared
def _closed_from(first_day: Any) -> Any:
    return AccountingPeriod.objects.filter(first_day__gte=first_day).order_by().values_list("pk", flat=True)[:1]


@transaction.atomic
def period_close(*, first_day: date, user: StaffUser, reason: str, at: datetime) -> AccountingPeriod:
    """Keeps the closing balances and refuses later postings into the month.

    Raises PeriodClosed when it is, PeriodNotOver while a business day of it is open or an earlier month with
    entries is.
    """
    if first_day.day != 1:
        raise ValueError("a period begins on the first of a month")
    _lock("pg_advisory_xact_lock")
    if AccountingPeriod.objects.filter(first_day__gte=first_day).exists():
        raise PeriodClosed
    last_day = month_end(first_day)
    _over_check(first_day, last_day)
    entries = JournalEntry.objects.filter(effective_date__gte=first_day, effective_date__lte=last_day)
    debits = Posting.objects.filter(entry__in=entries, side=Posting.Side.DEBIT).aggregate(total=Sum("amount"))["total"]
    balances = _balances(last_day + timedelta(days=1))
    period = AccountingPeriod.objects.create(
        first_day=first_day, closed_at=at, closed_by=user, reason=reason,
        entries_count=entries.count(), turnover_amount=round_money(debits or ZERO),
    )  # fmt: skip
    PeriodBalance.objects.bulk_create(PeriodBalance(period=period, **row) for row in balances)
    audit_record(
        action="period.close", actor=Actor.of(user), subject=period, at=at, reason=reason,
        after={"entries": period.entries_count, "turnover": str(period.turnover_amount)},
    )  # fmt: skip
    return period


def _over_check(first_day: date, last_day: date) -> None:
    """The last business day of the month is closed, and no earlier month with entries is still open."""
    days = BusinessDay.objects.filter(date__gte=last_day)
    if not days.filter(date__gt=last_day).exists() or days.filter(date=last_day).exclude(state="closed").exists():
        raise PeriodNotOver
    before = JournalEntry.objects.filter(effective_date__lt=first_day).order_by("-effective_date").first()
    if (
        before is not None
        and not AccountingPeriod.objects.filter(first_day=before.effective_date.replace(day=1)).exists()
    ):
        raise PeriodNotOver


def _balances(following: date) -> list[dict[str, Any]]:
    """What stands on each account of each product before `following`, and of what belongs to no product."""
    return [
        {"product_id": product or None, "ledger_account_id": code, "closing_amount": amount}
        for product in (*Product.objects.values_list("pk", flat=True), NO_PRODUCT)
        for code, amount in sorted(balances_before(following, product).items())
    ]
