"""The page of a loan's past: days past due evening by evening, class and bucket month by month (R53)."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from loans.admin.portfolio_charts import Chart, arrears_charts
from loans.models import LoanState
from loans.selectors.loan_history import MonthStanding, Standings, loan_standings
from loans.selectors.portfolio import newest_closed
from loans.selectors.portfolio_tables import CLASS_WORDS, bucket_word
from weilidai.lib.backoffice import may
from weilidai.lib.replica import reports

# Stretches shown; a loan repaid daily has thousands.
STRETCHES_MAX = 500


class ArrearsPages:
    """Mixed into the pages of loans."""

    admin_site: Any
    detail_url: Any
    get_object: Any

    @action(  # type: ignore[untyped-decorator]
        description=_("Arrears so far"), icon="monitoring", permissions=[may("loans.view_loan")]
    )
    def arrears(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The theme asks for the permission before it comes here."""
        loan = self.get_object(request, object_id)
        if loan is None:
            raise Http404
        newest = newest_closed()
        with reports():
            found = loan_standings(loan.pk, newest) if newest else Standings([], [], [])
        context = {
            **self.admin_site.each_context(request),
            "title": _("Arrears so far"),
            "loan": loan,
            "loan_url": self.detail_url(loan.pk),
            "newest": newest,
            "charts": _charts(found),
            "months": [_month(line) for line in reversed(found.months)],
            "stretches": [(line, LoanState(line.state).label) for line in found.stretches[: -STRETCHES_MAX - 1 : -1]],
            "is_cut": len(found.stretches) > STRETCHES_MAX,
            "worst": max((line.days_last for line in found.stretches), default=0),
        }
        return TemplateResponse(request, "backoffice/arrears.html", context)


def _charts(found: Standings) -> list[Chart]:
    return arrears_charts(found) if found.months else []


def _month(line: MonthStanding) -> dict[str, Any]:
    is_active = bool(line.risk_class)
    return {
        "day": line.day,
        "word": CLASS_WORDS[line.risk_class] if is_active else LoanState(line.state).label,
        "bucket": bucket_word(line.bucket) if is_active else "–",
        "days": line.days,
        "outstanding": f"{line.outstanding:,.2f}",
    }
