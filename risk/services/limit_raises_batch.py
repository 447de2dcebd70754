"""Some hundred lines raised in one transaction: read in sets, decided one by one under their locks, written in sets.

A raise is what a source is worth in the line's tier less what that source has raised the line by so far: late, twice,
by several workers or after an outage the lines are the same. A month's figures are those of its first day.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.utils import timezone

from accounts.services.notification import Notice, notifications_send
from risk.errors import PolicyMissing
from risk.models import CreditLine, LimitRaise, LimitRaisePolicy, LimitRaiseRun, LineChange, LineState, RaiseSource
from risk.rules.raises import band_of, limit_raised, owed
from risk.rules.rate_review import line_review
from risk.selectors.policy import terms_current
from risk.selectors.raises import HouseholdRooms, room_of, students_among
from risk.selectors.worth import Promotion, Worth, people_overdue, people_worth, promotions_earned
from risk.services.line_columns import CHANGE, TRAIL
from weilidai.lib.bulk import rows_copy, rows_update
from weilidai.lib.ids import uuid7
from weilidai.lib.models import AuditEvent
from weilidai.lib.money import ZERO

ACTOR_NAME = "limit_raises"
FROZEN, OVERDUE, NOTHING, NO_ROOM, NO_TERMS = "frozen", "overdue", "nothing_owed", "no_room", "no_terms"
FIGURES = ("tier", "limit_amount", "daily_rate", "penalty_share")


@dataclass(frozen=True)
class Given:
    """One raise of one line, with its figures before and after."""

    line: CreditLine
    source: str
    evidence: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def amount(self) -> Decimal:
        raised: Decimal = self.after["limit_amount"] - self.before["limit_amount"]
        return raised


def lines_raise(run: LimitRaiseRun, counted: Sequence[CreditLine], before: Sequence[CreditLine] = ()) -> Counter[str]:
    """Raises what is owed to open lines, unless in a dry run; counts by source, by why there was nothing, by size.

    Only lines that may be owed something are locked, first they and then their people, by key. Those `before` are
    judged first and not counted.
    """
    lines = [*before, *counted]
    people = [line.customer_id for line in lines]
    policy = run.policy or LimitRaisePolicy()
    worth, overdue = people_worth(people, policy, run.month), people_overdue(people, run.month)
    promoted = promotions_earned(lines, run.month)
    told: dict[UUID, list[str]] = {}
    for line in lines:
        if line.state == LineState.FROZEN:
            told[line.pk] = [FROZEN]
        elif line.customer_id in overdue:
            told[line.pk] = [OVERDUE]
        elif not any(worth[line.customer_id].shares.values()) and line.pk not in promoted:
            told[line.pk] = [NOTHING]
    wanted = [line for line in lines if line.pk not in told]
    given = _decided(run, wanted, worth, promoted, told)
    if not run.is_dry_run:
        _write(run, given)
    return _counted(counted, told, given)


def _decided(
    run: LimitRaiseRun, wanted: Sequence[CreditLine], worth: dict[UUID, Worth], promoted: dict[UUID, Promotion],
    told: dict[UUID, list[str]],
) -> list[Given]:  # fmt: skip
    rows = CreditLine.objects.filter(pk__among=[line.pk for line in wanted]).order_by("pk")
    locked = list(rows if run.is_dry_run else rows.select_for_update(no_key=True, of=("self",)))
    people = sorted({line.customer_id for line in locked})
    rooms = HouseholdRooms(people, run.month, lock=not run.is_dry_run)
    round_ = _Round(run, rooms, students_among(people), _raised_before(locked), _raised_this_month(run, locked))
    given: list[Given] = []
    for line in locked:
        if line.state != LineState.ACTIVE:
            # Frozen or closed since it was read.
            told[line.pk] = [FROZEN]
            continue
        try:
            raises, words = _line_raises(line, round_, worth[line.customer_id], promoted.get(line.pk))
        except PolicyMissing:
            raises, words = [], [NO_TERMS]
        given += raises
        told[line.pk] = words or [NOTHING]
    return given


@dataclass(frozen=True)
class _Round:
    """What the raises of a batch rest on beside the lines themselves."""

    run: LimitRaiseRun
    rooms: HouseholdRooms
    students: set[UUID]
    before: dict[tuple[UUID, str], Decimal]
    done: set[tuple[UUID, str]]

    def is_open(self, line: CreditLine, source: str) -> bool:
        return (line.pk, source) not in self.done

    def room(self, line: CreditLine) -> Any:
        terms = terms_current(line.product_id, self.run.month)
        return room_of(line, terms, self.rooms.of(line), is_student=line.customer_id in self.students)


def _line_raises(
    line: CreditLine, batch: _Round, worth: Worth, promotion: Promotion | None
) -> tuple[list[Given], list[str]]:
    """The raises of one locked line, which it already stands at; and a word for each source."""
    raises = _promoted(line, batch, promotion)
    words = [raised.source for raised in raises]
    for source, share in worth.shares.items():
        room = batch.room(line)
        by = owed(room, share, batch.before.get((line.pk, source), ZERO))
        if not by or not batch.is_open(line, source):
            continue
        limit = limit_raised(room, by)
        if limit == line.limit_amount:
            words.append(NO_ROOM)
            continue
        words.append(source)
        raises.append(_raised(line, batch, source, worth.evidence[source], limit_amount=limit))
    return raises, words


def _promoted(line: CreditLine, batch: _Round, promotion: Promotion | None) -> list[Given]:
    """The line in the tier it has earned; its limit never falls, its rate enters the tier's range."""
    if promotion is None or promotion.old_tier != line.tier or not batch.is_open(line, RaiseSource.TIER):
        return []
    new = line_review(promotion.standing(line, batch.room(line)), promotion.tiers, promotion.rules)
    if new.tier.code == line.tier:
        return []
    return [
        _raised(
            line, batch, RaiseSource.TIER, promotion.evidence, tier=new.tier.code, limit_amount=new.limit,
            daily_rate=new.daily_rate, penalty_share=new.tier.penalty_share,
        )
    ]  # fmt: skip


def _raised(line: CreditLine, batch: _Round, source: str, evidence: dict[str, Any], **figures: Any) -> Given:
    before = {name: getattr(line, name) for name in FIGURES}
    given = Given(line, str(source), evidence, before, before | figures)
    batch.rooms.take(line, given.amount)
    for name, value in figures.items():
        setattr(line, name, value)
    return given


def _raised_before(lines: Sequence[CreditLine]) -> dict[tuple[UUID, str], Decimal]:
    rows = LimitRaise.objects.filter(credit_line__among=[line.pk for line in lines]).order_by()
    sums = rows.values_list("credit_line_id", "source").annotate(total=Sum("amount"))
    return {(line, source): Decimal(total) for line, source, total in sums}


def _raised_this_month(run: LimitRaiseRun, lines: Sequence[CreditLine]) -> set[tuple[UUID, str]]:
    rows = LimitRaise.objects.filter(credit_line__among=[line.pk for line in lines], month=run.month).order_by()
    return set(rows.values_list("credit_line_id", "source"))


# --- Counting ----------------------------------------------------------------------------------------------------


def _counted(lines: Sequence[CreditLine], told: dict[UUID, list[str]], given: list[Given]) -> Counter[str]:
    """Limits and amounts are counted in fen."""
    counts: Counter[str] = Counter({"lines": len(lines), "limit_before": 0, "limit_after": 0})
    by_line: Counter[UUID] = Counter()
    own = {line.pk for line in lines}
    for one in given:
        if one.line.pk not in own:
            continue
        amount = int(one.amount * 100)
        by_line[one.line.pk] += amount
        counts[f"amount:{one.source}"] += amount
    for line in lines:
        before, more = int(line.limit_amount * 100), by_line[line.pk]
        counts.update(told[line.pk])
        counts.update([f"raise:{band_of(more)}", f"before:{band_of(before)}", f"after:{band_of(before + more)}"])
        counts.update({"limit_before": before, "limit_after": before + more, "raised": int(line.pk in by_line)})
    return +counts


# --- Writing -----------------------------------------------------------------------------------------------------


RAISE = (
    "id", "credit_line_id", "customer_id", "policy_id", "month", "source", "business_date", "amount",
    "new_limit_amount", "evidence",
)  # fmt: skip


def _write(run: LimitRaiseRun, given: list[Given]) -> None:
    """Raises, changes, trail, notices and the lines themselves."""
    at = timezone.now()
    rows_update(list({one.line.pk: one.line for one in given}.values()), FIGURES)
    rows_copy(LimitRaise, RAISE, [_raise_row(run, one) for one in given])
    rows_copy(LineChange, CHANGE, [_change_row(run, one, at) for one in given])
    rows_copy(AuditEvent, TRAIL, [_trail_row(run, one, at) for one in given])
    notifications_send([_notice(run, one) for one in given], business_date=run.month)


def _raise_row(run: LimitRaiseRun, one: Given) -> tuple[Any, ...]:
    line = one.line
    return (
        uuid7(), line.pk, line.customer_id, run.policy_id, run.month, one.source, run.month, one.amount,
        one.after["limit_amount"], json.dumps(one.evidence),
    )  # fmt: skip


def _change_row(run: LimitRaiseRun, one: Given, at: datetime) -> tuple[Any, ...]:
    old, new, line = one.before, one.after, one.line
    return (
        uuid7(), line.pk, line.customer_id, run.month, at, f"limit_raise:{one.source}", ACTOR_NAME,
        old["limit_amount"], new["limit_amount"], old["daily_rate"], new["daily_rate"], old["tier"], new["tier"],
    )  # fmt: skip


def _trail_row(run: LimitRaiseRun, one: Given, at: datetime) -> tuple[Any, ...]:
    before, after = (json.dumps({name: str(value) for name, value in side.items()}) for side in (one.before, one.after))
    return (
        uuid7(), at, run.month, "credit_line.change", "system", ACTOR_NAME, ACTOR_NAME, "risk.creditline",
        str(one.line.pk), one.line.customer_id, before, after, f"limit_raise:{one.source}",
    )  # fmt: skip


def _notice(run: LimitRaiseRun, one: Given) -> Notice:
    more = {
        RaiseSource.TIER: {"rate": f"{one.after['daily_rate'] * 100:.4f}"},
        RaiseSource.FUND: {"points": ""},
        RaiseSource.GREEN: {"points": one.evidence.get("points", "")},
    }[RaiseSource(one.source)]
    params = {"product": one.line.product_id, "limit": str(one.after["limit_amount"]), **more}
    key = f"limit_raise:{one.line.pk}:{one.source}:{run.month}"
    return Notice(one.line.customer_id, f"limit_raised_{one.source}", params, key)
