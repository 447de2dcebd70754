"""What happened to a loan after all: late entries, reversals, returned payouts, write-offs.

These are done by two persons (`loans/services/approval.py`). Lock order: line, loan, unapplied balance, journal.
"""

from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.services.notification import notification_send
from loans.errors import LoanNotOpen, NothingToReverse
from loans.models import EntryKind, Loan, LoanEvent, LoanState, Payout, Repayment
from loans.selectors.position import loan_position
from loans.services.history import Act, event_add, negated
from loans.services.late_payment import amount_check, payment_enter
from loans.services.period import period_open_check
from loans.services.unapplied import balance_check
from risk.models import FreezeReason, LineState
from risk.services.credit_line import credit_line_freeze, credit_line_lock
from weilidai.lib.errors import FieldInvalid, ObjectNotFound
from weilidai.lib.fsm import take_step

PAYING = (LoanEvent.Kind.REPAYMENT, LoanEvent.Kind.SETTLEMENT)


def loan_lock(loan_id: UUID | str, *, states: tuple[str, ...]) -> Loan:
    """The loan with its line locked before it. Raises ObjectNotFound, LoanNotOpen outside `states`."""
    found = Loan.objects.filter(pk=loan_id).values_list("credit_line_id", flat=True).first()
    if found is None:
        raise ObjectNotFound
    credit_line_lock(found)
    loan = Loan.objects.select_for_update(no_key=True).get(pk=loan_id)
    if loan.state not in states:
        raise LoanNotOpen
    return loan


@transaction.atomic
def repayment_enter_late(*, loan_id: UUID | str, amount: Decimal, effective_date: date, act: Act) -> Repayment:
    """A repayment that arrived on an earlier day and is entered now; what came after it is replayed.

    Raises LoanNotOpen, RepaymentExceedsDebt, PeriodClosed, FieldInvalid (a day before the payout or in the future).
    """
    amount_check(amount)
    loan = loan_lock(loan_id, states=(LoanState.ACTIVE, LoanState.SETTLED, LoanState.WRITTEN_OFF))
    if loan.start_date is None or not loan.start_date <= effective_date <= act.as_of:
        detail = _("From the day of the payout to today")
        raise FieldInvalid(field_errors=[{"field": "effective_date", "code": "invalid", "detail": detail}])
    period_open_check(effective_date)
    return payment_enter(loan=loan, amount=amount, effective_date=effective_date, act=act)


@transaction.atomic
def unapplied_apply(*, loan_id: UUID | str, amount: Decimal, act: Act) -> Repayment:
    """Pays a loan from the money held for its customer, as of today.

    Raises UnappliedMoneyShort, LoanNotOpen, RepaymentExceedsDebt.
    """
    amount_check(amount)
    loan = loan_lock(loan_id, states=(LoanState.ACTIVE, LoanState.WRITTEN_OFF))
    balance_check(loan.customer, amount)
    return payment_enter(
        loan=loan, amount=amount, effective_date=act.as_of, act=act, funding=LoanEvent.Funding.UNAPPLIED
    )


@transaction.atomic
def repayment_reverse(*, repayment_id: UUID | str, act: Act) -> LoanEvent:
    """The money bounced: from now on the repayment never was. Raises NothingToReverse, ObjectNotFound."""
    found = Repayment.objects.filter(pk=repayment_id).values_list("loan_id", flat=True).first()
    if found is None:
        raise ObjectNotFound
    loan = loan_lock(found, states=(LoanState.ACTIVE, LoanState.SETTLED, LoanState.WRITTEN_OFF))
    repayment = Repayment.objects.select_for_update(no_key=True).get(pk=repayment_id)
    if repayment.reversed_date is not None:
        raise NothingToReverse
    repayment.reversed_date = act.as_of
    repayment.save(update_fields=["reversed_date"])
    event = LoanEvent.objects.get(loan=loan, entry_id=repayment.entry_id, kind__in=PAYING)
    done = event_add(loan, reversal_of(event), entry_kind=EntryKind.REVERSAL, act=act)
    _tell(loan, "repayment_reversed", str(repayment.amount), f"repayment_reversed:{repayment.pk}", act)
    return done.event


def reversal_of(event: LoanEvent) -> LoanEvent:
    """The unsaved event that takes this one back: from then on it never was."""
    return LoanEvent(
        kind=LoanEvent.Kind.REVERSAL,
        effective_date=event.effective_date,
        funding=event.funding,
        reverses=event,
        **negated(event),
    )


@transaction.atomic
def payout_return(*, loan_id: UUID | str, act: Act) -> LoanEvent:
    """The bank sent the payout back: there never was a loan. What the customer has repaid is held for them.

    Raises LoanNotOpen, ObjectNotFound.
    """
    loan = loan_lock(loan_id, states=(LoanState.ACTIVE, LoanState.SETTLED))
    payout = Payout.objects.select_for_update(no_key=True).get(loan=loan)
    drawdown = LoanEvent.objects.get(loan=loan, kind=LoanEvent.Kind.DRAWDOWN)
    row = LoanEvent(
        kind=LoanEvent.Kind.PAYOUT_RETURN,
        effective_date=drawdown.effective_date,
        principal_amount=loan.principal_amount,
        reverses=drawdown,
    )
    done = event_add(loan, row, entry_kind=EntryKind.PAYOUT_RETURN, act=act)
    take_step(payout, "return_money", actor=act.actor, as_of=act.as_of, at=act.at, reason=act.reason)
    _tell(loan, "payout_returned", str(loan.principal_amount), f"payout_returned:{loan.pk}", act)
    return done.event


@transaction.atomic
def loan_write_off(*, loan_id: UUID | str, act: Act) -> LoanEvent:
    """Gives the loan up as uncollectable: a loss in the books, the claim stays, drawing stops.

    Raises LoanNotOpen unless it is running, NothingToReverse when nothing is owed.
    """
    loan = loan_lock(loan_id, states=(LoanState.ACTIVE,))
    now = loan_position(loan, act.as_of)
    row = LoanEvent(
        kind=LoanEvent.Kind.WRITE_OFF,
        effective_date=act.as_of,
        principal_amount=now.outstanding_principal,
        interest_amount=now.interest_unpaid,
        fee_amount=now.fees_unpaid,
        penalty_amount=now.penalty_unpaid,
    )
    done = event_add(loan, row, entry_kind=EntryKind.WRITE_OFF, act=act)
    line = credit_line_lock(loan.credit_line_id)
    if line.state == LineState.ACTIVE:
        credit_line_freeze(
            line_id=line.pk,
            reason=FreezeReason.OVERDUE,
            actor=act.actor,
            as_of=act.as_of,
            at=act.at,
            note=str(_("Loan written off")),
        )
    return done.event


@transaction.atomic
def write_off_reverse(*, loan_id: UUID | str, act: Act) -> LoanEvent:
    """The write-off was a mistake: it never was, and interest has run all the while. The line stays frozen."""
    loan = loan_lock(loan_id, states=(LoanState.WRITTEN_OFF,))
    event = LoanEvent.objects.get(loan=loan, kind=LoanEvent.Kind.WRITE_OFF, reversed_by__isnull=True)
    return event_add(loan, reversal_of(event), entry_kind=EntryKind.REVERSAL, act=act).event


def _tell(loan: Loan, kind: str, amount: str, key: str, act: Act) -> None:
    notification_send(
        customer=loan.customer, kind=kind, params={"amount": amount}, dedupe_key=key, business_date=act.as_of
    )
