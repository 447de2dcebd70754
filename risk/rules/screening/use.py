"""What for, and can it be repaid: purpose, repayment capacity. Pure."""

from decimal import ROUND_HALF_UP, Decimal

from django.utils.translation import gettext_lazy as _

from risk.rules.purposes import LoanPurpose
from risk.rules.screening.spec import APPLICATION, LOAN, Condition, Evidence, Figures, Layer, Section, share, words

FORBIDDEN_PURPOSE, MISUSED_BEFORE = "forbidden_purpose", "misused_before"
FOUR_PLACES = Decimal("0.0001")


def _forbidden_purpose(seen: Section, figures: Figures) -> Evidence | None:
    asked = seen["purpose"]
    return {"purpose": asked} if asked in figures["forbidden"] else None


def _misused_before(seen: Section, figures: Figures) -> Evidence | None:
    """A check of vouchers found an earlier loan in a forbidden use (R52)."""
    return {"loans": seen["misused"]} if seen["misused"] else None


PURPOSE = Layer(
    "purpose",
    (words("forbidden", _("forbidden purposes"), tuple(LoanPurpose.values)),),
    (
        Condition(FORBIDDEN_PURPOSE, _("Forbidden purpose"), _forbidden_purpose, (LOAN,)),
        Condition(MISUSED_BEFORE, _("An earlier loan went into a forbidden use"), _misused_before),
    ),
)


def _dues_above_income(seen: Section, figures: Figures) -> Evidence | None:
    """Dues of a month, this loan's included, as a share of the monthly income. Unknown income tells nothing."""
    if seen["income"] is None:
        return None
    income, due, limit = Decimal(seen["income"]), Decimal(seen["due"]), figures["due_share_max"]
    if due <= income * limit:
        return None
    ratio = str((due / income).quantize(FOUR_PLACES, ROUND_HALF_UP)) if income else None
    return {"income": seen["income"], "due": seen["due"], "share": ratio, "threshold": str(limit)}


REPAYMENT_CAPACITY = Layer(
    "repayment_capacity",
    (share("due_share_max", _("dues of a month as a share of the income, at most"), high="100"),),
    (Condition("dues_above_income", _("Dues too high for the income"), _dues_above_income, (APPLICATION, LOAN)),),
)
