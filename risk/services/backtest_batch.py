"""Some thousand past decisions judged again: read in sets, judged one by one, counted. Writes nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from risk.models import BacktestChange, BacktestRun, CreditApplication, CreditLine, Decision, Screening, ScreeningPolicy
from risk.rules.backtest import (
    CannotJudge,
    CreditJudge,
    Judged,
    ScreeningJudge,
    credit_rejudged,
    direction,
    parts_changed,
)
from risk.rules.backtest_figures import KEPT, Figures, loan_figures, loan_group, row_figures
from risk.rules.screening import Program, program_of
from risk.rules.screening.spec import ENFORCED, LOAN
from risk.selectors.backtest import band_of_birth, lines_of, loans_seen, people_groups
from risk.services.screening import SEVERITIES, program_for
from weilidai.lib.money import ZERO

BATCH = 500
_DECISION = ("pk", "customer_id", "application_id", "product_id", "business_date", "outcome", "score", "tier",
             "limit_amount", "daily_rate", "reasons", "inputs")  # fmt: skip
_SCREENING = ("pk", "customer_id", "event", "subject_id", "policy_id", "business_date", "verdict", "decided_by",
              "inputs", "result")  # fmt: skip


@dataclass
class Batch:
    """What a set of decisions came to."""

    figures: Figures = field(default_factory=Counter)
    changes: list[BacktestChange] = field(default_factory=list)

    def cannot(self, cause: CannotJudge) -> None:
        self.figures[f"unjudged:{cause.cause}:{cause.detail}"] += 1


class Judge:
    """The draft of a run made ready; one for each worker's partition."""

    def __init__(self, run: BacktestRun) -> None:
        self.run = run
        self.kept: dict[UUID, Program] = {}
        self.lacks: dict[tuple[str, UUID], CannotJudge | None] = {}
        if run.kind == BacktestRun.Kind.SCREENING:
            self.screening = ScreeningJudge(program_of(run.draft["definition"]))
        elif run.kind == BacktestRun.Kind.SCORECARD:
            self.credit = CreditJudge.of_scorecard(run.draft)
        else:
            self.credit = CreditJudge.of_terms(run.draft)

    def judge(self, keys: Sequence[UUID]) -> Batch:
        """The rows of these keys, at most a batch of them."""
        if self.run.kind == BacktestRun.Kind.SCREENING:
            return self._screenings(keys)
        return self._decisions(keys)

    # --- Applications by a drafted scorecard or by drafted terms -------------------------------------------------

    def _decisions(self, keys: Sequence[UUID]) -> Batch:
        rows = [
            dict(zip(_DECISION, row, strict=True))
            for row in Decision.objects.filter(pk__in=keys).order_by("pk").values_list(*_DECISION)
        ]
        people = people_groups(row["customer_id"] for row in rows)
        lines = lines_of([row["application_id"] for row in rows])
        loans = loans_seen(list(lines.values()), self.run.business_date)
        batch = Batch()
        for row in rows:
            try:
                new = _answered(self.credit, row["inputs"])
            except CannotJudge as cause:
                batch.cannot(cause)
                continue
            old = stored(row)
            parts = parts_changed(old, new)
            groups = {"product": row["product_id"], "tier": old.tier or new.tier or "none",
                      **_person(people[row["customer_id"]], row)}  # fmt: skip
            batch.figures += row_figures(old, new, parts, groups)
            line = lines.get(row["application_id"])
            if line is not None:
                batch.figures += loan_figures(loan_group(old, new), [loan for _, loan in loans.get(line, [])])
            if parts:
                batch.changes.append(self._change(row, old, new, decision_id=row["pk"]))
        return batch

    def _change(self, row: dict[str, Any], old: Judged, new: Judged, **more: Any) -> BacktestChange:
        return BacktestChange(
            run=self.run, customer_id=row["customer_id"], business_date=row["business_date"],
            direction=direction(old, new), old_outcome=old.outcome, new_outcome=new.outcome, old_acts=old.acts[:60],
            new_acts=new.acts[:60], old_score=old.score, new_score=new.score, old_tier=old.tier, new_tier=new.tier,
            old_limit_amount=old.limit, new_limit_amount=new.limit, old_daily_rate=old.daily_rate,
            new_daily_rate=new.daily_rate, **more,
        )  # fmt: skip

    # --- Events by a drafted pipeline ----------------------------------------------------------------------------

    def _screenings(self, keys: Sequence[UUID]) -> Batch:
        found = Screening.objects.filter(pk__in=keys).order_by("pk").values_list(*_SCREENING)
        rows = [dict(zip(_SCREENING, row, strict=True)) for row in found]
        about = _About(rows, self.run)
        batch = Batch()
        for row in rows:
            lack = self._lack(row["event"], row["policy_id"])
            if lack is not None:
                batch.cannot(lack)
                continue
            result = self.screening.judge(row["inputs"])
            old, new = Judged(row["verdict"], row["decided_by"]), Judged(result["verdict"], result["decided_by"])
            parts = parts_changed(old, new)
            parts += ["layer"] * (old.acts != new.acts)
            parts += ["findings"] * (_findings(row["result"]) != _findings(result))
            groups = {"event": row["event"], "product": about.product(row) or "none",
                      **_person(about.people[row["customer_id"]], row)}  # fmt: skip
            batch.figures += row_figures(old, new, parts, groups)
            batch.figures += _layer_figures(row["result"], "old") + _layer_figures(result, "new")
            batch.figures += about.credit_figures(row, old, new)
            if parts:
                batch.changes.append(self._change(row, old, new, screening_id=row["pk"],
                                                  decision_id=about.decision_id(row)))  # fmt: skip
        return batch

    def _lack(self, event: str, policy_id: UUID) -> CannotJudge | None:
        """What the draft misses at this event under the version that ran, looked up once."""
        if (event, policy_id) not in self.lacks:
            if policy_id not in self.kept:
                self.kept[policy_id] = program_for(ScreeningPolicy.objects.get(pk=policy_id))
            self.lacks[event, policy_id] = self.screening.lacks(event, self.kept[policy_id])
        return self.lacks[event, policy_id]


def stored(row: dict[str, Any]) -> Judged:
    """The decision as it was made."""
    reasons = row["reasons"]
    return Judged(
        row["outcome"], reasons[0]["code"] if reasons else "", row["score"], row["tier"], row["limit_amount"],
        row["daily_rate"],
    )  # fmt: skip


def _answered(judge: CreditJudge, inputs: dict[str, Any]) -> Judged:
    try:
        return judge.judge(inputs)
    except KeyError as missing:
        # A decision from before this fact was kept.
        raise CannotJudge("facts_missing", str(missing.args[0])) from missing


def _person(person: dict[str, Any], row: dict[str, Any]) -> dict[str, str]:
    return {
        "occupation": person["occupation"],
        "sex": person["sex"],
        "age": band_of_birth(person["born"], row["business_date"]),
    }


def _findings(result: dict[str, Any]) -> list[tuple[str, str]]:
    """What enforced layers found, with its verdict."""
    return [
        (finding["condition"], finding["verdict"])
        for layer in result["layers"]
        if layer["mode"] == ENFORCED
        for finding in layer["findings"]
    ]


def _layer_figures(result: dict[str, Any], side: str) -> Figures:
    """Runs in which a layer that acts found something, and alerts asked for."""
    found: Figures = Counter()
    for layer in result["layers"]:
        if layer["mode"] == ENFORCED and layer["findings"]:
            found[f"hits:{layer['layer']}:{side}"] += 1
    found[f"alerts:{side}"] += sum(verdict in SEVERITIES for _, verdict in _findings(result))
    return found


class _About:
    """What the events of a batch were about: products, the decisions of applications, loans."""

    def __init__(self, rows: list[dict[str, Any]], run: BacktestRun) -> None:
        self.people = people_groups(row["customer_id"] for row in rows)
        asked = [row["subject_id"] for row in rows if row["event"] == "application"]
        drawn = {row["subject_id"] for row in rows if row["event"] == LOAN}
        self.products: dict[str, str] = {}
        for model, keys in ((CreditApplication, asked), (CreditLine, drawn)):
            pairs = model._default_manager.filter(pk__in=keys).values_list("pk", "product_id")
            self.products |= {str(key): product for key, product in pairs}
        columns = (
            "pk",
            "application_id",
            "outcome",
            "score",
            "tier",
            "limit_amount",
            "daily_rate",
            "reasons",
            "inputs",
        )
        decisions = Decision.objects.filter(application__in=asked, decided_by__isnull=True).values(*columns)
        self.decisions = {
            row["inputs"]["screening"]["id"]: row for row in decisions if "screening" in row["inputs"]
        }  # fmt: skip
        self.lines = lines_of([row["application_id"] for row in self.decisions.values()])
        self.loans = loans_seen([*self.lines.values(), *(UUID(key) for key in drawn)], run.business_date)
        self.of_lines = {line: [loan for _, loan in loans] for line, loans in self.loans.items()}

    def product(self, row: dict[str, Any]) -> str:
        return self.products.get(row["subject_id"], "")

    def decision_id(self, row: dict[str, Any]) -> UUID | None:
        decision = self.decisions.get(str(row["pk"]))
        return decision["pk"] if decision else None

    def credit_figures(self, row: dict[str, Any], old: Judged, new: Judged) -> Figures:
        """What becomes of the application decided on this run, or of the loan that followed it."""
        found: Figures = Counter()
        decision = self.decisions.get(str(row["pk"]))
        if decision is not None:
            before = stored(decision)
            after = before if old.outcome == new.outcome else credit_rejudged(decision["inputs"], new.outcome)
            found[f"credit:{before.outcome}>{after.outcome}"] += 1
            group, line = loan_group(before, after), self.lines.get(decision["application_id"])
            if line is None or group == KEPT:
                # Loans that stay are counted where they were asked for.
                return found
            return found + loan_figures(f"line_{group}", self.of_lines.get(line, []))
        if row["event"] == LOAN:
            # The loan is made after the layers were asked: it is known by its line, day and amount.
            amount = Decimal((row["inputs"].get("single_amount") or {}).get("loan") or ZERO)
            open_loans = self.loans.get(UUID(row["subject_id"]), [])
            for place, (start, loan) in enumerate(open_loans):
                if start == row["business_date"] and loan.principal == amount:
                    # Two loans of one amount on one day are two.
                    del open_loans[place]
                    return found + loan_figures(loan_group(old, new), [loan])
        return found
