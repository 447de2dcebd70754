"""What bounds a raise of a line, and which proofs count on a date."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Customer
from risk.errors import PolicyMissing
from risk.models import AssetMonth, AssetProof, CreditLine, ProductTerms, ProofState, RegulationParameter
from risk.rules.raises import RaiseRoom
from risk.selectors.facts import limits_open_sum, limits_open_sums
from risk.selectors.policy import regulation, terms_current
from risk.variables.frame import month_start
from weilidai.lib.money import ZERO

ASSET_MONTHS = 6


def proofs_of(line: CreditLine) -> QuerySet[AssetProof]:
    return AssetProof.objects.filter(credit_line=line)


def proofs_in_force(line: CreditLine, as_of: date) -> set[str]:
    """Kinds of accepted proofs that count on the date."""
    rows = AssetProof.objects.filter(credit_line=line, state=ProofState.ACCEPTED, valid_until__gte=as_of)
    return set(rows.values_list("kind", flat=True))


def raise_room(line: CreditLine, as_of: date) -> RaiseRoom:
    """Inside a transaction that locked the line: the person is locked too, so that two raises on two lines of one
    person do not both take the same room. Raises `PolicyMissing` where the line's tier is no longer offered.
    """
    customer = Customer.objects.select_for_update(no_key=True).get(pk=line.customer_id)
    household = regulation(RegulationParameter.Name.HOUSEHOLD_CREDIT_AMOUNT, as_of)
    left = household - limits_open_sum(customer, exclude=line.pk)
    return room_of(line, terms_current(line.product_id, as_of), left, is_student=customer.is_student)


def room_of(line: CreditLine, terms: ProductTerms, household_room: Decimal, *, is_student: bool) -> RaiseRoom:
    """Raises `PolicyMissing` where the line's tier is no longer offered."""
    tier = next((tier for tier in terms.tiers.all() if tier.code == line.tier), None)
    if tier is None:
        raise PolicyMissing
    return RaiseRoom(
        limit_amount=line.limit_amount,
        tier_min_amount=tier.limit_min_amount,
        tier_max_amount=tier.limit_max_amount,
        ceiling_amount=terms.limit_ceiling_amount,
        household_room_amount=household_room,
        student_limit_amount=terms.student_limit_amount if is_student else None,
        step_amount=terms.limit_step_amount,
    )


class HouseholdRooms:
    """What the law leaves each of many people (R54) while one transaction raises lines of theirs, one after another.

    Unless only counting, the people are locked, in the order of their keys: two workers who hold two lines of one
    person do not both give the same room away, and do not wait for each other in a ring.
    """

    def __init__(self, people: Sequence[UUID], as_of: date, *, lock: bool) -> None:
        if lock:
            rows = Customer.objects.select_for_update(no_key=True).filter(pk__among=people).order_by("pk")
            list(rows.values_list("pk"))
        self._household = regulation(RegulationParameter.Name.HOUSEHOLD_CREDIT_AMOUNT, as_of)
        self._together = limits_open_sums(people)

    def of(self, line: CreditLine) -> Decimal:
        """What the limit of the line, as it stands now, may be at most beside the person's other lines."""
        own: Decimal = line.limit_amount + line.received_amount
        return self._household - self._together.get(line.customer_id, ZERO) + own

    def take(self, line: CreditLine, amount: Decimal) -> None:
        """The limit of the line is about to rise by `amount`."""
        self._together[line.customer_id] = self._together.get(line.customer_id, ZERO) + amount


def students_among(people: Sequence[UUID]) -> set[UUID]:
    """Only what tells a student is read: a whole person, much of it encrypted, costs many times as much."""
    rows = Customer.objects.filter(pk__among=people)
    rows = rows.only("declared_student", "registered_occupation", "declared_occupation")
    return {person.pk for person in rows if person.is_student}


def assets_newest(people: Sequence[UUID], as_of: date) -> dict[UUID, Decimal]:
    """The newest month of assets of each person, as a decision counts them."""
    rows = AssetMonth.objects.filter(
        customer__among=people, month__lte=as_of, month__gte=month_start(as_of, ASSET_MONTHS)
    )
    columns = ("customer_id", "current_fund_mean_amount", "wealth_products_amount", "deposits_amount")
    return {customer: fund + wealth + deposits for customer, fund, wealth, deposits in
            rows.order_by("month", "id").values_list(*columns)}  # fmt: skip
