"""What a back-test reads: the draft, the decisions of a span of dates, about whom, and the loans."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Customer
from risk.models import (
    BacktestRun,
    CreditLine,
    Decision,
    LoanTape,
    PaymentEvent,
    ProductTerms,
    Scorecard,
    Screening,
    ScreeningPolicy,
)
from risk.rules.backtest_figures import LoanSeen
from risk.rules.workbench.fairness import UNKNOWN, age_band
from risk.selectors.policy import terms_snapshot
from risk.selectors.tape import OWING
from weilidai.lib.money import ZERO

KINDS: dict[type, str] = {
    ScreeningPolicy: BacktestRun.Kind.SCREENING,
    Scorecard: BacktestRun.Kind.SCORECARD,
    ProductTerms: BacktestRun.Kind.TERMS,
}
Draft = ScreeningPolicy | Scorecard | ProductTerms
SEX_PLACE = 16


def draft_snapshot(policy: Draft) -> dict[str, Any]:
    """What is judged by, as it stands now, ready for JSON."""
    if isinstance(policy, ScreeningPolicy):
        return {"definition": policy.definition}
    if isinstance(policy, Scorecard):
        return {"code": policy.code, "version": policy.version, "definition": policy.definition}
    return terms_snapshot(policy)


def backtest_newest(policy_id: UUID) -> BacktestRun | None:
    """The last back-test somebody started for a draft."""
    return BacktestRun.objects.filter(policy_id=policy_id).select_related("requested_by").order_by("-pk").first()


def population(run: BacktestRun) -> QuerySet[Any]:
    """What is judged, by key: runs of the layers, or decisions the rules made by themselves."""
    span = {"business_date__gte": run.period_from, "business_date__lte": run.period_to}
    if run.kind == BacktestRun.Kind.SCREENING:
        return Screening.objects.filter(**span).order_by("pk")
    rows = Decision.objects.filter(**span, decided_by__isnull=True, answers__isnull=True)
    return (rows.filter(product=run.product_id) if run.product_id else rows).order_by("pk")


def is_sampled(key: UUID, every: int) -> bool:
    """The tail of a key is random: the same keys belong to the sample at every run."""
    return key.int % every == 0


def people_groups(customers: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Occupation, sex and birth date of customers as known now; sex is read for the fairness table alone (R25)."""
    rows = Customer.objects.filter(pk__in=set(customers)).only(
        "registered_occupation", "declared_occupation", "id_number", "birth_date"
    )
    return {
        row.pk: {"occupation": row.occupation or UNKNOWN, "sex": sex_of(row.id_number), "born": row.birth_date}
        for row in rows
    }


def sex_of(id_number: str) -> str:
    """By the 17th digit of a resident's identity number: odd for men."""
    digit = id_number[SEX_PLACE : SEX_PLACE + 1]
    if not digit.isdecimal():
        return UNKNOWN
    return "male" if int(digit) % 2 else "female"


def band_of_birth(born: date | None, on: date) -> str:
    """The age band of somebody on a date."""
    if born is None:
        return UNKNOWN
    return age_band(str(on.year - born.year - ((on.month, on.day) < (born.month, born.day))))


def lines_of(applications: Sequence[UUID]) -> dict[UUID, UUID]:
    """The line each application led to, by application."""
    rows = CreditLine.objects.filter(application__in=applications)
    return dict(rows.values_list("application_id", "pk"))


def transfers_above(threshold: Decimal, first: date, last: date) -> int:
    """How many transfers of these dates lie above an amount (R34)."""
    rows = PaymentEvent.objects.filter(
        kind=PaymentEvent.Kind.TRANSFER_OUT, date__gte=first, date__lte=last, amount__gt=threshold
    )
    return rows.order_by().count()


def loans_seen(lines: Sequence[UUID], as_of: date) -> dict[UUID, list[tuple[date, LoanSeen]]]:
    """Loans of each line with the day they were paid out, as the tape knew them at the end of `as_of`."""
    columns = ("credit_line_id", "loan_id", "business_date", "valid_to", "state", "start_date", "principal_amount",
               "outstanding_principal_amount", "unpaid_due_date")  # fmt: skip
    rows = LoanTape.objects.filter(credit_line__in=lines, business_date__lte=as_of).order_by("business_date", "id")
    histories: dict[tuple[UUID, UUID], list[tuple[Any, ...]]] = defaultdict(list)
    for line, loan, *rest in rows.values_list(*columns):
        histories[line, loan].append(tuple(rest))
    found: dict[UUID, list[tuple[date, LoanSeen]]] = defaultdict(list)
    for (line, _), history in sorted(histories.items()):
        found[line].append((history[-1][3], _loan_seen(history, as_of)))
    return found


def _loan_seen(history: list[tuple[Any, ...]], as_of: date) -> LoanSeen:
    worst, now = 0, 0
    for _begins, ends, state, _start, _principal, _outstanding, due in history:
        now = 0
        if due is not None and state in OWING:
            last = min(ends or as_of, as_of)
            now = max(0, (last - due) // timedelta(days=1))
            worst = max(worst, now)
    _, _, state, _, principal, outstanding, _ = history[-1]
    owed = outstanding if state in OWING else ZERO
    return LoanSeen(principal, owed, worst, now, is_written_off=state == "written_off")
