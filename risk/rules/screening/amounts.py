"""How much and how fast: single amount, velocity. Pure."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from risk.rules.screening.spec import LOAN, Condition, Evidence, Figures, Layer, Section, amount, count

SINGLE_TRANSFER = "single_transfer"


def is_large_transfer(transfer: Decimal, threshold: Decimal) -> bool:
    """R34: 5 000.00 is not above 5 000.00, 5 000.01 is."""
    return transfer > threshold


def _single_transfer(seen: Section, figures: Figures) -> Evidence | None:
    largest, threshold = seen["transfer"], figures["transfer_amount"]
    if largest is None or not is_large_transfer(Decimal(largest["amount"]), threshold):
        return None
    return {"amount": largest["amount"], "threshold": str(threshold), "date": largest["date"], "row": largest["row"]}


def _single_loan(seen: Section, figures: Figures) -> Evidence | None:
    asked, threshold = seen["loan"], figures["loan_amount"]
    if asked is None or Decimal(asked) <= threshold:
        return None
    return {"amount": asked, "threshold": str(threshold)}


SINGLE_AMOUNT = Layer(
    "single_amount",
    (
        amount("transfer_amount", _("one transfer above, yuan")),
        count("transfer_days", _("days that are looked at for transfers"), 1, 365),
        amount("loan_amount", _("one loan above, yuan")),
    ),
    (
        Condition(SINGLE_TRANSFER, _("One transfer above the threshold"), _single_transfer),
        Condition("single_loan", _("One loan above the threshold"), _single_loan, (LOAN,)),
    ),
)


def _loans(window: str) -> tuple[Condition, Condition]:
    """Number and sum of the loans asked for in a window, the one asked for now included."""

    def number(seen: Section, figures: Figures) -> Evidence | None:
        found, limit = seen[f"count_{window}"], figures[f"count_{window}_max"]
        return {"count": found, "limit": limit, "window": window} if found > limit else None

    def total(seen: Section, figures: Figures) -> Evidence | None:
        found, limit = seen[f"amount_{window}"], figures[f"amount_{window}_max"]
        if Decimal(found) <= limit:
            return None
        return {"amount": found, "threshold": str(limit), "window": window}

    labels = {
        "24h": (_("Many loans in 24 hours"), _("Much lent in 24 hours")),
        "7d": (_("Many loans in 7 days"), _("Much lent in 7 days")),
    }[window]
    return (
        Condition(f"loans_count_{window}", labels[0], number, (LOAN,)),
        Condition(f"loans_amount_{window}", labels[1], total, (LOAN,)),
    )


VELOCITY = Layer(
    "velocity",
    (
        count("count_24h_max", _("loans in 24 hours, at most"), 1),
        amount("amount_24h_max", _("lent in 24 hours, at most, yuan")),
        count("count_7d_max", _("loans in 7 days, at most"), 1),
        amount("amount_7d_max", _("lent in 7 days, at most, yuan")),
    ),
    (*_loans("24h"), *_loans("7d")),
)
