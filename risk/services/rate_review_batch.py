"""Some hundred lines reviewed in one transaction: read in sets, decided one by one, written in sets."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.services.notification import Notice, notifications_send
from risk.errors import PolicyMissing
from risk.models import (
    CreditLine,
    CustomerScore,
    LineChange,
    LineState,
    RateReview,
    RateReviewRun,
)
from risk.rules.limits import TierRange
from risk.rules.on_time import months_on_time
from risk.rules.rate_review import Reviewed, ReviewRules, Standing, line_review, line_unoffered
from risk.selectors.facts import limits_open_sums, months_between
from risk.selectors.policy import regulation, terms_current, tier_ranges
from risk.selectors.raises import HouseholdRooms, assets_newest, students_among
from risk.selectors.scores import score_now, scores_stored
from risk.selectors.tape import line_spans
from risk.services.line_columns import CHANGE, TRAIL
from risk.variables.frame import month_start
from weilidai.lib.bulk import rows_copy, rows_update
from weilidai.lib.ids import uuid7
from weilidai.lib.models import AuditEvent
from weilidai.lib.money import ZERO

ACTOR_NAME = "rate_review"
Outcome = tuple[CreditLine, Standing, Reviewed]
Offers = dict[str, tuple[list[TierRange], ReviewRules | None]]


def batch_review(run: RateReviewRun, counted: Sequence[CreditLine], before: Sequence[CreditLine] = ()) -> Counter[str]:
    """Reviews the lines, which the caller has locked, and writes the outcome unless the run is a dry one.

    Those `before` are judged first and not counted.
    """
    counts: Counter[str] = Counter()
    lines = [*before, *counted]
    if not lines:
        return counts
    offers = _offers(run, lines)
    standings = _standings(run, lines, offers)
    outcomes = [(line, standings[line.pk], _reviewed(line, standings[line.pk], offers)) for line in lines]
    outcomes = _within_household(run, outcomes, offers)
    for line, _, new in outcomes[len(before) :]:
        counts.update(counts_of(line, new))
    if not run.is_dry_run:
        _write(run, outcomes)
    return counts


def _reviewed(line: CreditLine, standing: Standing, offers: Offers) -> Reviewed:
    """A line that nothing is offered to any more stays as it is, and keeps nobody else's review waiting."""
    tiers, rules = offers[line.product_id]
    if rules is None or all(tier.code != line.tier for tier in tiers):
        return line_unoffered(standing, line.penalty_share)
    return line_review(standing, tiers, rules)


def counts_of(line: CreditLine, new: Reviewed) -> Counter[str]:
    """What one line, not yet changed, adds to the summary: by change in millionths a day, tier move and reason."""
    change = int((new.daily_rate - line.daily_rate) * 1_000_000)
    named = [f"change:{change}", f"tier:{line.tier}>{new.tier.code}", *(f"reason:{reason}" for reason in new.reasons)]
    moved = {
        "rate_before": int(line.daily_rate * 1_000_000), "rate_after": int(new.daily_rate * 1_000_000),
        "limit_before": int(line.limit_amount * 100), "limit_after": int(new.limit * 100),
    }  # fmt: skip
    return Counter({"lines": 1, **moved}) + Counter(named)


def _within_household(run: RateReviewRun, outcomes: list[Outcome], offers: Offers) -> list[Outcome]:
    """Lines whose limit would rise once more, one after another, under the locks of their people (R54)."""
    risen = {line.customer_id for line, _, new in outcomes if new.limit > line.limit_amount}
    if not risen:
        return outcomes
    rooms = HouseholdRooms(sorted(risen), run.quarter, lock=not run.is_dry_run)
    found = []
    for line, standing, new in outcomes:
        if new.limit > line.limit_amount:
            standing = replace(standing, household_room=rooms.of(line))
            new = _reviewed(line, standing, offers)
            rooms.take(line, new.limit - line.limit_amount)
        found.append((line, standing, new))
    return found


def _offers(run: RateReviewRun, lines: Sequence[CreditLine]) -> Offers:
    """Tiers and rules per product, of the quarter's first day."""
    return {product: _offer(run, product) for product in {line.product_id for line in lines}}


def _offer(run: RateReviewRun, product: str) -> tuple[list[TierRange], ReviewRules | None]:
    try:
        terms = terms_current(product, run.quarter)
    except PolicyMissing:
        return [], None
    definition, policy = run.scorecard.definition, run.policy
    return tier_ranges(terms), ReviewRules(
        step_down=policy.step_down_rate,
        step_up=policy.step_up_rate,
        on_time_months=policy.on_time_months,
        on_time_step=policy.on_time_rate,
        approve_from=Decimal(definition["approve_from"]),
        top_score=Decimal(definition["top_score"]),
        cost_cap_rate=regulation("cost_cap_rate", run.quarter) if terms.cost_cap_enforced else None,
        limit_step=terms.limit_step_amount,
        ceiling=terms.limit_ceiling_amount,
        student_limit=terms.student_limit_amount,
    )


def _standings(run: RateReviewRun, lines: Sequence[CreditLine], offers: Offers) -> dict[UUID, Standing]:
    as_of, months = run.quarter, run.policy.on_time_months
    people = [line.customer_id for line in lines]
    spans = line_spans([line.pk for line in lines], month_start(as_of, months), as_of - timedelta(days=1))
    assets, scores = assets_newest(people, as_of), _scores(run, lines, offers)
    household = regulation("household_credit_amount", as_of)
    together, students = limits_open_sums(people), students_among(people)
    found: dict[UUID, Standing] = {}
    for line in lines:
        elsewhere = together.get(line.customer_id, ZERO) - line.limit_amount - line.received_amount
        in_use = months_between(line.opened_date, as_of) if line.application_id else 0
        held = assets.get(line.customer_id, ZERO)
        found[line.pk] = Standing(
            tier=line.tier,
            limit=line.limit_amount,
            daily_rate=line.daily_rate,
            score=scores.get(line.customer_id),
            months_on_time=months_on_time(spans.get(line.pk, []), as_of, months),
            months_in_use=in_use,
            assets=held,
            is_student=line.customer_id in students,
            is_frozen=line.state == LineState.FROZEN,
            household_room=household - elsewhere,
        )
    return found


def _scores(run: RateReviewRun, lines: Sequence[CreditLine], offers: Offers) -> dict[UUID, Decimal]:
    """Stored scores young enough; the others are computed and stored for the next who asks."""
    oldest = run.quarter - timedelta(days=run.policy.score_days_max)
    people = {line.customer_id: line for line in lines}
    scores = scores_stored(list(people), run.scorecard, oldest, run.quarter)
    fresh = []
    # In the order of keys: two workers may store scores of the same people.
    for key, line in sorted(people.items()):
        if key not in scores and offers[line.product_id][0]:
            terms = terms_current(line.product_id, run.quarter)
            scores[key] = score_now(line.customer, run.scorecard, terms, run.quarter)
            fresh.append(CustomerScore(customer_id=key, scorecard=run.scorecard, as_of=run.quarter, score=scores[key]))
    CustomerScore.objects.bulk_create(
        fresh, update_conflicts=True, unique_fields=["customer", "scorecard"], update_fields=["as_of", "score"]
    )
    return scores


REVIEW = (
    "id", "quarter", "run_id", "credit_line_id", "customer_id", "business_date", "score", "months_on_time",
    "old_daily_rate", "new_daily_rate", "old_tier", "new_tier", "old_limit_amount", "new_limit_amount", "reasons",
)  # fmt: skip


def _write(run: RateReviewRun, outcomes: list[Outcome]) -> None:
    at = timezone.now()
    reviews, changes, trail, notices, changed = [], [], [], [], []
    for line, standing, new in outcomes:
        reviews.append(_review(run, line, standing, new))
        notices.append(_notice(run, line, new))
        if (new.tier.code, new.limit, new.daily_rate) == (line.tier, line.limit_amount, line.daily_rate):
            continue
        changes.append(_change(run, line, new, at))
        trail.append(_trail(run, line, new, at))
        line.tier, line.limit_amount, line.daily_rate = new.tier.code, new.limit, new.daily_rate
        line.penalty_share = new.tier.penalty_share
        changed.append(line)
    rows_update(changed, ["tier", "limit_amount", "daily_rate", "penalty_share"])
    rows_copy(RateReview, REVIEW, reviews)
    rows_copy(LineChange, CHANGE, changes)
    rows_copy(AuditEvent, TRAIL, trail)
    notifications_send(notices, business_date=run.business_date)


def _review(run: RateReviewRun, line: CreditLine, standing: Standing, new: Reviewed) -> tuple[Any, ...]:
    return (
        uuid7(), run.quarter, run.pk, line.pk, line.customer_id, run.business_date, standing.score,
        standing.months_on_time, line.daily_rate, new.daily_rate, line.tier, new.tier.code, line.limit_amount,
        new.limit, _json(new.reasons),
    )  # fmt: skip


@lru_cache(maxsize=100)
def _json(reasons: tuple[str, ...]) -> str:
    return json.dumps(reasons)


def _change(run: RateReviewRun, line: CreditLine, new: Reviewed, at: Any) -> tuple[Any, ...]:
    return (
        uuid7(), line.pk, line.customer_id, run.business_date, at, "rate_review", ACTOR_NAME, line.limit_amount,
        new.limit, line.daily_rate, new.daily_rate, line.tier, new.tier.code,
    )  # fmt: skip


def _trail(run: RateReviewRun, line: CreditLine, new: Reviewed, at: Any) -> tuple[Any, ...]:
    before = {"daily_rate": str(line.daily_rate), "tier": line.tier, "limit_amount": str(line.limit_amount)}
    after = {"daily_rate": str(new.daily_rate), "tier": new.tier.code, "limit_amount": str(new.limit)}
    return (
        uuid7(), at, run.business_date, "credit_line.change", "system", ACTOR_NAME, ACTOR_NAME, "risk.creditline",
        str(line.pk), line.customer_id, json.dumps(before), json.dumps(after), f"rate review {run.quarter}",
    )  # fmt: skip


def _notice(run: RateReviewRun, line: CreditLine, new: Reviewed) -> Notice:
    kind = "rate_lowered" if new.daily_rate < line.daily_rate else "rate_reviewed"
    old, rate = f"{line.daily_rate * 100:.4f}", f"{new.daily_rate * 100:.4f}"
    params = {"product": line.product_id, "old_rate": old, "new_rate": rate}
    return Notice(line.customer_id, kind, params, f"rate_review:{line.pk}:{run.quarter}")
