"""Asking the twelve layers before a loan: what the book knows goes with the question (R33, R37)."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, Sum

from accounts.models import Device
from loans.errors import PurposeForbidden, VoucherMissing
from loans.models import Instalment, Loan, LoanState
from loans.selectors.quote import Quote
from loans.selectors.voucher import is_proof_owed, misused_count, misuses_standing, proofs_owed
from risk.models import CreditLine
from risk.rules.screening.use import FORBIDDEN_PURPOSE, MISUSED_BEFORE, PURPOSE
from risk.selectors.screening import LoanAsked
from risk.services.screening import screen, screening_refusal
from weilidai.lib.audit import Actor
from weilidai.lib.errors import DomainError
from weilidai.lib.money import ZERO, round_money
from weilidai.lib.prepared import Ask, prepared

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
    rows = _asked_before(line.customer_id, at - DAY, at - WEEK)
    count_24h, amount_24h, count_7d, amount_7d = rows[0] if rows else (0, None, 0, None)
    return LoanAsked(
        amount=quote.terms.principal,
        purpose=purpose,
        count_24h=count_24h,
        amount_24h=_money(amount_24h),
        count_7d=count_7d,
        amount_7d=_money(amount_7d),
        own_due_amount=_due_soon(line, quote, as_of + timedelta(days=DUE_DAYS)),
        misused=misused,
    )


def _money(total: Decimal | None) -> Decimal:
    return ZERO if total is None else round_money(total)


@prepared
def _asked_before(customer: Any, day: Any, week: Any) -> Any:
    """Loans asked for since an instant a day ago and one a week ago."""
    rows = Loan.objects.filter(customer_id=customer, requested_at__gt=week).order_by().values("customer_id")
    newest = Q(requested_at__gt=day)
    sums = rows.annotate(
        count_24h=Count("pk", filter=newest), amount_24h=Sum("principal_amount", filter=newest),
        count_7d=Count("pk"), amount_7d=Sum("principal_amount"),
    )  # fmt: skip
    return sums.values_list("count_24h", "amount_24h", "count_7d", "amount_7d")


def _due_soon(line: CreditLine, quote: Quote, until: date) -> Decimal:
    """What falls due with us up to a day by the schedules, what is overdue included."""
    running = _due_until(line.customer_id, until)
    asked = sum((row.total for row in quote.schedule if row.due_date <= until), ZERO)
    return _money(running[0] if running else None) + asked


@prepared
def _due_until(customer: Any, until: Any) -> Any:
    owed = F("principal_amount") + F("interest_amount") + F("fee_amount")
    paid = F("principal_paid_amount") + F("interest_paid_amount") + F("fee_paid_amount")
    rows = Instalment.objects.filter(
        loan__customer_id=customer, loan__state=LoanState.ACTIVE, settled_date__isnull=True, due_date__lte=until
    )
    sums = rows.order_by().values("loan__customer_id").annotate(total=Sum(owed - paid))
    return sums.values_list("total", flat=True)


def book_asked(customer: UUID, as_of: date, at: datetime) -> tuple[Ask, ...]:
    """What `loan_screen` will want to know of the book, for a caller who asks it ahead."""
    return (
        misuses_standing.of(customer),
        proofs_owed.of(customer),
        _asked_before.of(customer, at - DAY, at - WEEK),
        _due_until.of(customer, as_of + timedelta(days=DUE_DAYS)),
    )
