"""The trial balance of a span of days: opening, turnover and closing per ledger account; debits equal credits.

Opening balances start from the last closed month, so the work grows with the days asked for, not with the book's age.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import QuerySet, Sum

from loans.models import AccountingPeriod, LedgerAccount, PeriodBalance, Posting
from weilidai.lib.money import ZERO, round_money

DEBIT = Posting.Side.DEBIT
Balances = dict[str, Decimal]
# Asks for the entries that belong to no product, such as money that arrived unasked.
NO_PRODUCT = ""


@dataclass(frozen=True)
class TrialLine:
    """One account; `opening` and `closing` are debits less credits, in yuan."""

    account: LedgerAccount
    opening: Decimal
    debits: Decimal
    credits: Decimal

    @property
    def closing(self) -> Decimal:
        return self.opening + self.debits - self.credits


def month_end(first_day: date) -> date:
    """The last day of the month that begins on `first_day`."""
    return (first_day + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def trial_balance(first: date, last: date, product: str | None = None) -> list[TrialLine]:
    """Every account of the chart between two days, both included, of one product or of all."""
    opening = balances_before(first, product)
    debits, credits = _turnover(first, last, product)
    return [
        TrialLine(account, opening.get(account.pk, ZERO), debits.get(account.pk, ZERO), credits.get(account.pk, ZERO))
        for account in LedgerAccount.objects.all()
    ]


def balances_before(day: date, product: str | None = None) -> Balances:
    """Debits less credits per account of everything effective before `day`."""
    period = AccountingPeriod.objects.filter(first_day__lt=day.replace(day=1)).order_by("-first_day").first()
    since, kept = _kept(period, product)
    debits, credits = _turnover(since, day - timedelta(days=1), product)
    accounts = kept.keys() | debits.keys() | credits.keys()
    return {code: kept.get(code, ZERO) + debits.get(code, ZERO) - credits.get(code, ZERO) for code in accounts}


def _kept(period: AccountingPeriod | None, product: str | None) -> tuple[date | None, Balances]:
    """The first day not covered by closed months, and what stood on the accounts then."""
    if period is None:
        return None, {}
    rows: QuerySet[PeriodBalance] = period.balances.all()
    if product is not None:
        rows = rows.filter(product_id=product or None)
    sums = rows.values_list("ledger_account_id").annotate(total=Sum("closing_amount")).order_by()
    return month_end(period.first_day) + timedelta(days=1), _rounded(sums)


def _turnover(first: date | None, last: date, product: str | None) -> tuple[Balances, Balances]:
    rows = Posting.objects.filter(entry__effective_date__lte=last)
    if first is not None:
        rows = rows.filter(entry__effective_date__gte=first)
    if product is not None:
        rows = rows.filter(entry__product_id=product or None)
    sums = list(rows.order_by().values_list("side", "ledger_account_id").annotate(total=Sum("amount")))
    debits = _rounded((code, total) for side, code, total in sums if side == DEBIT)
    return debits, _rounded((code, total) for side, code, total in sums if side != DEBIT)


def _rounded(rows: Iterable[tuple[str, Decimal]]) -> Balances:
    """SQLite adds in binary numbers: to the fen the sums are exact again."""
    return {code: round_money(total) for code, total in rows}
