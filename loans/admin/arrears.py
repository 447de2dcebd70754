"""The page of a loan's past: days past due evening by evening, class and bucket month by month (R53)."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from loans.admin.portfolio_charts import Chart, arrears_charts
from loans.maths.vintage import History
from loans.models import Loan, LoanState
from loans.selectors.loan_history import MonthStanding, Standings, loan_standings
from loans.selectors.portfolio import newest_closed
from loans.selectors.portfolio_tables import CLASS_WORDS, bucket_word
from weilidai.lib.backoffice import ReadOnlyAdmin
from weilidai.lib.replica import reports

# Stretches shown; a loan repaid daily has thousands.
STRETCHES_MAX = 500


class ArrearsPages(ReadOnlyAdmin):
    """Mixed into the pages of loans."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.arrears_view)
        page = path("<uuid:loan_id>/arrears/", view, name="loans_loan_arrears")
        return [page, *super().get_urls()]

    @admin.display(description=_("Arrears so far"))
    def arrears(self, loan: Loan) -> SafeString | str:
        if loan.start_date is None:
            return "–"
        page = reverse("admin:loans_loan_arrears", args=[loan.pk])
        return format_html('<a class="text-primary-600" href="{}">{}</a>', page, _("Days past due and class"))

    def arrears_view(self, request: HttpRequest, loan_id: UUID) -> HttpResponse:
        if not request.user.has_perm("loans.view_loan"):
            raise PermissionDenied
        loan = Loan.objects.select_related("customer", "product").filter(pk=loan_id).first()
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
            "stretches": [_stretch(line) for line in found.stretches[: -STRETCHES_MAX - 1 : -1]],
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


def _stretch(line: History) -> dict[str, Any]:
    return {"told": line, "word": LoanState(line.state).label, "outstanding": f"{line.outstanding:,.2f}"}
