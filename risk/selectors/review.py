"""Everything a person needs to decide one application or one contest, read at once (R5, R21)."""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import VerificationAttempt
from risk.models import Alert, AuxiliaryReading, CreditApplication, CreditLine, Decision, DecisionContest, Signature
from risk.rules.decision import offer_compute
from risk.rules.facts import AuxiliaryItem, facts_load
from risk.rules.reasons import reason_text
from risk.rules.variables import item_state
from risk.selectors.facts import limits_open_sum
from risk.selectors.screenings import layer_lines, screening_of
from weilidai.lib.money import ZERO

SHOWN = 20
DIMENSION_WORDS: dict[str, Any] = {
    "consumption": _("Consumption"),
    "social": _("Social relations"),
    "capacity": _("Capacity to perform"),
    "device_stability": _("Device stability"),
    "external_credit": _("External credit"),
}


@dataclass(frozen=True)
class ItemRow:
    """One of the 12 items as the decision saw it."""

    label: str
    state: str
    source: str
    months: int | None
    age_days: int | None
    fresh_days: int
    weight: str


def dimension_word(code: str) -> str:
    return str(DIMENSION_WORDS.get(code, code))


def points_chart(decision: Decision) -> str:
    """Points reached beside points possible, for a bar chart: coordinates only, nothing is computed from them."""
    labels = [dimension_word(item["code"]) for item in decision.dimensions]
    series = [
        (_("Points"), [float(item["points"]) for item in decision.dimensions], "var(--color-primary-600)"),
        (_("Weight"), [float(item["weight"]) for item in decision.dimensions], "var(--color-base-400)"),
    ]
    return json.dumps(
        {
            "labels": labels,
            "datasets": [
                {"label": str(name), "data": values, "backgroundColor": colour, "borderRadius": 4}
                for name, values, colour in series
            ],
        }
    )


def offer_now(decision: Decision, application: CreditApplication) -> dict[str, Any]:
    """What the score would earn if it were approved now: lines opened since count against the household (R54)."""
    stored = {**decision.inputs["facts"], "other_limits_amount": str(limits_open_sum(application.customer))}
    offer = offer_compute(facts_load(stored), decision.score, decision.inputs["policy"])
    return {
        "tier": offer.tier,
        "limit": offer.limit,
        "daily_rate": offer.daily_rate,
        "has_room": offer.limit > ZERO,
        "approve_from": Decimal(decision.inputs["policy"]["scorecard"]["definition"]["approve_from"]),
    }


def items_seen(decision: Decision, labels: dict[str, Any], sources: dict[str, str]) -> list[ItemRow]:
    """The auxiliary items (R5) with the freshness and weights of the decision's own scorecard version."""
    rules = decision.inputs["policy"]["scorecard"]["definition"]["auxiliary"]
    known = {row["item"]: AuxiliaryItem(**row) for row in decision.inputs["facts"]["auxiliary"]}
    rows = []
    for name, rule in rules.items():
        item = known.get(name)
        rows.append(
            ItemRow(
                label=str(labels.get(name, name)),
                state=item_state(item, rule["fresh_days"]) if item else "unverified",
                source=sources.get(name, "") if item else "",
                months=item.months if item else None,
                age_days=item.age_days if item else None,
                fresh_days=rule["fresh_days"],
                weight=str(rule["weight"]),
            )
        )
    # What needs eyes comes first.
    order = {"contradicted": 0, "unverified": 1, "verified": 2}
    return sorted(rows, key=lambda row: (order.get(row.state, 3), -Decimal(row.weight)))


def sources_on(application: CreditApplication, as_of: date) -> dict[str, str]:
    """Who reported each item last, up to the decision's date."""
    rows = AuxiliaryReading.objects.filter(customer=application.customer_id, as_of__lte=as_of).order_by("as_of", "id")
    return {row.item: row.source for row in rows}


def review_file(application: CreditApplication) -> dict[str, Any]:
    """The whole page of one application; sections without rows are empty lists."""
    decisions = list(application.decisions.select_related("decided_by").order_by("pk"))
    first = decisions[0] if decisions else None
    latest = decisions[-1] if decisions else None
    customer = application.customer
    return {
        "application": application,
        "customer": customer,
        "decision": first,
        "decisions": decisions,
        "latest": latest,
        "chart": points_chart(first) if first else "",
        "dimensions": [(dimension_word(row["code"]), row["points"], row["weight"]) for row in first.dimensions]
        if first
        else [],
        "reasons": [(row["code"], reason_text(row["code"])) for row in first.reasons] if first else [],
        "offer": offer_now(first, application) if first else None,
        "items": (
            items_seen(first, dict(AuxiliaryReading.Item.choices), sources_on(application, first.business_date))
            if first
            else []
        ),
        "signatures": Signature.objects.filter(customer=customer, document__product=application.product_id)
        .select_related("document")
        .order_by("document__position"),
        "layers": layer_lines(screening_of(application)),
        "attempts": VerificationAttempt.objects.filter(customer=customer)[:SHOWN],
        **history_of(application),
    }


def history_of(application: CreditApplication) -> dict[str, Any]:
    """What this customer has behind them, this application left out."""
    who = application.customer_id
    return {
        "past_applications": CreditApplication.objects.filter(customer=who)
        .exclude(pk=application.pk)
        .select_related("product")[:SHOWN],
        "past_decisions": Decision.objects.filter(customer=who)
        .exclude(application=application.pk)
        .select_related("product", "decided_by")[:SHOWN],
        "lines": CreditLine.objects.filter(customer=who).select_related("product"),
        "alerts": Alert.objects.filter(customer=who).select_related("owner").order_by("-id")[:SHOWN],
        "contests": DecisionContest.objects.filter(customer=who).select_related("answered_by")[:SHOWN],
    }
