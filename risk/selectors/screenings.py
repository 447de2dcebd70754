"""Runs of the pipeline as people read them, and how often each layer hits (R33)."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q

from risk.models import CreditApplication, Screening, ScreeningEvent, ScreeningHit
from risk.rules.alerts import evidence_lines, layer_word, rule_word
from risk.rules.screening import LAYER_CODES
from risk.rules.screening.words import MODE_WORDS, VERDICT_WORDS


def screening_of(application: CreditApplication) -> Screening | None:
    """What the layers said of an application last."""
    rows = Screening.objects.filter(subject_id=str(application.pk), event=ScreeningEvent.APPLICATION)
    return rows.order_by("-id").first()


def layer_lines(screening: Screening | None) -> list[dict[str, Any]]:
    """Each layer that ran: its name, verdict and mode in words, and what was seen in one line."""
    if screening is None:
        return []
    return [_line(row) for row in screening.result["layers"] if row["ran"]]


def _line(row: dict[str, Any]) -> dict[str, Any]:
    shadow = row["mode"] == "shadow"
    verdict = str(VERDICT_WORDS[row["verdict"]])
    return {
        "code": row["layer"],
        "layer": layer_word(row["layer"]),
        "verdict": f"{verdict} · {MODE_WORDS['shadow']}" if shadow else verdict,
        "verdict_code": row["verdict"],
        "verdict_word": verdict,
        "mode": str(MODE_WORDS[row["mode"]]),
        "is_shadow": shadow,
        "evidence": "; ".join(_told(finding) for finding in row["findings"]) or "–",
    }


def _told(finding: dict[str, Any]) -> str:
    seen = ", ".join(f"{name} {value}" for name, value in evidence_lines(finding["evidence"]))
    return f"{rule_word(finding['condition'])}: {seen}" if seen else rule_word(finding["condition"])


@dataclass(frozen=True)
class HitRate:
    """Of `runs` runs in a span of days so many in which the layer found something, acting and in shadow."""

    layer: str
    enforced: int
    shadow: int
    runs: int

    @property
    def per_thousand(self) -> int:
        """Runs with a finding of this layer per 1 000 runs, rounded."""
        return round(1000 * (self.enforced + self.shadow) / self.runs) if self.runs else 0


def hit_rates(since: date, until: date) -> list[HitRate]:
    """One for each layer, in the order of the specification; two queries over the indexes by day."""
    span = Q(business_date__gte=since, business_date__lte=until)
    runs = Screening.objects.filter(span).order_by().count()
    rows = ScreeningHit.objects.filter(span).order_by().values_list("layer", "is_enforced")
    found = {(layer, acts): n for layer, acts, n in rows.annotate(n=Count("screening", distinct=True))}
    return [HitRate(code, found.get((code, True), 0), found.get((code, False), 0), runs) for code in LAYER_CODES]
