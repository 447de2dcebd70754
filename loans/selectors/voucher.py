"""Questions about the use of funds (R52): what is proved, what waits, what stands against another loan."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet, Sum

from accounts.models import Customer, StoredImage
from loans.models import (
    DemandState,
    ForbiddenUse,
    ForbiddenUseState,
    Loan,
    LoanState,
    Voucher,
    VoucherDemand,
    VoucherState,
)
from risk.models import VoucherConsequence
from weilidai.lib.money import ZERO
from weilidai.lib.prepared import prepared

COPIES_SHOWN = 10


def vouchers_of(loan: Loan) -> QuerySet[Voucher]:
    return Voucher.objects.filter(loan=loan)


def vouchers_waiting() -> QuerySet[Voucher]:
    """The review queue, the oldest first."""
    return Voucher.objects.filter(state=VoucherState.SUBMITTED).order_by("id")


def demands_missing() -> QuerySet[VoucherDemand]:
    return VoucherDemand.objects.filter(state=DemandState.MISSING)


def misused_count(customer: Customer) -> int:
    """Loans of the customer found in a forbidden use, what was lifted left out."""
    return len(misuses_standing(customer.pk))


@prepared
def misuses_standing(customer: Any) -> Any:
    rows = ForbiddenUse.objects.filter(customer=customer, state=ForbiddenUseState.STANDING)
    return rows.order_by().values_list("pk", flat=True)


def is_proof_owed(customer: Customer) -> bool:
    """Whether the use of an open loan was not proved in time and its terms refuse another loan for that."""
    return bool(proofs_owed(customer.pk))


@prepared
def proofs_owed(customer: Any) -> Any:
    missing = demands_missing().filter(customer=customer, consequence=VoucherConsequence.REFUSE)
    return missing.filter(loan__state=LoanState.ACTIVE).order_by().values_list("pk", flat=True)[:1]


def submitted_amounts(loans: Iterable[UUID]) -> dict[UUID, Decimal]:
    """Yuan of vouchers that wait for a reviewer, by loan."""
    rows = Voucher.objects.filter(loan__in=loans, state=VoucherState.SUBMITTED).order_by()
    return {row["loan_id"]: row["total"] or ZERO for row in rows.values("loan_id").annotate(total=Sum("amount"))}


@dataclass(frozen=True)
class Doubts:
    """What a reviewer is warned of: the same picture sent before, a purchase before the loan, other amounts."""

    same_picture: list[Voucher] = field(default_factory=list)
    same_elsewhere: int = 0
    is_before_loan: bool = False
    is_above_loan: bool = False

    @property
    def any(self) -> bool:
        return bool(self.same_picture or self.same_elsewhere or self.is_before_loan or self.is_above_loan)


def voucher_doubts(voucher: Voucher) -> Doubts:
    """The same picture is found by its hash; one that was sent as something else or by somebody else is counted."""
    loan, image = voucher.loan, voucher.image
    copies = StoredImage.objects.filter(sha256=image.sha256).exclude(pk=image.pk)
    same = Voucher.objects.filter(image__in=copies.values("pk")).select_related("loan").order_by("-id")
    elsewhere = copies.exclude(customer_id=voucher.customer_id).order_by()[:COPIES_SHOWN].count()
    return Doubts(
        same_picture=list(same.filter(customer_id=voucher.customer_id)[:COPIES_SHOWN]),
        same_elsewhere=elsewhere,
        is_before_loan=loan.start_date is not None and voucher.spent_date < loan.start_date,
        is_above_loan=voucher.amount > loan.principal_amount,
    )


def vouchers_by_state(loan: Loan) -> dict[str, int]:
    """How many vouchers of a loan stand where."""
    rows = vouchers_of(loan).order_by().values("state").annotate(count=Count("pk"))
    return {row["state"]: row["count"] for row in rows}
