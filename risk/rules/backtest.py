"""A past decision judged again by a draft: from what was kept with it and nothing else. Pure.

What the draft asks for and nobody kept is never guessed: `CannotJudge` names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from risk.rules.decision import APPROVED, REFERRED, REJECTED, decide
from risk.rules.scorecard import catalogue_names
from risk.rules.screening.evaluate import Program, Step
from risk.rules.screening.spec import ENFORCED, STRENGTH

SCREENING, SCORECARD, TERMS = "screening", "scorecard", "terms"
BETTER, WORSE, OTHER = "better", "worse", "other"
# Figures that say what was gathered, not only how it is judged: another span needs other facts.
SPANS = {
    "single_amount": ("transfer_days",),
    "geolocation": ("usual_days", "settled_days"),
    "relationship_network": ("mutual_days",),
}
_RANKS = {REJECTED: 0, REFERRED: 1, APPROVED: 2}

CAUSES: dict[str, str | Promise] = {
    "variable_missing": _("A variable of the draft was not kept with the decision"),
    "score_missing": _("The draft asks for another score than the one kept"),
    "activity_missing": _("The draft asks for more months of activity than were kept"),
    "facts_missing": _("Decided before a fact the draft needs was kept"),
    "layer_missing": _("A layer of the draft was not asked at the time"),
    "span_missing": _("The draft looks at another span of days than was kept"),
    "layers_missing": _("Decided before the layers were asked"),
}


class CannotJudge(Exception):
    """`cause` is a key of `CAUSES`, `detail` the variable or layer."""

    def __init__(self, cause: str, detail: str = "") -> None:
        self.cause, self.detail = cause, detail
        super().__init__(f"{cause}: {detail}")


@dataclass(frozen=True)
class Judged:
    """A decision as it is compared. `acts` is the layer or the reason that decided; amounts in yuan, None unless
    approved."""

    outcome: str
    acts: str = ""
    score: Decimal | None = None
    tier: str = ""
    limit: Decimal | None = None
    daily_rate: Decimal | None = None


@dataclass(frozen=True)
class CreditJudge:
    """Judges applications by a drafted scorecard or by drafted terms: what it replaces in the policy kept."""

    policy: dict[str, Any]
    variables: tuple[str, ...] = ()

    @classmethod
    def of_scorecard(cls, scorecard: dict[str, Any]) -> "CreditJudge":
        """`scorecard` as in a decision's snapshot: code, version, definition."""
        return cls({"scorecard": scorecard}, tuple(catalogue_names(scorecard["definition"])))

    @classmethod
    def of_terms(cls, snapshot: dict[str, Any]) -> "CreditJudge":
        """`snapshot` holds `terms` and `tiers` as in a decision's snapshot."""
        return cls({"terms": snapshot["terms"], "tiers": snapshot["tiers"]})

    def judge(self, inputs: Mapping[str, Any]) -> Judged:
        """Raises `CannotJudge`."""
        kept = inputs.get("variables", {})
        for name in self.variables:
            if name not in kept:
                raise CannotJudge("variable_missing", name)
        if "terms" in self.policy:
            self._terms_check(inputs)
        return judged_of(decide({**inputs, "policy": {**inputs["policy"], **self.policy}}))

    def _terms_check(self, inputs: Mapping[str, Any]) -> None:
        draft, kept = self.policy["terms"], inputs["policy"]["terms"]
        if draft["score_name"] != kept["score_name"]:
            raise CannotJudge("score_missing", draft["score_name"])
        if draft["activity_months"] > len(inputs["facts"]["activity"]):
            raise CannotJudge("activity_missing", str(draft["activity_months"]))


def judged_of(result: dict[str, Any]) -> Judged:
    """An answer of `decide`; an offer counts with an approval only, as in the stored decision."""
    offered = result["outcome"] == APPROVED
    return Judged(
        outcome=result["outcome"],
        acts=result["reasons"][0]["code"] if result["reasons"] else "",
        score=Decimal(result["score"]),
        tier=result["tier"] if offered else "",
        limit=Decimal(result["limit"]) if offered else None,
        daily_rate=Decimal(result["daily_rate"]) if offered else None,
    )


def credit_rejudged(inputs: Mapping[str, Any], verdict: str) -> Judged:
    """The application under the policy it had, but another verdict of the layers."""
    return judged_of(decide({**inputs, "screening": {**inputs["screening"], "verdict": verdict}}))


class ScreeningJudge:
    """Judges what the layers saw by a drafted pipeline."""

    def __init__(self, draft: Program) -> None:
        self.draft = draft

    def lacks(self, event: str, kept: Program) -> CannotJudge | None:
        """What the draft needs at the event that runs under `kept` did not gather, None where nothing is missing.

        A layer that only watches changes no verdict and lacks nothing.
        """
        before = {step.layer: step for step in kept.steps[event]}
        for step in self.draft.steps[event]:
            if step.mode != ENFORCED or not step.tests:
                continue
            if before[step.layer].tests is None:
                return CannotJudge("layer_missing", step.layer)
            if self._span(step) != self._span(before[step.layer]):
                return CannotJudge("span_missing", step.layer)
        return None

    @staticmethod
    def _span(step: Step) -> list[Any]:
        return [step.figures[name] for name in SPANS.get(step.layer, ())]

    def judge(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """What the drafted layers answer; ask `lacks` first."""
        return self.draft.run(inputs)


def parts_changed(old: Judged, new: Judged) -> list[str]:
    """Which parts of a decision differ: outcome, tier, limit, rate. The points alone change nothing."""
    pairs = {"outcome": (old.outcome, new.outcome), "tier": (old.tier, new.tier), "limit": (old.limit, new.limit),
             "rate": (old.daily_rate, new.daily_rate)}  # fmt: skip
    return [name for name, (before, after) in pairs.items() if before != after]


def direction(old: Judged, new: Judged) -> str:
    """Is the customer better or worse off? The outcome counts first, then the limit, then the rate."""
    if old.outcome != new.outcome:
        if old.outcome in _RANKS:
            return BETTER if _RANKS[new.outcome] > _RANKS[old.outcome] else WORSE
        return BETTER if STRENGTH[new.outcome] < STRENGTH[old.outcome] else WORSE
    if old.limit != new.limit and old.limit is not None and new.limit is not None:
        return BETTER if new.limit > old.limit else WORSE
    if old.daily_rate != new.daily_rate and old.daily_rate is not None and new.daily_rate is not None:
        return BETTER if new.daily_rate < old.daily_rate else WORSE
    return OTHER
