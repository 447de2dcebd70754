"""A payment that is not simply today's: entered late, from money held, on a loan written off. The past is replayed."""

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from accounts.services.notification import notification_send
from loans.errors import RepaymentExceedsDebt
from loans.maths import terms
from loans.maths.allocation import Component
from loans.maths.history import LoanHistory
from loans.models import EntryKind, JournalEntry, Loan, LoanEvent, LoanState, Repayment
from loans.selectors.position import loan_events, loan_terms
from loans.services.following import COMPONENT_COLUMNS, repayment_follow
from loans.services.history import Act, Rewrite, event_add, lived
from weilidai.lib.errors import FieldInvalid
from weilidai.lib.ids import uuid7
from weilidai.lib.money import ZERO, round_money


def amount_check(amount: Decimal) -> None:
    """Raises `FieldInvalid` unless the amount is positive and in whole fen."""
    if amount <= 0 or amount != round_money(amount):
        raise FieldInvalid(
            field_errors=[{"field": "amount", "code": "invalid", "detail": _("A positive amount with two decimals")}]
        )


def payment_enter(
    *,
    loan: Loan,
    amount: Decimal,
    effective_date: date,
    act: Act,
    funding: str = LoanEvent.Funding.BANK,
) -> Repayment:
    """A repayment that counts from `effective_date`. The caller holds the locks of line and loan.

    Raises RepaymentExceedsDebt for more than was owed on that day.
    """
    event = terms.LoanEvent(
        effective_date, terms.EventKind.REPAYMENT, amount, key=str(uuid7()), funding=terms.Funding(funding)
    )
    after = lived(loan_terms(loan), [*loan_events(loan), event])
    applied = _applied(after, event)
    parts = _parts(applied)
    row = LoanEvent(
        pk=event.key,
        kind=LoanEvent.Kind.REPAYMENT,
        effective_date=effective_date,
        funding=funding,
        **{COMPONENT_COLUMNS[component]: part for component, part in parts.items()},
    )
    recovering = loan.state == LoanState.WRITTEN_OFF
    kind = EntryKind.RECOVERY if recovering else EntryKind.REPAYMENT
    done = event_add(loan, row, entry_kind=kind, act=act, after=after)
    repayment = Repayment.objects.create(
        loan=loan,
        customer=loan.customer,
        amount=amount,
        funding=funding,
        effective_date=effective_date,
        received_at=act.at,
        entry=_entry_of(done),
    )
    repayment_follow(repayment, applied)
    _tell(loan, repayment, act)
    return repayment


def _entry_of(done: Rewrite) -> JournalEntry:
    """Money moved, so there is an entry."""
    if done.entry is None:
        raise AssertionError(f"payment {done.event.pk} moved no account")
    return done.entry


def _applied(history: LoanHistory, event: terms.LoanEvent) -> terms.AppliedEvent:
    applied = next(item for item in history.applied if item.event.key == event.key)
    if applied.remainder:
        raise RepaymentExceedsDebt(debt=str(event.amount - applied.remainder))
    return applied


def _parts(applied: terms.AppliedEvent) -> dict[Component, Decimal]:
    parts = dict.fromkeys(Component, ZERO)
    for line in applied.allocations:
        parts[line.component] += line.amount
    return parts


def _tell(loan: Loan, repayment: Repayment, act: Act) -> None:
    notification_send(
        customer=loan.customer,
        kind="repayment_received" if loan.settled_date is None else "loan_settled",
        params={"amount": str(repayment.amount), "outstanding": str(loan.outstanding_principal_amount)},
        dedupe_key=f"repayment:{repayment.pk}",
        business_date=act.as_of,
    )
