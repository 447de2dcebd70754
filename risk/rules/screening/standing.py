"""How the customer stands: relationship network, debts elsewhere, credit history. Pure."""

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from risk.rules.screening.spec import Condition, Evidence, Figures, Layer, Section, amount, count, share


def _friends_in_trouble(seen: Section, figures: Figures) -> Evidence | None:
    """Friends who are overdue, denied or frozen, as a share of the friends who are customers."""
    known, troubled = seen["friends"], seen["troubled"]
    if known < figures["friends_min"] or troubled <= known * figures["troubled_share_max"]:
        return None
    return {"friends": known, "troubled": troubled, "threshold": str(figures["troubled_share_max"])}


def _mutual_transfers(seen: Section, figures: Figures) -> Evidence | None:
    """Money that goes out to somebody and comes back from the same: the smaller of both ways counts."""
    ring = seen["ring"]
    if ring is None or Decimal(ring["amount"]) <= figures["mutual_amount"]:
        return None
    return {**ring, "threshold": str(figures["mutual_amount"]), "window_days": figures["mutual_days"]}


RELATIONSHIP_NETWORK = Layer(
    "relationship_network",
    (
        count("friends_min", _("friends who are customers, at least"), 1),
        share("troubled_share_max", _("share of them overdue, denied or frozen, at most")),
        amount("mutual_amount", _("sent to and fro with one person above, yuan")),
        count("mutual_days", _("in days (to and fro)"), 1, 365),
    ),
    (
        Condition("friends_in_trouble", _("Many friends overdue, denied or frozen"), _friends_in_trouble),
        Condition("mutual_transfers", _("Transfers to and fro with one person"), _mutual_transfers),
    ),
)


def _above(section: str, figure: str) -> Condition:
    def test(seen: Section, figures: Figures) -> Evidence | None:
        found, limit = seen[section], figures[figure]
        if found is None or Decimal(found) <= limit:
            return None
        return {"amount": found, "threshold": str(limit)}

    labels = {"debts": _("High debts with other lenders"), "monthly_due": _("High monthly dues with other lenders")}
    return Condition(f"{section}_elsewhere_high", labels[section], test)


def _more_than(section: str, figure: str) -> Condition:
    def test(seen: Section, figures: Figures) -> Evidence | None:
        found, limit = seen[section], figures[figure]
        return {"count": found, "limit": limit} if found is not None and found > limit else None

    labels = {
        "accounts": _("Many accounts with other lenders"),
        "worst_days": _("Was overdue with other lenders"),
        "inquiries": _("Many queries of the credit report"),
        "own_days": _("Is overdue with us"),
    }
    return Condition(f"{section}_high", labels[section], test)


DEBTS_ELSEWHERE = Layer(
    "debts_elsewhere",
    (
        amount("debts_max", _("debts with others, at most, yuan")),
        amount("monthly_due_max", _("monthly dues with others, at most, yuan")),
        count("accounts_max", _("open accounts with others, at most")),
    ),
    (_above("debts", "debts_max"), _above("monthly_due", "monthly_due_max"), _more_than("accounts", "accounts_max")),
)
CREDIT_HISTORY = Layer(
    "credit_history",
    (
        count("worst_days_max", _("days past due elsewhere in 24 months, at most")),
        count("inquiries_max", _("queries of the credit report in 6 months, at most")),
        count("own_days_max", _("days past due with us, at most")),
    ),
    (
        _more_than("worst_days", "worst_days_max"),
        _more_than("inquiries", "inquiries_max"),
        _more_than("own_days", "own_days_max"),
    ),
)
