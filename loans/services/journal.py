"""Posting to the journal: the only place that writes entries."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import Customer
from loans.ledger import CHART, DEBIT, Line
from loans.models import JournalEntry, LedgerAccount, Loan, Posting
from loans.services.period import period_open_check
from risk.models import Product
from weilidai.lib.bulk import row_insert, rows_save


class UnbalancedEntry(Exception):
    """Debits and credits differ, or an amount is not positive: a defect of the caller, never of the data."""


def _balance_check(lines: list[Line]) -> None:
    if not lines or any(amount <= 0 for _, _, amount in lines):
        raise UnbalancedEntry(f"postings must be positive: {lines}")
    difference = sum((amount if side == DEBIT else -amount for _, side, amount in lines), Decimal(0))
    if difference:
        raise UnbalancedEntry(f"debits exceed credits by {difference}")


@transaction.atomic
def entry_post(
    *,
    kind: str,
    reference: str,
    effective_date: date,
    at: datetime,
    lines: list[Line],
    product: Product | str | None = None,
    customer: Customer | None = None,
    loan: Loan | None = None,
) -> JournalEntry:
    """Writes one balanced entry. `reference` is unique: a second posting of it raises `IntegrityError`.

    Raises PeriodClosed for an effective date in a month whose books are closed.
    """
    _balance_check(lines)
    period_open_check(effective_date)
    entry = JournalEntry(
        kind=kind,
        reference=reference,
        effective_date=effective_date,
        posted_at=at,
        product_id=product.pk if isinstance(product, Product) else product,
        customer=customer,
        loan=loan,
    )
    row_insert(entry)
    rows_save(
        [
            Posting(entry=entry, ledger_account_id=code, side=side, amount=amount, customer_id=entry.customer_id)
            for code, side, amount in lines
        ]
    )
    return entry


def ledger_accounts_load() -> None:
    """Makes the chart of accounts stand as declared; safe to repeat."""
    for code, name_zh, name_en, kind in CHART:
        LedgerAccount.objects.update_or_create(
            code=code, defaults={"name_zh": name_zh, "name_en": name_en, "kind": kind}
        )
