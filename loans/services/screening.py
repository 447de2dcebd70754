"""Asking the twelve layers before a loan: what the book knows goes with the question (R33, R37)."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, Sum

from accounts.models import Device
from loans.errors import PurposeForbidden, VoucherMissing
from loans.models import Instalment, Loan, LoanState
from loans.selectors.quote import Quote
from loans.selectors.voucher import is_proof_owed, misused_count
from risk.models import CreditLine
from risk.rules.screening.use import FORBIDDEN_PURPOSE, MISUSED_BEFORE, PURPOSE
from risk.selectors.screening import LoanAsked
from risk.services.screening import screen, screening_refusal
from weilidai.lib.audit import Actor
from weilidai.lib.errors import DomainError
from weilidai.lib.money import ZERO, round_money

DAY, WEEK = timedelta(days=1), timedelta(days=7)
DUE_DAYS = 30


def loan_screen(
    *,
    line: CreditLine,
    quote: Quote,
    purpose: str,
    device: Device | None,
    ip: str | None,
    as_of: date,
    at: datetime,
    actor: Actor,
) -> DomainError | None:
    """The refusal to raise once the transaction is committed, None where the loan may go on.

    Called with all lines of the customer under lock, so that parallel loans count each other.
    """
    misused = misused_count(line.customer)
    screening = screen(
        event="loan", customer=line.customer, subject=line, device=device, ip=ip, as_of=as_of, at=at, actor=actor,
        loan=loan_asked(line, quote, purpose, as_of, at, misused),
    )  # fmt: skip
    refusal = screening_refusal(screening)
    if refusal is None or _is_purpose(screening.result):
        # Whatever the layers are set to do about it, and whether or not they run.
        refusal = _use_refusal(line, misused, refusal)
    return refusal


def _use_refusal(line: CreditLine, misused: int, refusal: DomainError | None) -> DomainError | None:
    """What the customer said or was told before may be named; the run of the layers is kept (R52)."""
    if refusal is not None or misused:
        refusal = PurposeForbidden()
    elif is_proof_owed(line.customer):
        refusal = VoucherMissing()
    if refusal is not None:
        refusal.keeps_work = True
    return refusal


def _is_purpose(result: dict[str, Any]) -> bool:
    """Whether the purpose of this loan or the use of an earlier one alone refused."""
    layer = next(row for row in result["layers"] if row["layer"] == PURPOSE.code)
    found = {finding["condition"] for finding in layer["findings"]}
    return result["decided_by"] == PURPOSE.code and bool(found & {FORBIDDEN_PURPOSE, MISUSED_BEFORE})


def loan_asked(line: CreditLine, quote: Quote, purpose: str, as_of: date, at: datetime, misused: int = 0) -> LoanAsked:
    """The loan and those of the same customer in the windows before it; failed ones count, for they were asked for."""
    rows = Loan.objects.filter(customer_id=line.customer_id, requested_at__gt=at - WEEK)
    day = Q(requested_at__gt=at - DAY)
    sums = rows.order_by().aggregate(
        count_24h=Count("pk", filter=day), amount_24h=Sum("principal_amount", filter=day),
        count_7d=Count("pk"), amount_7d=Sum("principal_amount"),
    )  # fmt: skip
    return LoanAsked(
        amount=quote.terms.principal,
        purpose=purpose,
        count_24h=sums["count_24h"],
        amount_24h=_money(sums["amount_24h"]),
        count_7d=sums["count_7d"],
        amount_7d=_money(sums["amount_7d"]),
        own_due_amount=_due_soon(line, quote, as_of + timedelta(days=DUE_DAYS)),
        misused=misused,
    )


def _money(total: Decimal | None) -> Decimal:
    return ZERO if total is None else round_money(total)


def _due_soon(line: CreditLine, quote: Quote, until: date) -> Decimal:
    """What falls due with us up to a day by the schedules, what is overdue included."""
    owed = F("principal_amount") + F("interest_amount") + F("fee_amount")
    paid = F("principal_paid_amount") + F("interest_paid_amount") + F("fee_paid_amount")
    rows = Instalment.objects.filter(
        loan__customer_id=line.customer_id, loan__state=LoanState.ACTIVE, settled_date__isnull=True, due_date__lte=until
    )
    running = rows.order_by().aggregate(total=Sum(owed - paid))["total"]
    asked = sum((row.total for row in quote.schedule if row.due_date <= until), ZERO)
    return _money(running) + asked
