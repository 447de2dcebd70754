"""Papers of a loan and of its customer, as PDF from the pages of the back office. Each look is recorded."""

from datetime import date
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from accounts.models import Customer
from loans.models import Loan, LoanState
from loans.monthly_paper import monthly_statement_pdf
from loans.papers import settlement_certificate_pdf, statement_pdf
from loans.selectors.monthly import customer_month, months_of
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.backoffice import ReadOnlyAdmin, staff_of
from weilidai.lib.business_date import current_business_date
from weilidai.lib.months import MONTH
from weilidai.lib.pdf import pdf_response

LANGUAGES = {"zh": "zh-hans", "en": "en"}


class PaperPages(ReadOnlyAdmin):
    """Mixed into the pages of loans."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        mine = [
            path("<uuid:loan_id>/statement/", view(self.statement_view), name="loans_loan_statement"),
            path("<uuid:loan_id>/certificate/", view(self.certificate_view), name="loans_loan_certificate"),
            path(
                f"statements/<uuid:customer_id>/{MONTH}/",
                view(self.monthly_view),
                name="loans_monthly_statement",
            ),
        ]
        return [*mine, *super().get_urls()]

    @admin.display(description=_("papers"))
    def papers(self, loan: Loan) -> SafeString | str:
        """Links to what can be printed of this loan, in both languages."""
        if loan.start_date is None or loan.state == LoanState.FAILED:
            return "–"
        names = [("loans_loan_statement", _("Loan statement"))]
        if loan.settled_date is not None:
            names.append(("loans_loan_certificate", _("Certificate of settlement")))
        rows = (
            (reverse(f"admin:{name}", args=[loan.pk]), language, label, language)
            for name, label in names
            for language in LANGUAGES
        )
        return format_html_join(" · ", '<a class="text-primary-600" href="{}?language={}">{} ({})</a>', rows)

    def statement_view(self, request: HttpRequest, loan_id: UUID) -> HttpResponse:
        """From the payout to today."""
        loan, today = _loan(request, loan_id), current_business_date()
        if loan.start_date is None or loan.state == LoanState.FAILED:
            raise Http404
        with override(_language(request)):
            content = statement_pdf(loan, first=loan.start_date, last=today, on=today)
        return _answer(request, loan.customer, content, f"statement-{loan.pk}")

    def certificate_view(self, request: HttpRequest, loan_id: UUID) -> HttpResponse:
        loan = _loan(request, loan_id)
        if loan.settled_date is None:
            raise Http404
        with override(_language(request)):
            content = settlement_certificate_pdf(loan, on=current_business_date())
        return _answer(request, loan.customer, content, f"settlement-{loan.pk}")

    def monthly_view(self, request: HttpRequest, customer_id: UUID, month: date) -> HttpResponse:
        _permission_check(request)
        customer = Customer.objects.filter(pk=customer_id).first()
        if customer is None or month not in months_of(customer, current_business_date()):
            raise Http404
        with override(_language(request)):
            content = monthly_statement_pdf(customer_month(customer, month))
        return _answer(request, customer, content, f"statement-{month:%Y-%m}")


def monthly_links(customer: Customer, count: int = 12) -> list[SafeString]:
    """Links to the statements of the last months, for the page of a customer."""
    months = months_of(customer, current_business_date())[:count]
    return [_month_link(customer, month) for month in months]


def _month_link(customer: Customer, month: date) -> SafeString:
    page = reverse("admin:loans_monthly_statement", args=[customer.pk, month])
    links = format_html_join(
        " ",
        '<a class="text-primary-600 dark:text-primary-500" href="{}?language={}">{}</a>',
        ((page, code, name) for code, name in (("zh", "中文"), ("en", "English"))),
    )
    return format_html("{} {}", f"{month:%Y-%m}", links)


def _language(request: HttpRequest) -> str:
    return LANGUAGES.get(request.GET.get("language", ""), LANGUAGES["zh"])


def _permission_check(request: HttpRequest) -> None:
    if not request.user.has_perm("loans.view_loan"):
        raise PermissionDenied


def _loan(request: HttpRequest, loan_id: UUID) -> Loan:
    _permission_check(request)
    loan = Loan.objects.select_related("customer", "product").filter(pk=loan_id).first()
    if loan is None:
        raise Http404
    return loan


def _answer(request: HttpRequest, customer: Customer, content: bytes, name: str) -> HttpResponse:
    """A paper names its customer in full, so that it was looked at is kept."""
    audit_record(
        action="paper.read",
        actor=Actor.of(staff_of(request)),
        subject=customer,
        at=timezone.now(),
        as_of=current_business_date(),
        after={"paper": name},
    )
    return pdf_response(content, name)
