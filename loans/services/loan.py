"""Drawing on a line: everything is checked and reserved in one transaction, the money follows by itself.

Lock order: lines of the customer, loan.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.errors import BankCardRequired
from accounts.models import BankCard, Customer, Device
from accounts.services.device import device_require_verified
from loans.errors import HouseholdLimitExceeded, PurposeForbidden, TermInvalid
from loans.models import CostDisclosure, Loan, Payout
from loans.selectors.quote import Quote, Request, line_quote
from loans.services.disclosure import disclosure_confirm
from loans.services.screening import book_asked, loan_screen
from risk.errors import SignaturesMissing
from risk.models import CreditLine
from risk.models.product import RegulationParameter
from risk.rules.purposes import FORBIDDEN_PURPOSES
from risk.rules.screening.spec import LOAN
from risk.selectors.documents import documents_signed, documents_unsigned
from risk.selectors.policy import regulation
from risk.selectors.remembered import STAMP, one_policy
from risk.services.acts import counter_locked
from risk.services.credit_line import line_reserve, line_usable_check
from risk.services.screening import lines_lock, lines_locked
from weilidai.lib.audit import Actor, audit_record, state_change_records
from weilidai.lib.bulk import row_insert
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.ids import uuid7
from weilidai.lib.money import ZERO
from weilidai.lib.prepared import Ask, asked_ahead, prepared


def loan_request(
    *,
    customer: Customer,
    credit_line_id: UUID,
    request: Request,
    bank_card_id: UUID | None,
    purpose: str,
    device: Device | None,
    as_of: date,
    at: datetime,
    actor: Actor,
    disclosure_id: UUID | None = None,
    ip: str | None = None,
) -> Loan:
    """A loan on its way out: limit used at once, payout queued for the bank.

    Raises DeviceNotVerified (R35), PurposeForbidden, VoucherMissing (R52), BankCardRequired (R14), ObjectNotFound,
    SignaturesMissing (R10), CreditLineFrozen, CreditLineClosed, LimitExceeded, HouseholdLimitExceeded,
    DisclosureNotRead, DisclosureChanged, the refusals of `line_quote`, and those of the twelve layers, after what the
    layers wrote is committed.
    """
    device_require_verified(device)
    if purpose in FORBIDDEN_PURPOSES:
        raise PurposeForbidden
    with transaction.atomic(), one_policy(), asked_ahead(*_wanted(customer.pk, as_of, at)):
        card = _own_card(customer, bank_card_id)
        lines = _lines_lock(customer)
        line = _own_line(lines, credit_line_id)
        _signatures_check(customer, line, as_of)
        line_usable_check(line)
        quote = line_quote(line, request, as_of)
        _household_check(customer, request.amount, as_of)
        refusal = loan_screen(
            line=line, quote=quote, purpose=purpose, device=device, ip=ip, as_of=as_of, at=at, actor=actor
        )
        if refusal is None:
            disclosure = disclosure_confirm(line=line, quote=quote, disclosure_id=disclosure_id, as_of=as_of, at=at)
            line_reserve(line, request.amount)
            loan = _loan_create(line, card, quote, disclosure, purpose, as_of, at)
            payout = _payout_create(loan, at)
            _evidence(loan, payout, line, as_of, at, actor)
            return loan
    raise refusal


def _lines_lock(customer: Customer) -> list[CreditLine]:
    """All lines of the customer under lock, because the layers may freeze them together; each knows its customer."""
    lines = lines_lock(customer)
    for line in lines:
        line.customer = customer
    return lines


def _own_line(lines: list[CreditLine], line_id: UUID) -> CreditLine:
    line = next((line for line in lines if line.pk == line_id), None)
    if line is None:
        raise ObjectNotFound
    return line


def _wanted(customer: UUID, as_of: date, at: datetime) -> tuple[Ask, ...]:
    """Everything about the customer that a loan depends on, in one trip, the locks first: the rest is read under them.

    What a person signs, proves or is found to have misused meanwhile counts from the next loan on.
    """
    return (
        STAMP.of(),
        _cards_live.of(customer),
        lines_locked.of(customer),
        counter_locked.of(customer, LOAN),
        documents_signed.of(customer),
        _limits_taken.of(customer),
        *book_asked(customer, as_of, at),
    )


@prepared
def _cards_live(customer: Any) -> Any:
    return BankCard.objects.filter(customer=customer, removed_at__isnull=True).order_by().values_list("pk", flat=True)


def _own_card(customer: Customer, card_id: UUID | None) -> UUID:
    live = _cards_live(customer.pk)
    if card_id in live and card_id is not None:
        return card_id
    if not live:
        raise BankCardRequired
    if card_id is None:
        raise TermInvalid(field_errors=[{"field": "bank_card", "code": "required", "detail": BankCardRequired.title}])
    raise ObjectNotFound


def _signatures_check(customer: Customer, line: CreditLine, as_of: date) -> None:
    """A new version of a text asks again before the next loan (R10)."""
    missing = documents_unsigned(customer, line.product_id, as_of)
    if missing:
        raise SignaturesMissing(missing_signatures=[str(document.pk) for document in missing])


def _household_check(customer: Customer, amount: Decimal, as_of: date) -> None:
    """All lines of a person together, gifts included (R54).

    Two loans never both see the same room: each holds all lines it found, so that they meet at the oldest, and reads
    what is used only then, lines opened meanwhile included.
    """
    taken = sum((used + gifted for used, gifted in _limits_taken(customer.pk)), ZERO)
    household = regulation(RegulationParameter.Name.HOUSEHOLD_CREDIT_AMOUNT, as_of)
    if taken + amount > household:
        raise HouseholdLimitExceeded(available=str(max(household - taken, ZERO).quantize(ZERO)))


@prepared
def _limits_taken(customer: Any) -> Any:
    return CreditLine.objects.filter(customer=customer).order_by().values_list("used_amount", "gifted_amount")


def _loan_create(
    line: CreditLine,
    card: UUID,
    quote: Quote,
    disclosure: CostDisclosure,
    purpose: str,
    as_of: date,
    at: datetime,
) -> Loan:
    terms = quote.terms
    loan = Loan(
        customer_id=line.customer_id,
        credit_line=line,
        product_id=line.product_id,
        terms=quote.product_terms,
        bank_card_id=card,
        disclosure=disclosure,
        purpose=purpose,
        plan=str(terms.plan),
        principal_amount=terms.principal,
        daily_rate=terms.daily_rate,
        days_count=quote.days,
        periods_count=quote.periods,
        fee_rate=terms.fee_rate,
        fee_base=terms.fee_base,
        with_interest=terms.with_interest,
        prepaid_fee_discount=terms.prepaid_fee_reduction,
        settlement_fee_rate=terms.settlement_fee_rate,
        penalty_method=terms.penalty_method,
        penalty_share=terms.penalty_share,
        cost_cap_rate=terms.cost_cap_rate,
        early_fees_in_cap=terms.early_fees_in_cap,
        requested_at=at,
        requested_date=as_of,
    )
    row_insert(loan)
    # Nobody has to ask: proof of the use is demanded at the payout.
    Loan._meta.get_field("voucher_demand").set_cached_value(loan, None)
    return loan


def _payout_create(loan: Loan, at: datetime) -> Payout:
    payout = Payout(
        loan=loan,
        customer_id=loan.customer_id,
        reference=f"WLD-{uuid7().hex}",
        amount=loan.principal_amount,
        requested_at=at,
        next_attempt_at=at,
    )
    row_insert(payout)
    return payout


def _evidence(loan: Loan, payout: Payout, line: CreditLine, as_of: date, at: datetime, actor: Actor) -> None:
    state_change_records(subjects=[payout, loan], old="", actor=actor, as_of=as_of, at=at)
    audit_record(
        action="loan.request",
        actor=actor,
        subject=loan,
        at=at,
        as_of=as_of,
        before={"used": str(line.used_amount - loan.principal_amount)},
        after={
            "amount": str(loan.principal_amount),
            "used": str(line.used_amount),
            "purpose": loan.purpose,
            "payout": payout.reference,
            "card": str(loan.bank_card_id),
        },
    )
