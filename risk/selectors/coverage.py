"""Whom the products reach: applicants and approvals by occupation (R32). One aggregate over the decisions of a period.

Coverage of an occupation is the share of its applicants who were approved; a second look by a person at the same
application is not a second applicant. What somebody says of themselves goes before what a feed says.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Case, CharField, Count, F, Q, When

from accounts.models import Occupation
from risk.models import Decision, Outcome

OCCUPATION = Case(
    When(customer__declared_occupation="", then=F("customer__registered_occupation")),
    default=F("customer__declared_occupation"),
    output_field=CharField(),
)


@dataclass(frozen=True)
class Reach:
    """Applicants of one occupation at one product, and how many of them were approved."""

    applicants: int = 0
    approved: int = 0

    @property
    def coverage(self) -> Decimal | None:
        """A fraction; None where nobody applied."""
        return Decimal(self.approved) / Decimal(self.applicants) if self.applicants else None


def coverage(since: date, until: date) -> dict[str, dict[str, Reach]]:
    """By product and occupation ("" where none is known), both days included."""
    counted: Any = (
        Decision.objects.filter(business_date__gte=since, business_date__lte=until)
        .annotate(work=OCCUPATION)
        .values("product_id", "work")
        .annotate(
            applicants=Count("pk", filter=Q(answers__isnull=True)),
            approved=Count("pk", filter=Q(outcome=Outcome.APPROVED)),
        )
        .order_by("product_id", "work")
    )
    found: dict[str, dict[str, Reach]] = {}
    for row in counted:
        found.setdefault(row["product_id"], {})[row["work"]] = Reach(row["applicants"], row["approved"])
    return found


def merchants_ahead(reached: dict[str, Reach]) -> Decimal | None:
    """By how much more of the micro-merchants than of the salaried are approved, a fraction; None without both."""
    merchants, salaried = (
        reached.get(work, Reach()).coverage for work in (Occupation.MICRO_MERCHANT, Occupation.SALARIED)
    )
    return None if merchants is None or salaried is None else merchants - salaried
