"""What adds up in the tables themselves: the database sums and compares, and only what differs is read."""

from collections.abc import Iterator
from decimal import Decimal

from django.db.models import DecimalField, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from loans.books.fault import Fault
from loans.models import Instalment, Loan, LoanState, Payout, PayoutState, Repayment

# SQLite adds in binary numbers: what differs by less than half a fen does not differ.
HALF_FEN = Decimal("0.005")
NO_MONEY = Value(Decimal("0"), output_field=DecimalField(max_digits=18, decimal_places=2))
PAID_OUT = (LoanState.ACTIVE, LoanState.SETTLED, LoanState.WRITTEN_OFF)
NOT_PAID = (PayoutState.REFUSED, PayoutState.RETURNED)


def differs(one: str, other: str) -> Q:
    """Two columns, or what they were annotated with."""
    return Q(**{f"{one}__gt": F(other) + HALF_FEN}) | Q(**{f"{one}__lt": F(other) - HALF_FEN})


def schedules_sum(among: QuerySet[Loan] | None = None) -> Iterator[Fault]:
    """I9: the instalments of a loan add up to its principal and stand as agreed; what a rearrangement moved on stands
    in the next schedule.
    """
    kept = Coalesce(Sum(F("instalments__principal_amount") - F("instalments__moved_amount")), NO_MONEY)
    loans = Loan.objects.all() if among is None else among
    rows = loans.filter(start_date__isnull=False).annotate(parts=kept).filter(differs("parts", "principal_amount"))
    for key, parts, principal in rows.order_by("pk").values_list("pk", "parts", "principal_amount").iterator():
        yield Fault("schedules_sum", str(key), f"instalments {parts}, principal {principal}")


def payouts_match_loans(among: QuerySet[Loan] | None = None) -> Iterator[Fault]:
    """I8: a loan is paid out exactly when the bank said so, and one drawdown entry stands for it."""
    decided = (PayoutState.PAID, *NOT_PAID)
    wrong = (
        (Q(state=PayoutState.PAID) & ~Q(loan__state__in=PAID_OUT))
        | (Q(state__in=NOT_PAID) & ~Q(loan__state=LoanState.FAILED))
        | (~Q(state__in=decided) & ~Q(loan__state=LoanState.DISBURSING))
        | ~Q(amount=F("loan__principal_amount"))
    )
    theirs = Q(loan__isnull=False) if among is None else Q(loan__in=among)
    rows = Payout.objects.filter(wrong, theirs).order_by("pk")
    columns = ("reference", "state", "loan__state", "amount", "loan__principal_amount")
    for reference, state, loan, amount, principal in rows.values_list(*columns).iterator():
        detail = f"payout {state}, loan {loan}; amount {amount} of {principal}"
        yield Fault("payouts_match_loans", reference, detail)


def repayments_add_up(among: QuerySet[Loan] | None = None) -> Iterator[Fault]:
    """What a repayment paid adds up to its amount, in the row and in its allocations."""
    columns = F("penalty_amount") + F("fee_amount") + F("interest_amount") + F("principal_amount")
    theirs = Q() if among is None else Q(loan__in=among)
    rows = Repayment.objects.filter(theirs).annotate(
        parts=Coalesce(Sum("allocations__amount"), NO_MONEY) + F("unapplied_amount"),
        total=columns + F("unapplied_amount"),
    )
    wrong = rows.filter(differs("amount", "parts") | differs("amount", "total")).order_by("pk")
    for key, amount, parts, total in wrong.values_list("pk", "amount", "parts", "total").iterator():
        yield Fault("repayments_add_up", str(key), f"amount {amount}, parts {parts}, columns {total}")


def instalments_not_overpaid() -> Iterator[Fault]:
    """No instalment took more principal than it has."""
    rows = Instalment.objects.filter(principal_paid_amount__gt=F("principal_amount"))
    for row in rows.iterator():
        yield Fault("instalments_not_overpaid", str(row.pk), f"paid {row.principal_paid_amount}")
