"""Vouchers in the night (R52): what became without object, who is reminded, what did not come in time.

Each reminder goes out once. While missed days are made up for nobody is reminded: the last of these nights sends the
newest. What ran out is marked with its own day, as it would have been without the outage.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.services.notification import Notice, notifications_send
from loans.end_of_day.collection import is_catching_up
from loans.end_of_day.run import Progress
from loans.models import WAITING_DEMANDS, DemandState, LoanEvent, LoanState, VoucherDemand
from loans.selectors.voucher import submitted_amounts
from loans.services.voucher import reminder_after
from risk.models import AlertSeverity, VoucherConsequence
from risk.rules.alerts import USE_OF_FUNDS, VOUCHER_MISSING
from risk.services.alert import alert_raise
from weilidai.lib.audit import Actor, state_change_records
from weilidai.lib.money import ZERO

ACTOR = Actor.system("use_of_funds")
BATCH = 500


def vouchers_step(day: date, progress: Progress) -> dict[str, Any]:
    """The step of the night; the clock is read here."""
    return vouchers_run(day, progress, at=timezone.now())


def vouchers_run(day: date, progress: Progress, *, at: datetime) -> dict[str, Any]:
    """What follows for demands from the end of `day`; safe to repeat."""
    counts: dict[str, int] = defaultdict(int)
    _follow_loans(day, at, counts)
    progress(1, 3)
    opening = day + timedelta(days=1)
    for demands in _pages(VoucherDemand.objects.filter(state=DemandState.ASKED, due_date__lt=opening)):
        counts["missing"] += _missing_mark(demands, opening, at)
    progress(2, 3)
    if is_catching_up(opening, at):
        return {**counts, "waits": "missed days are being made up for"}
    for demands in _pages(VoucherDemand.objects.filter(state=DemandState.ASKED, next_reminder_date__lte=opening)):
        counts["reminded"] += _remind(demands, opening)
    progress(3, 3)
    return dict(counts)


def _follow_loans(day: date, at: datetime, counts: dict[str, int]) -> None:
    """Demands whose loans were closed that day lapse; those whose loans were opened again stand again."""
    moved = LoanEvent.objects.filter(business_date=day).values("loan_id")
    rows = VoucherDemand.objects.filter(loan__in=moved)
    for keys in _pages(rows.filter(state__in=WAITING_DEMANDS).exclude(loan__state=LoanState.ACTIVE)):
        counts["lapsed"] += _move(keys, WAITING_DEMANDS, "lapse", day, at)
    for keys in _pages(rows.filter(state=DemandState.LAPSED, loan__state=LoanState.ACTIVE)):
        counts["reopened"] += _move(keys, (DemandState.LAPSED,), "reopen", day, at)


def _pages(rows: QuerySet[VoucherDemand]) -> Iterator[list[UUID]]:
    """Keys in their order, page by page; a page is read once the one before was worked on."""
    last: UUID | None = None
    while True:
        rest = rows if last is None else rows.filter(pk__gt=last)
        page = list(rest.order_by("pk").values_list("pk", flat=True)[:BATCH])
        if not page:
            return
        yield page
        last = page[-1]


def _locked(keys: list[UUID], *states: str) -> list[VoucherDemand]:
    """Those that still stand so, held until the end of the transaction."""
    rows = VoucherDemand.objects.select_for_update(no_key=True, of=("self",)).select_related("loan__terms", "customer")
    return list(rows.filter(pk__in=keys, state__in=states).order_by("pk"))


@transaction.atomic
def _move(keys: list[UUID], states: tuple[str, ...], step: str, day: date, at: datetime) -> int:
    return _step(_locked(keys, *states), step, day, at)


def _step(demands: list[VoucherDemand], step: str, day: date, at: datetime) -> int:
    """One transition of many locked rows, with its evidence."""
    by_state: dict[str, list[VoucherDemand]] = defaultdict(list)
    for demand in demands:
        by_state[demand.state].append(demand)
    for old, rows in by_state.items():
        for demand in rows:
            getattr(demand, step)()
            demand.next_reminder_date = None
        VoucherDemand.objects.bulk_update(rows, ["state", "next_reminder_date"])
        state_change_records(subjects=rows, old=old, actor=ACTOR, as_of=day, at=at)
    return len(demands)


@transaction.atomic
def _missing_mark(keys: list[UUID], opening: date, at: datetime) -> int:
    """Not while enough waits for a reviewer: that is our delay, not the customer's."""
    demands = _locked(keys, DemandState.ASKED)
    _step([demand for demand in demands if demand.loan.state != LoanState.ACTIVE], "lapse", opening, at)
    missing = [demand for demand in _uncovered(demands) if demand.loan.state == LoanState.ACTIVE]
    _step(missing, "miss", opening, at)
    for demand in missing:
        if demand.consequence != VoucherConsequence.NOTHING:
            _alert(demand, opening, at)
    _notices_send("voucher_missing", [(demand, demand.due_date) for demand in missing], opening)
    return len(missing)


def _uncovered(demands: list[VoucherDemand]) -> list[VoucherDemand]:
    """Those for which too little was accepted or waits."""
    waiting = submitted_amounts([demand.loan_id for demand in demands])
    zero: Decimal = ZERO
    return [demand for demand in demands if demand.rest_amount > waiting.get(demand.loan_id, zero)]


def _alert(demand: VoucherDemand, opening: date, at: datetime) -> None:
    alert_raise(
        customer=demand.customer, rule=VOUCHER_MISSING, layer=USE_OF_FUNDS, severity=AlertSeverity.MEDIUM,
        evidence={
            "loan": str(demand.loan_id), "asked": str(demand.asked_amount), "proved": str(demand.accepted_amount),
            "due": demand.due_date.isoformat(),
        },
        dedupe_key=f"{VOUCHER_MISSING}:{demand.pk}", as_of=opening, at=at, actor=ACTOR,
    )  # fmt: skip


@transaction.atomic
def _remind(keys: list[UUID], opening: date) -> int:
    """One reminder however many days were missed; none where enough waits for a reviewer or the loan is closed."""
    demands = [demand for demand in _locked(keys, DemandState.ASKED) if demand.next_reminder_date is not None]
    told = [demand for demand in _uncovered(demands) if demand.loan.state == LoanState.ACTIVE]
    sent = _notices_send("voucher_reminder", [(demand, demand.next_reminder_date) for demand in told], opening)
    for demand in told:
        demand.reminders_count += 1
    for demand in demands:
        demand.next_reminder_date = reminder_after(demand.loan.terms, opened=demand.opened_date, day=opening)
    VoucherDemand.objects.bulk_update(demands, ["next_reminder_date", "reminders_count"])
    return sent


def _notices_send(kind: str, rows: list[tuple[VoucherDemand, date | None]], opening: date) -> int:
    notices = [
        Notice(
            customer_id=demand.customer_id,
            kind=kind,
            params={"amount": str(demand.rest_amount), "until": demand.due_date.isoformat()},
            dedupe_key=f"{kind}:{demand.pk}:{day}",
        )
        for demand, day in rows
    ]
    return notifications_send(notices, business_date=opening) if notices else 0
