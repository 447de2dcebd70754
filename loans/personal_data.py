"""What this app holds about a person, and what stands against erasing it (R55)."""

from typing import Any

from accounts.models import Customer
from loans.models import (
    CostDisclosure,
    ForbiddenUse,
    Loan,
    LoanState,
    RearrangementOffer,
    Repayment,
    Voucher,
    VoucherDemand,
)

FINISHED = (LoanState.SETTLED, LoanState.FAILED)


def has_debt(customer: Customer) -> bool:
    """A loan on its way out, running, or written off: the claim stays until it is paid."""
    return Loan.objects.filter(customer=customer).exclude(state__in=FINISHED).exists()


def export(customer: Customer) -> dict[str, Any]:
    """Loans, repayments, forms shown, offers of new schedules, and what is known of the use of funds."""
    loans = Loan.objects.filter(customer=customer)
    repayments = Repayment.objects.filter(customer=customer)
    forms = CostDisclosure.objects.filter(customer=customer)
    vouchers = Voucher.objects.filter(customer=customer)
    demands = VoucherDemand.objects.filter(customer=customer)
    offers = RearrangementOffer.objects.filter(customer=customer)
    misuses = ForbiddenUse.objects.filter(customer=customer)
    return {
        "loans": list(
            loans.values(
                "id",
                "product_id",
                "state",
                "principal_amount",
                "daily_rate",
                "purpose",
                "start_date",
                "due_date",
                "outstanding_principal_amount",
            )
        ),
        "repayments": list(repayments.values("loan_id", "kind", "amount", "effective_date", "received_at")),
        "cost_disclosures": list(forms.values("id", "form_version", "sha256", "shown_at", "confirmed_at", "content")),
        "rearrangement_offers": list(
            offers.values(
                "id", "loan_id", "state", "business_date", "expires_date", "begins_date", "ended_at", "answer"
            )
        ),
        "vouchers": list(
            vouchers.values(
                "id", "loan_id", "kind", "amount", "merchant", "spent_date", "note", "state", "received_at", "answer"
            )
        ),
        "voucher_demands": list(
            demands.values("loan_id", "state", "asked_amount", "accepted_amount", "opened_date", "due_date")
        ),
        "forbidden_uses": list(
            misuses.values("loan_id", "use", "state", "reason", "found_at", "lift_reason", "lifted_at")
        ),
    }
