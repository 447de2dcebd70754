"""What we hold for a customer: each change is a movement with its journal entry, under the lock of the balance."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer
from loans import ledger
from loans.models import EntryKind, JournalEntry, Loan, MoneyReceipt, UnappliedBalance, UnappliedMovement
from loans.services.journal import entry_post
from loans.services.period import period_open_check
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import DomainError, FieldInvalid
from weilidai.lib.money import ZERO, round_money


class UnappliedMoneyShort(DomainError):
    code = "unapplied_money_short"
    title = _("Less money than that is held for this customer")
    http_state = 409


class ReceiptKnown(DomainError):
    code = "receipt_known"
    title = _("Money with this bank reference was entered before")
    http_state = 409


def balance_lock(customer: Customer) -> UnappliedBalance:
    """The customer's balance under lock until the caller's transaction ends."""
    UnappliedBalance.objects.get_or_create(customer=customer)
    return UnappliedBalance.objects.select_for_update(no_key=True).get(customer=customer)


def balance_check(customer: Customer, amount: Decimal) -> UnappliedBalance:
    """Raises `UnappliedMoneyShort` unless that much is held."""
    balance = balance_lock(customer)
    if balance.amount < amount:
        raise UnappliedMoneyShort(available=str(max(balance.amount, ZERO)))
    return balance


def unapplied_move(
    *,
    customer: Customer,
    kind: str,
    amount: Decimal,
    entry: JournalEntry,
    as_of: date,
    at: datetime,
    loan: Loan | None = None,
) -> UnappliedMovement:
    """Adds `amount` (below zero: takes) to what is held. The entry has posted it already."""
    balance = balance_lock(customer)
    balance.amount += amount
    balance.save(update_fields=["amount"])
    return UnappliedMovement.objects.create(
        customer=customer,
        kind=kind,
        amount=amount,
        balance_amount=balance.amount,
        loan=loan,
        entry=entry,
        business_date=as_of,
        at=at,
    )


@transaction.atomic
def receipt_enter(
    *,
    customer: Customer,
    amount: Decimal,
    bank_reference: str,
    payer_name: str,
    received_date: date,
    actor: Actor,
    as_of: date,
    at: datetime,
) -> MoneyReceipt:
    """Money that arrived unasked, held until it is applied or refunded.

    Raises ReceiptKnown for a reference entered before, PeriodClosed, FieldInvalid (amount, date).
    """
    if amount <= ZERO or amount != round_money(amount):
        raise _fault("amount", _("A positive amount with two decimals"))
    if received_date > as_of:
        raise _fault("received_date", _("Not in the future"))
    period_open_check(received_date)
    if MoneyReceipt.objects.filter(bank_reference=bank_reference).exists():
        raise ReceiptKnown
    entry = entry_post(
        kind=EntryKind.RECEIPT,
        reference=f"receipt:{bank_reference}",
        effective_date=as_of,
        at=at,
        lines=ledger.transfer(ledger.BANK, ledger.UNAPPLIED_MONEY, amount),
        customer=customer,
    )
    receipt = MoneyReceipt.objects.create(
        customer=customer,
        amount=amount,
        bank_reference=bank_reference,
        payer_name=payer_name,
        received_date=received_date,
        business_date=as_of,
        entry=entry,
    )
    unapplied_move(customer=customer, kind="receipt", amount=amount, entry=entry, as_of=as_of, at=at)
    audit_record(
        action="money.receipt",
        actor=actor,
        subject=receipt,
        at=at,
        as_of=as_of,
        after={"amount": str(amount), "bank_reference": bank_reference},
    )
    return receipt


def _fault(field: str, detail: object) -> FieldInvalid:
    return FieldInvalid(field_errors=[{"field": field, "code": "invalid", "detail": detail}])
