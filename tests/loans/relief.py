"""Helpers to rearrange a loan in difficulty, asked for by one and agreed to by another."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import StaffUser
from loans.maths.rearrangement import Agreed
from loans.models import Approval, CollectionAction, Loan, Rearrangement
from loans.services.approval import approval_approve, approval_request
from loans.services.history import Act
from loans.services.rearrangement import Consent, loan_rearrange
from tests.loans.builders import NOW, TODAY
from weilidai.lib.audit import Actor

SIGNED = Consent("signed", "HT-2026-001")


def terms_of(on: date, **values: Any) -> Agreed:
    """Six instalments from two months on, interest stopped, the penalty given up."""
    return Agreed(
        **{
            "periods": 6,
            "first_due_date": on + timedelta(days=60),
            "daily_rate": Decimal("0"),
            "waives_penalty": True,
            "stops_penalty": True,
            **values,
        }
    )


def rearrange(loan: Loan, on: date, **values: Any) -> Rearrangement:
    """Done at once, past the two persons."""
    return loan_rearrange(loan_id=loan.pk, agreed=terms_of(on, **values), consent=SIGNED, act=act_on(on))


def act_on(on: date) -> Act:
    return Act(Actor.system("test"), on, NOW + (on - TODAY), "hardship")


def payload(agreed: Agreed) -> dict[str, str]:
    """What an act for two persons holds of it."""
    values = {name: str(value) for name, value in agreed.content().items()}
    return {**values, "consent": SIGNED.kind, "consent_reference": SIGNED.reference,
            "consent_reason": "has no phone"}  # fmt: skip


def ask(
    user: StaffUser, loan: Loan, on: date, *, begins_date: date | None = None, wish: CollectionAction | None = None,
    **values: Any,
) -> Approval:  # fmt: skip
    """Terms count from the day it begins."""
    return approval_request(
        kind="rearrange", customer=loan.customer, loan=loan, payload=payload(terms_of(begins_date or on, **values)),
        reason="lost the job", user=user, as_of=on, at=NOW + (on - TODAY), begins_date=begins_date, wish=wish,
    )  # fmt: skip


def agree(user: StaffUser, approval: Approval, on: date) -> Rearrangement:
    approval_approve(approval_id=approval.pk, user=user, as_of=on, at=NOW + (on - TODAY))
    return Rearrangement.objects.order_by("-id")[0]
