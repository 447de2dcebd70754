"""Money in: a repayment of any amount, an early settlement, periods paid ahead.

Lock order: line, loan, instalments, journal. What a payment pays is decided by the pure maths on the
loan's stored events; this module writes it down everywhere at once.
"""

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import Customer
from accounts.services.notification import notification_send
from loans import ledger
from loans.errors import LoanNotOpen, RepaymentExceedsDebt, SettlementAmountChanged
from loans.maths import terms
from loans.maths.allocation import Component
from loans.maths.state import (
    LoanPosition,
    position_of,
    prepayment_quote,
    replay,
    settlement_quote,
)
from loans.models import (
    EntryKind,
    Instalment,
    JournalEntry,
    Loan,
    LoanEvent,
    LoanState,
    Repayment,
    RepaymentAllocation,
)
from loans.selectors.position import events_known, events_stored, loan_events, loan_terms, moment_check
from loans.services.figures import (
    LOAN_COLUMNS,
    instalments_lock,
    instalments_locked,
    instalments_write,
    loan_columns_set,
    tally_keep,
)
from loans.services.history import Act
from loans.services.journal import entry_post
from loans.services.late_payment import amount_check, payment_enter
from loans.services.period import period_asked
from risk.models import CreditLine
from risk.services.credit_line import line_release
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.bulk import row_insert, row_update, rows_save
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.money import ZERO
from weilidai.lib.prepared import Ask, ask, asked_ahead, prepared


def _loan_lock(loan_id: UUID | str, customer: Customer, *, also: tuple[str, ...] = ()) -> Loan:
    """The customer's loan, its line locked before it; ObjectNotFound for anybody else's."""
    key = UUID(str(loan_id))
    [lines, loans] = ask(_line_locked.of(key, customer.pk), _loan_locked.of(key, customer.pk))
    if not loans:
        raise ObjectNotFound
    loan: Loan = loans[0]
    loan.credit_line, loan.customer = lines[0], customer
    if loan.state not in (LoanState.ACTIVE, *also):
        raise LoanNotOpen
    return loan


def _wanted(loan_id: UUID, customer: Customer, as_of: date) -> tuple[Ask, ...]:
    """Everything a payment depends on, in one trip and in the order of locks."""
    return (
        _line_locked.of(loan_id, customer.pk), _loan_locked.of(loan_id, customer.pk), events_known.of(loan_id),
        instalments_locked.of(loan_id), *period_asked(as_of),
    )  # fmt: skip


@prepared
def _line_locked(loan: Any, customer: Any) -> Any:
    lines = Loan.objects.filter(pk=loan, customer=customer).order_by().values("credit_line_id")
    return CreditLine.objects.select_for_update(no_key=True).filter(pk__in=lines).order_by()


@prepared
def _loan_locked(loan: Any, customer: Any) -> Any:
    return Loan.objects.select_for_update(no_key=True).filter(pk=loan, customer=customer).order_by()


@transaction.atomic
def repayment_make(
    *, loan_id: UUID | str, customer: Customer, amount: Decimal, as_of: date, at: datetime, actor: Actor
) -> Repayment:
    """Takes `amount` yuan; pays penalty, fee, interest, principal.

    Raises LoanNotOpen, RepaymentExceedsDebt (nothing is taken then), ObjectNotFound.
    """
    amount_check(amount)
    with asked_ahead(*_wanted(UUID(str(loan_id)), customer, as_of)):
        loan = _loan_lock(loan_id, customer, also=(LoanState.WRITTEN_OFF,))
        if loan.state == LoanState.ACTIVE:
            event = terms.LoanEvent(as_of, terms.EventKind.REPAYMENT, amount)
            return _payment_apply(loan, event, Repayment.Kind.REPAYMENT, at=at, actor=actor)
    return payment_enter(loan=loan, amount=amount, effective_date=as_of, act=Act(actor, as_of, at))


@transaction.atomic
def settlement_make(
    *,
    loan_id: UUID | str,
    customer: Customer,
    expected: Decimal | None,
    as_of: date,
    at: datetime,
    actor: Actor,
) -> Repayment:
    """Closes the loan for today's quote (R43). `expected`, where given, must be that quote."""
    loan = _loan_lock(loan_id, customer)
    quote = settlement_quote(loan_terms(loan), loan_events(loan), as_of)
    if expected is not None and expected != quote.total:
        raise SettlementAmountChanged(total=str(quote.total))
    event = terms.LoanEvent(as_of, terms.EventKind.SETTLEMENT, quote.total)
    return _payment_apply(loan, event, Repayment.Kind.SETTLEMENT, at=at, actor=actor)


@transaction.atomic
def prepayment_make(
    *, loan_id: UUID | str, customer: Customer, periods: int, as_of: date, at: datetime, actor: Actor
) -> Repayment:
    """Pays what is due and the next `periods` instalments ahead, at the reduced fee (R42)."""
    loan = _loan_lock(loan_id, customer)
    quote = prepayment_quote(loan_terms(loan), loan_events(loan), as_of, periods)
    event = terms.LoanEvent(as_of, terms.EventKind.REPAYMENT, quote.total)
    return _payment_apply(loan, event, Repayment.Kind.PREPAYMENT, at=at, actor=actor)


def _payment_apply(
    loan: Loan, event: terms.LoanEvent, kind: Repayment.Kind, *, at: datetime, actor: Actor
) -> Repayment:
    stored, instalments = list(events_stored(loan)), instalments_lock(loan)
    moment_check(stored, event.effective_date)
    sequence = len(stored) + 1
    history = replay(loan_terms(loan), loan_events(loan, stored=stored), event.effective_date)
    applied = history.apply(event)
    if applied.remainder:
        raise RepaymentExceedsDebt(debt=str(event.amount - applied.remainder))
    after = position_of(history.book(event.effective_date))
    repayment = _repayment_write(loan, applied, kind, sequence, instalments, at)
    _event_write(loan, repayment, after, sequence, at)
    tally_keep(loan, history.tally, sequence)
    instalments_write(loan, after, locked=instalments)
    loan_columns_set(loan, after)
    if repayment.principal_amount:
        # The row `_loan_lock` holds.
        line_release(loan.credit_line, repayment.principal_amount)
    _finish(loan, repayment, after, at=at, actor=actor)
    return repayment


def _entry_write(
    loan: Loan, applied: terms.AppliedEvent, paid: dict[str, Decimal], sequence: int, at: datetime
) -> JournalEntry:
    event = applied.event
    settling = event.kind == terms.EventKind.SETTLEMENT
    return entry_post(
        kind=EntryKind.SETTLEMENT if settling else EntryKind.REPAYMENT,
        reference=f"repayment:{loan.pk}:{sequence}",
        effective_date=event.effective_date,
        at=at,
        lines=ledger.repayment(
            penalty=paid[Component.PENALTY],
            fee=paid[Component.FEE],
            interest=paid[Component.INTEREST],
            principal=paid[Component.PRINCIPAL],
            settlement_fee=applied.settlement_fee,
        ),
        product=loan.product_id,
        customer=loan.customer,
        loan=loan,
    )


def _repayment_write(
    loan: Loan,
    applied: terms.AppliedEvent,
    kind: Repayment.Kind,
    sequence: int,
    instalments: list[Instalment],
    at: datetime,
) -> Repayment:
    paid: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for line in applied.allocations:
        paid[line.component] += line.amount
    repayment = Repayment(
        loan=loan,
        customer_id=loan.customer_id,
        kind=kind,
        amount=applied.event.amount,
        penalty_amount=paid[Component.PENALTY],
        fee_amount=paid[Component.FEE] + applied.settlement_fee,
        interest_amount=paid[Component.INTEREST],
        principal_amount=paid[Component.PRINCIPAL],
        effective_date=applied.event.effective_date,
        received_at=at,
        entry=_entry_write(loan, applied, paid, sequence, at),
    )
    row_insert(repayment)
    numbers = {row.number: row for row in instalments}
    rows = [
        RepaymentAllocation(
            repayment=repayment,
            instalment=numbers[line.number],
            component=line.component.value,
            amount=line.amount,
            customer_id=loan.customer_id,
        )
        for line in applied.allocations
    ]
    if applied.settlement_fee:
        rows.append(
            RepaymentAllocation(
                repayment=repayment,
                component=Component.FEE.value,
                amount=applied.settlement_fee,
                customer_id=loan.customer_id,
            )
        )
    if rows:
        rows_save(rows)
    _allocations_tell(repayment, rows)
    return repayment


def _allocations_tell(repayment: Repayment, rows: list[RepaymentAllocation]) -> None:
    """The new repayment knows its parts: nobody has to read what was written a moment ago."""
    known = repayment.allocations.all()
    known._result_cache = rows
    repayment._prefetched_objects_cache = {"allocations": known}


def _event_write(loan: Loan, repayment: Repayment, after: LoanPosition, sequence: int, at: datetime) -> None:
    settling = repayment.kind == Repayment.Kind.SETTLEMENT
    event = LoanEvent(
        loan=loan,
        sequence=sequence,
        kind=LoanEvent.Kind.SETTLEMENT if settling else LoanEvent.Kind.REPAYMENT,
        effective_date=repayment.effective_date,
        business_date=repayment.effective_date,
        posted_at=at,
        principal_amount=repayment.principal_amount,
        interest_amount=repayment.interest_amount,
        fee_amount=repayment.fee_amount,
        penalty_amount=repayment.penalty_amount,
        outstanding_principal_amount=after.outstanding_principal,
        entry=repayment.entry,
        customer_id=loan.customer_id,
    )
    row_insert(event)


def _finish(loan: Loan, repayment: Repayment, after: LoanPosition, *, at: datetime, actor: Actor) -> None:
    """Settles a loan that is paid off, and leaves the evidence."""
    if after.is_paid_off and not after.outstanding_principal:
        loan.settle()
        loan.settled_date = after.on
        state_change_record(
            subject=loan, old=LoanState.ACTIVE, new=LoanState.SETTLED, actor=actor, as_of=after.on, at=at
        )
    row_update(loan, "state", "settled_date", *LOAN_COLUMNS)
    audit_record(
        action=f"loan.{repayment.kind}",
        actor=actor,
        subject=loan,
        at=at,
        as_of=after.on,
        after={"amount": str(repayment.amount), "outstanding_principal": str(after.outstanding_principal)},
    )
    notification_send(
        customer=loan.customer,
        kind="loan_settled" if loan.state == LoanState.SETTLED else "repayment_received",
        params={"amount": str(repayment.amount), "outstanding": str(after.outstanding_principal)},
        dedupe_key=f"repayment:{repayment.pk}",
        business_date=after.on,
        is_new=True,
    )
