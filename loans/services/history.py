"""Rewriting what a loan's past was: one more event, and the whole book follows as if it had been so from the start.

Nothing that was written is changed: the event is a new row, and the journal gets the difference the new past makes
to every account. Accruals follow by themselves, as the growth of the next night's cumulative sums. The caller holds
the locks of the line and the loan.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from loans import ledger
from loans.maths import terms
from loans.maths.history import LoanHistory
from loans.maths.state import LoanPosition, position_of, replay
from loans.models import EntryKind, Instalment, JournalEntry, Loan, LoanEvent, LoanState
from loans.selectors.position import (
    event_of,
    events_stored,
    is_returned,
    is_written_off,
    last_event_date,
    loan_events,
    loan_terms,
    moment_check,
)
from loans.selectors.standing import standing
from loans.services.figures import instalments_write, loan_columns_set, schedules_write, tally_keep
from loans.services.folding import loan_unfold
from loans.services.following import COMPONENT_COLUMNS, repayments_follow
from loans.services.journal import entry_post
from loans.services.unapplied import unapplied_move
from risk.services.credit_line import line_release, line_retake
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.fsm import take_step
from weilidai.lib.ids import uuid7
from weilidai.lib.money import ZERO


@dataclass(frozen=True)
class Act:
    """Who rewrites, on which business date, when and why."""

    actor: Actor
    as_of: date
    at: datetime
    reason: str = ""


@dataclass(frozen=True)
class Rewrite:
    """The outcome: the new event, its entry (None where no account moved) and the loan after its last event."""

    event: LoanEvent
    entry: JournalEntry | None
    after: LoanPosition


def event_add(
    loan: Loan, row: LoanEvent, *, entry_kind: EntryKind, act: Act, after: LoanHistory | None = None
) -> Rewrite:
    """Adds the unsaved `row` to the loan's history and lets everything follow: entry, columns, instalments, what the
    repayments paid, line, unapplied money, state, audit. `after` is the history with the row, where it is known.
    Raises TryAgain where the business date has passed meanwhile.
    """
    stored = list(events_stored(loan))
    moment_check(stored, act.as_of)
    agreed, events = loan_terms(loan), loan_events(loan, stored=stored)
    before, after = lived(agreed, events), after or lived(agreed, _events_with(events, row))
    old, new = position_of(before.book(before.tally.last_date)), position_of(after.book(after.tally.last_date))
    row.pk, row.loan, row.sequence = row.pk or uuid7(), loan, len(stored) + 1
    row.customer_id = loan.customer_id
    row.business_date, row.posted_at = act.as_of, act.at
    row.outstanding_principal_amount = new.outstanding_principal
    entry = _entry_post(loan, row, standing(before), standing(after), entry_kind, act)
    row.entry = entry
    row.save(force_insert=True)
    _rows_write(loan, after, new, act)
    tally_keep(loan, after.tally, row.sequence)
    _line_move(loan, old.outstanding_principal - new.outstanding_principal)
    _state_follow(loan, [item.event for item in after.applied], new, act)
    _evidence(loan, row, old, new, act)
    return Rewrite(row, entry, new)


def lived(agreed: terms.LoanTerms, events: list[terms.LoanEvent]) -> LoanHistory:
    """All that happened, to the last event that counts."""
    return replay(agreed, events, last_event_date(events, agreed.start))


def _events_with(before: list[terms.LoanEvent], row: LoanEvent) -> list[terms.LoanEvent]:
    if row.kind == LoanEvent.Kind.REVERSAL:
        return [event for event in before if event.key != str(row.reverses_id)]
    return [*before, event_of(row)]


def _entry_post(
    loan: Loan, row: LoanEvent, old: dict[str, Decimal], new: dict[str, Decimal], kind: EntryKind, act: Act
) -> JournalEntry | None:
    lines = ledger.difference(old, new)
    if not lines:
        return None
    entry = entry_post(
        kind=kind,
        reference=f"{row.kind}:{loan.pk}:{row.sequence}",
        effective_date=act.as_of,
        at=act.at,
        lines=lines,
        product=loan.product,
        customer=loan.customer,
        loan=loan,
    )
    # Held for the customer is what the account owes them: credits less debits.
    held = old.get(ledger.UNAPPLIED_MONEY, ZERO) - new.get(ledger.UNAPPLIED_MONEY, ZERO)
    if held:
        unapplied_move(
            customer=loan.customer, kind="loan", amount=held, entry=entry, loan=loan, as_of=act.as_of, at=act.at
        )
    return entry


def _rows_write(loan: Loan, history: LoanHistory, new: LoanPosition, act: Act) -> None:
    loan_unfold(loan, act.as_of)
    paid_on = {line.number: on for on, line in history.payments}
    Instalment.objects.filter(loan=loan).update(settled_date=None)
    schedules_write(loan, history.terms, act.as_of)
    instalments_write(loan, new, paid_on)
    loan_columns_set(loan, new, position_of(history.book(act.as_of)))
    loan.settled_date = new.on if new.is_paid_off and not history.tally.returned else None
    loan.replayed_date = act.as_of
    loan.save()
    repayments_follow(loan, history)


def _line_move(loan: Loan, repaid: Decimal) -> None:
    """Used limit follows the principal, whatever the line's state."""
    if repaid > ZERO:
        line_release(loan.credit_line_id, repaid)
    elif repaid < ZERO:
        line_retake(loan.credit_line_id, -repaid)


def _state_follow(loan: Loan, events: list[terms.LoanEvent], new: LoanPosition, act: Act) -> None:
    for step in _steps(loan.state, events, new):
        take_step(loan, step, actor=act.actor, as_of=act.as_of, at=act.at, reason=act.reason)


def _steps(state: str, events: list[terms.LoanEvent], new: LoanPosition) -> list[str]:
    """The state machine's steps from `state` to where this history leaves the loan."""
    wanted = LoanState.SETTLED if new.is_paid_off else LoanState.ACTIVE
    if is_returned(events):
        wanted = LoanState.FAILED
    elif is_written_off(events):
        wanted = LoanState.WRITTEN_OFF
    paths: dict[tuple[str, str], list[str]] = {
        (LoanState.ACTIVE, LoanState.SETTLED): ["settle"],
        (LoanState.SETTLED, LoanState.ACTIVE): ["reopen"],
        (LoanState.ACTIVE, LoanState.WRITTEN_OFF): ["write_off"],
        (LoanState.WRITTEN_OFF, LoanState.ACTIVE): ["restore"],
        (LoanState.WRITTEN_OFF, LoanState.SETTLED): ["restore", "settle"],
        (LoanState.ACTIVE, LoanState.FAILED): ["return_payout"],
        (LoanState.SETTLED, LoanState.FAILED): ["return_payout"],
    }
    return [] if state == wanted else paths[state, wanted]


def _evidence(loan: Loan, row: LoanEvent, old: LoanPosition, new: LoanPosition, act: Act) -> None:
    audit_record(
        action=f"loan.{row.kind}",
        actor=act.actor,
        subject=loan,
        at=act.at,
        as_of=act.as_of,
        before={"outstanding_principal": str(old.outstanding_principal), "paid_off": old.is_paid_off},
        after={
            "outstanding_principal": str(new.outstanding_principal),
            "state": loan.state,
            "effective_date": row.effective_date.isoformat(),
            "entry": str(row.entry_id or ""),
        },
        reason=act.reason,
    )


def negated(row: LoanEvent) -> dict[str, Decimal]:
    """The columns of an event that takes another one back."""
    return {name: -getattr(row, name) for name in COMPONENT_COLUMNS.values()}
