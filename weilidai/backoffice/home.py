"""The home page: the business date, today's figures, what is waiting, two charts. Figures only, no lists."""

import json
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from loans.maths.delinquency import bucket_of
from loans.models import UNDECIDED, Loan, LoanEvent, LoanState, Payout, PortfolioFigure, ProductAccrual, Repayment
from loans.selectors.portfolio import newest_closed, npl_limit, npl_lines
from loans.selectors.voucher import demands_missing, vouchers_waiting
from risk.models import (
    OPEN_APPEALS,
    Appeal,
    AssetProof,
    CreditApplication,
    CreditLine,
    DecisionContest,
    Invitation,
    LineState,
    ProofState,
)
from risk.selectors.appeals import appeals_late
from weilidai.backoffice.desk import approval_card, desk_waiting
from weilidai.lib.backoffice.charts import chart_options
from weilidai.lib.business_date import clock_date, current_business_date
from weilidai.lib.models import BusinessDay, JobRun
from weilidai.lib.money import ZERO
from weilidai.lib.replica import reports

CHART_DAYS = 14


def environment_badge(request: HttpRequest) -> list[str] | None:
    """A word in the corner where the sandbox institutions are in use."""
    return [_("Sandbox"), "warning"] if settings.DEBUG else None


def home_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    today, may_see_loans = current_business_date(), request.user.has_perm("loans.view_loan")
    with reports():
        cards, charts = (_cards(today), _charts(today)) if may_see_loans else ([], [])
        if request.user.has_perm("loans.view_portfoliofigure"):
            cards = [*cards, npl_card(today)]
    context |= {
        "business_date": today,
        "follows_clock": BusinessDay.objects.filter(date=today, follows_clock=True).exists(),
        "days_behind": max(0, (clock_date(timezone.now()) - today).days),
        "cards": cards,
        "waiting": [
            item for item in [*_waiting(today), *desk_waiting(request)] if request.user.has_perm(item["permission"])
        ],
        "charts": charts,
    }
    return context


def _yuan(amount: Any) -> str:
    return f"¥ {amount or ZERO:,.2f}"


def _cards(today: date) -> list[dict[str, Any]]:
    book, evening = _book(today)
    lent = _paid_out().filter(business_date=today).aggregate(total=Sum("principal_amount"), count=Count("pk"))
    received = Repayment.objects.filter(effective_date=today).aggregate(total=Sum("amount"), count=Count("pk"))
    lines = CreditLine.objects.exclude(state=LineState.CLOSED).aggregate(
        count=Count("pk"), limit=Sum("limit_amount"), used=Sum("used_amount")
    )
    return [
        _card(
            _("Outstanding principal"), _yuan(book["owed"]), _("{n} open loans").format(n=book["count"] or 0) + evening
        ),
        _card(_("Paid out today"), _yuan(lent["total"]), _("{n} loans").format(n=lent["count"])),
        _card(_("Received today"), _yuan(received["total"]), _("{n} repayments").format(n=received["count"])),
        _card(_("Overdue principal"), _yuan(book["overdue"]), _share_of(book["overdue"], book["owed"])),
        _card(_("Credit lines"), f"{lines['count']:,}", _("limits {n}").format(n=_yuan(lines["limit"]))),
        approval_card(today),
    ]


def _book(today: date) -> tuple[dict[str, Any], str]:
    """The open book as it was on the last evening, with words that say so: the night has added it up. Before the first
    night it is added up here.
    """
    amount, newest = Sum("outstanding_principal_amount"), newest_closed()
    if newest is None:
        late = Sum("outstanding_principal_amount", filter=Q(next_due_date__lt=today))
        return Loan.objects.filter(state=LoanState.ACTIVE).aggregate(count=Count("pk"), owed=amount, overdue=late), ""
    late = Sum("outstanding_principal_amount", filter=~Q(bucket=bucket_of(0)))
    figures = PortfolioFigure.objects.filter(business_date=newest)
    found = figures.aggregate(count=Sum("loans_count"), owed=amount, overdue=late)
    return found, " · " + _("evening of {day}").format(day=newest)


def _paid_out() -> QuerySet[LoanEvent]:
    return LoanEvent.objects.filter(kind=LoanEvent.Kind.DRAWDOWN)


def npl_card(today: date) -> dict[str, Any]:
    """The bad-loan ratio of the last evening beside its limit (R53)."""
    newest = newest_closed()
    line = next((line for line in npl_lines(newest) if not line.product), None) if newest else None
    limit = npl_limit(newest or today)
    note = _("limit {n} %, evening of {day}").format(n=f"{(limit * 100).normalize():f}", day=newest or "–")
    value = f"{line.ratio * 100:.2f} %" if line else "–"
    is_past = line is not None and line.is_past(limit)
    return _card(_("NPL ratio"), value, note) | {"url": reverse("admin:loans_portfolio"), "is_bad": is_past}


def _share_of(part: Any, whole: Any) -> str:
    share = (part or ZERO) / whole * 100 if whole else ZERO
    return _("{n} % of the outstanding principal").format(n=f"{share:.2f}")


def _card(title: str, value: str, note: str) -> dict[str, Any]:
    return {"title": title, "value": value, "note": note}


def _waiting(today: date) -> list[dict[str, Any]]:
    stuck = timezone.now() - timedelta(minutes=2)
    rows = (
        (_("Applications to decide"), CreditApplication.objects.filter(state="referred"),
         "risk_creditapplication", "state__exact=referred", "risk.view_creditapplication"),
        (_("Contested decisions"), DecisionContest.objects.filter(state="open"),
         "risk_decisioncontest", "state__exact=open", "risk.view_decisioncontest"),
        (_("Appeals to answer"), Appeal.objects.filter(state__in=OPEN_APPEALS),
         "risk_appeal", "open=yes", "risk.view_appeal"),
        (_("Appeals reminded of"), Appeal.objects.filter(state__in=OPEN_APPEALS, reminded_at__isnull=False),
         "risk_appeal", "open=yes", "risk.view_appeal"),
        (_("Late appeals"), appeals_late(today), "risk_appeal", "open=late", "risk.view_appeal"),
        (_("Asset proofs to review"), AssetProof.objects.filter(state=ProofState.SUBMITTED),
         "risk_assetproof", "state__exact=submitted", "risk.view_assetproof"),
        (_("Vouchers to review"), vouchers_waiting(), "loans_voucher", "state__exact=submitted", "loans.view_voucher"),
        (_("Missing vouchers"), demands_missing(),
         "loans_voucherdemand", "state__exact=missing", "loans.view_voucherdemand"),
        (_("Frozen lines"), CreditLine.objects.filter(state=LineState.FROZEN),
         "risk_creditline", "state__exact=frozen", "risk.view_creditline"),
        (_("Overdue loans"), Loan.objects.filter(state=LoanState.ACTIVE, next_due_date__lt=today),
         "loans_loan", "overdue=yes", "loans.view_loan"),
        (_("Payouts without an answer"), Payout.objects.filter(state__in=UNDECIDED, requested_at__lt=stuck),
         "loans_payout", "", "loans.view_payout"),
        (_("Invitations ending within 3 days"),
         Invitation.objects.filter(state="issued", expires_date__lte=today + timedelta(days=3)),
         "risk_invitation", "state__exact=issued", "risk.view_invitation"),
        (_("Failed jobs"), JobRun.objects.filter(state=JobRun.State.FAILED),
         "lib_jobrun", "state__exact=failed", "lib.view_jobrun"),
    )  # fmt: skip
    return [
        {
            "title": title,
            "count": queryset.order_by()[:10_000].count(),
            "url": reverse(f"admin:{name}_changelist") + (f"?{query}" if query else ""),
            "permission": permission,
            "urgent": query == "open=late",
        }
        for title, queryset, name, query, permission in rows
    ]


def _per_day(queryset: Any, field: str, amount: str, since: date) -> dict[date, float]:
    rows = queryset.filter(**{f"{field}__gte": since}).values(field).annotate(total=Sum(amount)).order_by()
    # A chart's coordinates, not money: nothing is computed from them.
    return {row[field]: float(row["total"]) for row in rows}


def _charts(today: date) -> list[dict[str, Any]]:
    days = [today - timedelta(days=back) for back in range(CHART_DAYS - 1, -1, -1)]
    out = _per_day(_paid_out(), "business_date", "principal_amount", days[0])
    received = _per_day(Repayment.objects, "effective_date", "amount", days[0])
    earned = _per_day(ProductAccrual.objects, "business_date", "amount", days[0])
    labels = [day.strftime("%m-%d") for day in days]
    return [
        {
            "title": _("Paid out and received, yuan a day"),
            "data": _chart_data(labels, (_("Paid out"), out, 600), (_("Received"), received, 300), days=days),
            "options": chart_options(),
        },
        {
            "title": _("Income booked, yuan a day"),
            "data": _chart_data(labels, (_("Income"), earned, 500), days=days),
            "options": chart_options(legend=False),
        },
    ]


def _chart_data(labels: list[str], *series: tuple[str, dict[date, float], int], days: list[date]) -> str:
    datasets = [
        {
            "label": label,
            "data": [values.get(day, 0) for day in days],
            "backgroundColor": f"var(--color-primary-{shade})",
            "borderRadius": 4,
        }
        for label, values, shade in series
    ]
    return json.dumps({"labels": labels, "datasets": datasets})
