"""Reminders for the day that opens: before, on and after a due date, once each (R60)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from accounts.services.notification import Notice, notifications_selected_send, notifications_send
from loans.maths.delinquency import days_past_due
from loans.maths.running import Running, earned_on
from loans.models import Instalment, Loan, LoanEvent, LoanPlan, LoanState
from loans.selectors.collection import left_in_peace
from loans.selectors.earned import PENALTY
from loans.selectors.position import loan_position
from risk.models import PenaltyMethod
from weilidai.lib.money import ZERO
from weilidai.lib.partitions import EVERYTHING, Span

BATCH = 2000
# No two due dates of a loan lie nearer to each other.
SHORTEST_PERIOD = timedelta(days=28)
# Days from the due date to the day of the reminder → kind of notice.
SCHEDULE = {
    -3: "due_soon",
    0: "due_today",
    1: "overdue",
    3: "overdue",
    7: "overdue",
    15: "overdue",
    30: "overdue",
}


class Row(NamedTuple):
    """An unpaid instalment with the columns of its loan that tell what is owed; named as `COLUMNS` are read."""

    pk: UUID
    loan_id: UUID
    customer_id: UUID
    due_date: date
    principal: Decimal
    principal_paid: Decimal
    fee: Decimal
    fee_paid: Decimal
    plan: str
    with_interest: bool
    next_due_date: date
    outstanding: Decimal
    daily_rate: Decimal
    since: date
    interest_settled: Decimal
    interest_paid: Decimal
    penalty_claimed: Decimal
    penalty_paid: Decimal
    penalty_method: str
    fee_charged: Decimal
    exposure: Decimal | None
    cost_cap_rate: Decimal | None
    figures_date: date
    rearranged_date: date | None


COLUMNS = (
    "pk", "loan_id", "loan__customer_id", "due_date", "principal_amount", "principal_paid_amount", "fee_amount",
    "fee_paid_amount", "loan__plan", "loan__with_interest", "loan__next_due_date",
    "loan__outstanding_principal_amount", "loan__daily_rate", "loan__segment_start_date",
    "loan__interest_settled_amount", "loan__interest_paid_amount", "loan__penalty_claimed_amount",
    "loan__penalty_paid_amount", "loan__penalty_method", "loan__fee_charged_amount", "loan__exposure_amount",
    "loan__cost_cap_rate", "loan__figures_date", "loan__rearranged_date",
)  # fmt: skip


# The columns of `Row` judged and added up by the database, in exact decimals, with the notice to be written; elsewhere
# `_is_told_by_columns` and `_amount` do the same. What else of a plan lies behind is asked only where something may.
STATEMENT = """
SELECT id, customer_id, kind, kind || ':' || id || ':' || %(opening)s::date AS dedupe_key, told,
       jsonb_build_object('amount', amount::text, 'due_date', due_date::text, 'days', days) AS params
FROM (
    SELECT id, customer_id, due_date, (%(kinds)s::text[])[array_position(%(dues)s::date[], due_date)] AS kind,
           told AND coalesce(figures_date >= last_overdue, true) AS told,
           greatest(0, %(opening)s - next_due_date) AS days,
           principal + fee_due + CASE WHEN single THEN interest - interest_paid ELSE 0 END + {penalty}
               - penalty_paid_amount + coalesce(others, 0) AS amount
    FROM (
        SELECT i.id, i.loan_id, l.customer_id, i.due_date, l.next_due_date, l.figures_date, l.plan = 'single' AS single,
               i.principal_amount - i.principal_paid_amount AS principal, i.fee_amount - i.fee_paid_amount AS fee_due,
               l.interest_settled_amount + CASE WHEN l.plan = 'single' THEN round(l.outstanding_principal_amount
                   * l.daily_rate * (greatest(i.due_date, %(opening)s) - l.segment_start_date), 2) ELSE 0 END
                   AS interest,
               l.interest_paid_amount AS interest_paid, l.fee_charged_amount AS fee, l.penalty_claimed_amount,
               l.penalty_paid_amount, l.cost_cap_rate, coalesce(l.exposure_amount, 0) + l.outstanding_principal_amount
                   * (greatest(i.due_date, %(opening)s) - l.segment_start_date) AS exposure,
               l.exposure_amount IS NOT NULL AND l.rearranged_date IS NULL
                   AND (NOT l.with_interest OR l.plan = 'single') AND l.next_due_date <= i.due_date
                   AND (l.next_due_date >= %(opening)s OR l.penalty_method = 'principal_share'
                        AND l.figures_date >= l.next_due_date)
                   AND l.id NOT IN (SELECT loan_id FROM loans_loanevent
                                    WHERE business_date > %(opening)s AND loan_id BETWEEN %(first)s AND %(last)s)
                   AS told
        FROM loans_instalment i JOIN loans_loan l ON l.id = i.loan_id
        WHERE i.due_date = ANY(%(dues)s) AND i.settled_date IS NULL AND l.state = 'active'
          AND i.loan_id BETWEEN %(first)s AND %(last)s
          AND (i.due_date >= %(opening)s OR l.customer_id NOT IN (SELECT unnest(%(peace)s::uuid[])))
    ) due
    LEFT JOIN LATERAL (
        SELECT sum(principal_amount - principal_paid_amount + fee_amount - fee_paid_amount) AS others,
               max(due_date) FILTER (WHERE due_date < %(opening)s) AS last_overdue
        FROM loans_instalment other
        WHERE NOT single AND (next_due_date < due.due_date OR due.due_date + {shortest} <= %(opening)s)
          AND other.loan_id = due.loan_id AND other.due_date <= greatest(due.due_date, %(opening)s)
          AND other.settled_date IS NULL AND other.id <> due.id
    ) behind ON true
) owed
WHERE amount <> 0 OR NOT told
""".replace("{penalty}", PENALTY).replace("{shortest}", str(SHORTEST_PERIOD.days))


class Owed(NamedTuple):
    """An instalment to remind of, and what is to be paid then."""

    instalment_id: UUID
    customer_id: UUID
    due_date: date
    amount: Decimal
    days_past_due: int


def reminders_send(day: date, span: Span = EVERYTHING) -> dict[str, Any]:
    """Writes the notices for the day after `day`; a notice already written is not written again."""
    opening = day + timedelta(days=1)
    # Whoever gave a word to pay or disputes the debt is not reminded of what is late.
    peace = left_in_peace(None, opening)
    send = _by_statement if connection.vendor == "postgresql" else _by_rows_send
    return {"sent": send(opening, peace, span)}


def _kinds(opening: date) -> dict[date, str]:
    """Due dates to remind of, with the kind of notice."""
    return {opening - timedelta(days=offset): kind for offset, kind in SCHEDULE.items()}


def _by_statement(opening: date, peace: set[UUID], span: Span) -> int:
    """Written where they are told; only what the columns cannot tell is replayed."""
    kinds = _kinds(opening)
    values: dict[str, Any] = {
        "opening": opening, "dues": list(kinds), "kinds": list(kinds.values()), "peace": list(peace), **span.params,
    }  # fmt: skip
    sent, rest = notifications_selected_send(STATEMENT, values, business_date=opening)
    return sent + _send(_by_replay(rest, opening), opening)


def _by_replay(keys: list[UUID], opening: date) -> Iterator[Owed]:
    for start in range(0, len(keys), BATCH):
        rows = Instalment.objects.filter(pk__in=keys[start : start + BATCH]).select_related("loan")
        for row in rows.prefetch_related("loan__events"):
            yield _replayed(row.pk, row.loan, row.due_date, opening)


def _by_rows_send(opening: date, peace: set[UUID], span: Span) -> int:
    found = _by_rows(opening, list(_kinds(opening)), span)
    return _send((item for item in found if item.due_date >= opening or item.customer_id not in peace), opening)


def _send(due: Iterator[Owed], opening: date) -> int:
    kinds, sent = _kinds(opening), 0
    while batch := list(islice(due, BATCH)):
        notices = [_notice(item, kinds[item.due_date], opening) for item in batch if item.amount]
        sent += notifications_send(notices, business_date=opening)
    return sent


def _by_rows(opening: date, dues: list[date], span: Span) -> Iterator[Owed]:
    # Without an order the planner of a cursor takes the index on due dates; with one it walks the whole table.
    rows = Instalment.objects.filter(
        span.within("loan"), due_date__in=dues, settled_date__isnull=True, loan__state=LoanState.ACTIVE
    ).order_by()
    found = (Row(*values) for values in rows.values_list(*COLUMNS).iterator(chunk_size=BATCH))
    while batch := list(islice(found, BATCH)):
        yield from _owed(batch, opening)


def _notice(owed: Owed, kind: str, opening: date) -> Notice:
    return Notice(
        customer_id=owed.customer_id,
        kind=kind,
        params={
            "amount": str(owed.amount),
            "due_date": owed.due_date.isoformat(),
            "days": owed.days_past_due,
        },
        dedupe_key=f"{kind}:{owed.instalment_id}:{opening}",
    )


def _owed(batch: list[Row], opening: date) -> Iterator[Owed]:
    """From the columns while the loan is on time and nothing happened after `opening`, else from its events."""
    later = _happened_after(opening, [row.loan_id for row in batch])
    fallen = _fallen_due_since(batch, opening)
    rest: list[Row] = []
    for row in batch:
        if row.loan_id in later or not _is_told_by_columns(row, opening):
            rest.append(row)
        else:
            amount = _amount(row, opening)
            # Only the oldest unpaid instalment speaks for those that fell due after it.
            amount += fallen.get(row.loan_id, ZERO)
            yield Owed(row.pk, row.customer_id, row.due_date, amount, days_past_due(row.due_date, opening))
    loans = Loan.objects.prefetch_related("events").in_bulk({row.loan_id for row in rest})
    for row in rest:
        yield _replayed(row.pk, loans[row.loan_id], row.due_date, opening)


def _replayed(key: UUID, loan: Loan, due: date, opening: date) -> Owed:
    position = loan_position(loan, max(opening, due), events_until=opening)
    days = days_past_due(position.oldest_unpaid_due_date, opening)
    return Owed(key, loan.customer_id, due, position.due_amount, days)


def _happened_after(opening: date, loans: list[UUID]) -> set[UUID]:
    """Those of the loans with an event after `opening`; in a night on time nobody has any."""
    events = LoanEvent.objects.filter(business_date__gt=opening)
    return set(events.filter(loan__in=loans).values_list("loan_id", flat=True)) if events.exists() else set()


def _is_told_by_columns(row: Row, opening: date) -> bool:
    """The row is the oldest unpaid, and nothing about the loan needs its history."""
    if row.exposure is None or row.rearranged_date is not None or (row.with_interest and row.plan != LoanPlan.SINGLE):
        return False
    overdue = row.due_date < opening
    if overdue and (row.penalty_method != PenaltyMethod.PRINCIPAL_SHARE or row.figures_date < row.due_date):
        return False
    return row.next_due_date == row.due_date


def _fallen_due_since(batch: list[Row], opening: date) -> dict[UUID, Decimal]:
    """What has fallen due by `opening` on later instalments of loans overdue for a whole period."""
    keys = [row.loan_id for row in batch if row.plan != LoanPlan.SINGLE and row.due_date + SHORTEST_PERIOD <= opening]
    if not keys:
        return {}
    rows = Instalment.objects.filter(loan__in=keys, due_date__lte=opening, settled_date__isnull=True)
    columns = ("loan_id", "due_date", "principal_amount", "principal_paid_amount", "fee_amount", "fee_paid_amount")
    oldest: dict[UUID, date] = {}
    for row in batch:
        oldest[row.loan_id] = min(row.due_date, oldest.get(row.loan_id, row.due_date))
    fallen: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    for loan, due, principal, principal_paid, fee, fee_paid in rows.order_by().values_list(*columns):
        if due > oldest[loan]:
            fallen[loan] += principal - principal_paid + fee - fee_paid
    return fallen


def _amount(row: Row, opening: date) -> Decimal:
    """What is to be paid on the later of the due date and the opening day, if nothing is paid before."""
    single = row.plan == LoanPlan.SINGLE
    running = Running(
        accrues=single, outstanding=row.outstanding, daily_rate=row.daily_rate, since=row.since,
        interest=row.interest_settled, fee=row.fee_charged, exposure=row.exposure or ZERO,
        penalty_claimed=row.penalty_claimed, penalty_paid=row.penalty_paid, cost_cap_rate=row.cost_cap_rate,
    )  # fmt: skip
    earned = earned_on(running, max(opening, row.due_date))
    charges = row.fee - row.fee_paid + earned.penalty - row.penalty_paid
    interest = earned.interest - row.interest_paid if single else ZERO
    return row.principal - row.principal_paid + charges + interest
