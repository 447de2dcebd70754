"""What this app holds about a person, and what stands against erasing it (R55)."""

from typing import Any

from accounts.models import Customer
from risk.models import (
    Appeal,
    AssetProof,
    CreditApplication,
    CreditLine,
    Decision,
    LineState,
    LoginRecord,
    Screening,
    Signature,
)


def has_open_line(customer: Customer) -> bool:
    """A line that is not closed keeps the person's data in use."""
    return CreditLine.objects.filter(customer=customer).exclude(state=LineState.CLOSED).exists()


def export(customer: Customer) -> dict[str, Any]:
    """Applications, signatures, decisions with their inputs, and lines."""
    applications = CreditApplication.objects.filter(customer=customer)
    signatures = Signature.objects.filter(customer=customer)
    decisions = Decision.objects.filter(customer=customer)
    lines = CreditLine.objects.filter(customer=customer)
    appeals = Appeal.objects.filter(customer=customer)
    proofs = AssetProof.objects.filter(customer=customer)
    return {
        "applications": list(applications.values("id", "product_id", "state", "started_date", "decided_at")),
        "signatures": list(signatures.values("document__code", "document__version", "sha256", "signed_at", "ip")),
        "decisions": list(
            decisions.values("id", "outcome", "score", "dimensions", "reasons", "inputs", "business_date", "note")
        ),
        "appeals": list(appeals.values("id", "state", "statement", "received_at", "due_at", "answer", "answered_at")),
        "asset_proofs": list(proofs.values("id", "kind", "state", "received_at", "valid_until", "answer")),
        "logins": list(LoginRecord.objects.filter(customer=customer).values("at", "ip", "city", "device")),
        # That a check ran is told; how it works is not.
        "screenings": list(Screening.objects.filter(customer=customer).values("id", "event", "at")),
        "credit_lines": list(
            lines.values(
                "id", "product_id", "state", "tier", "limit_amount", "used_amount", "daily_rate", "opened_date"
            )
        ),
    }


def erase(customer: Customer) -> None:
    """Blanks what the person wrote; that there was an appeal stays."""
    Appeal.objects.filter(customer=customer).update(statement="")
