"""From stored inputs to the answer: pure, so that a decision can be replayed bit for bit (R21)."""

import hashlib
import json
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from risk.rules.admission import admission_failures
from risk.rules.facts import CustomerFacts, facts_load
from risk.rules.limits import TierRange, limit_cap, limit_inside, rate_cap, rate_inside, score_position, tier_choose
from risk.rules.scorecard import Scored, score_compute
from risk.rules.screening.spec import BLOCK, FREEZE, PASS, REFER
from risk.rules.variables import CONTRADICTED, item_states, variables_compute
from weilidai.lib.money import ZERO

APPROVED, REJECTED, REFERRED = "approved", "rejected", "referred"
REASONS_SHOWN = 3


@dataclass(frozen=True)
class Offer:
    tier: str
    limit: Decimal
    daily_rate: Decimal
    penalty_share: Decimal
    reasons: tuple[str, ...]


def decide(inputs: dict[str, Any]) -> dict[str, Any]:
    """The whole decision. Order: hard rules refuse, doubts refer to a person (R5), the score decides the rest."""
    facts, policy = facts_load(inputs["facts"]), inputs["policy"]
    definition, terms = policy["scorecard"]["definition"], policy["terms"]
    values = variables_compute(facts, definition["auxiliary"], terms["housing_fund_months"])
    # The catalogue's values are kept with the decision; decisions made before there was one have none.
    values |= {name: None if value is None else Decimal(value) for name, value in inputs.get("variables", {}).items()}
    scored = score_compute(definition, values)
    offer = offer_compute(facts, scored.score, policy)
    # Decisions made before the layers were asked have no verdict of theirs.
    verdict = inputs.get("screening", {}).get("verdict", PASS)
    outcome, reasons = _outcome(facts, scored, offer, policy, verdict)
    return _result(outcome, reasons, scored, offer if outcome != REJECTED else None, values)


def result_sha256(result: dict[str, Any]) -> str:
    """Fingerprint of an answer: equal answers, equal fingerprints, whatever the order of keys."""
    text = json.dumps(result, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _outcome(
    facts: CustomerFacts, scored: Scored, offer: Offer, policy: dict[str, Any], verdict: str
) -> tuple[str, list[str]]:
    definition = policy["scorecard"]["definition"]
    refusals = admission_failures(facts, policy["terms"]) + _credit_refusals(facts, definition)
    if offer.limit <= ZERO:
        refusals.append("household_limit_reached")
    if verdict == BLOCK:
        refusals.append("screening_declined")
    if refusals:
        return REJECTED, refusals
    doubts = _doubts(facts, definition) + ["screening_review"] * (verdict in (REFER, FREEZE))
    if doubts:
        return REFERRED, doubts
    if scored.score < Decimal(definition["approve_from"]):
        return REJECTED, _weaknesses(scored)
    return APPROVED, [*offer.reasons, *_strengths(scored)]


def _credit_refusals(facts: CustomerFacts, definition: dict[str, Any]) -> list[str]:
    overdue = (facts.worst_dpd_24m or 0) >= definition["worst_dpd_reject_from"]
    return ["credit_record"] if facts.on_deny_list or overdue else []


def _doubts(facts: CustomerFacts, definition: dict[str, Any]) -> list[str]:
    """What a person must look at: a contradicted item, or no credit report fresh enough to judge by."""
    contradicted = CONTRADICTED in item_states(facts, definition["auxiliary"]).values()
    age = facts.bureau_age_days
    stale = age is None or age > definition["bureau_max_age_days"]
    return ["information_contradicted"] * contradicted + ["credit_report_missing"] * stale


def offer_compute(facts: CustomerFacts, score: Decimal, policy: dict[str, Any]) -> Offer:
    """Tier, limit and rate this score earns, whatever the outcome; a limit of 0 means the law leaves no room."""
    definition, terms = policy["scorecard"]["definition"], policy["terms"]
    tier = tier_choose(
        [TierRange.load(stored) for stored in policy["tiers"]],
        months_in_use=facts.months_in_use,
        assets_amount=facts.assets_amount or ZERO,
    )
    position = score_position(score, Decimal(definition["approve_from"]), Decimal(definition["top_score"]))
    step = Decimal(terms["limit_step_amount"])
    inside = limit_inside(tier, position, step)
    student_limit = Decimal(terms["student_limit_amount"]) if facts.is_student else None
    limit = limit_cap(
        inside,
        ceiling=Decimal(terms["limit_ceiling_amount"]),
        student_limit=student_limit,
        household_room=Decimal(policy["household_credit_amount"]) - facts.other_limits_amount,
        step=step,
    )
    cap = Decimal(policy["cost_cap_rate"]) if terms["cost_cap_enforced"] else None
    rate = rate_inside(tier, position, cap)
    reasons = ["student_limit"] if student_limit is not None and inside > student_limit else []
    if cap is not None and rate == rate_cap(cap) and rate < tier.daily_rate_max:
        reasons.append("cost_cap_applied")
    return Offer(tier.code, limit, rate, tier.penalty_share, tuple(reasons))


def _weaknesses(scored: Scored) -> list[str]:
    """Reasons by the points missing, most first; the order of the scorecard settles ties."""
    missing: dict[str, Decimal] = {}
    for variable in (v for dimension in scored.dimensions for v in dimension.variables):
        missing[variable.reason] = missing.get(variable.reason, Decimal(0)) + variable.best - variable.points
    deducted = sum((-a.points for a in scored.adjustments if a.points < 0), Decimal(0))
    if deducted:
        missing["usage_stability"] = missing.get("usage_stability", Decimal(0)) + deducted
    ranked = sorted((code for code in missing if missing[code] > 0), key=lambda code: -missing[code])
    return ranked[:REASONS_SHOWN]


def _strengths(scored: Scored) -> list[str]:
    """What spoke for the customer: bonuses, then the dimensions that came nearest to their weight."""
    bonuses = [f"good_{a.code}" for a in scored.adjustments if a.points > 0]
    ranked = sorted(scored.dimensions, key=lambda dimension: -(dimension.points / dimension.weight))
    return [*bonuses, *(f"good_{dimension.code}" for dimension in ranked)][:REASONS_SHOWN]


def _result(
    outcome: str, reasons: list[str], scored: Scored, offer: Offer | None, values: dict[str, Decimal | None]
) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "score": _points(scored.score),
        "dimensions": [
            {
                "code": dimension.code,
                "weight": _points(dimension.weight),
                "points": _points(dimension.points),
                "variables": [{"name": v.name, "points": _points(v.points)} for v in dimension.variables],
            }
            for dimension in scored.dimensions
        ],
        "adjustments": [{"code": a.code, "points": _points(a.points)} for a in scored.adjustments],
        "reasons": [{"code": code} for code in reasons],
        "variables": {name: None if value is None else str(value) for name, value in values.items()},
        "tier": offer.tier if offer else "",
        "limit": str(offer.limit) if offer else None,
        "daily_rate": str(offer.daily_rate) if offer else None,
        "penalty_share": str(offer.penalty_share) if offer else None,
    }


def _points(value: Decimal) -> str:
    return str(value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))
