from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import DateField, QuerySet, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter, RangeNumericFilter

from loans.admin.arrears import ArrearsPages
from loans.admin.lives import LoanActs, RepaymentActs
from loans.admin.money import offer_link
from loans.admin.papers import PaperPages
from loans.admin.relief import OfferInline, RearrangementInline, ReliefActs
from loans.maths.delinquency import bucket_of, days_past_due
from loans.models import CostDisclosure, DelinquencyFact, Instalment, Loan, LoanEvent, LoanState, Repayment
from weilidai.lib.backoffice import ReadOnlyAdmin, badge
from weilidai.lib.backoffice.admin import ReadOnlyInline
from weilidai.lib.backoffice.told import Told
from weilidai.lib.business_date import current_business_date

# Some loans have thousands of repayments; a row of the page takes the server some two milliseconds.
ROWS_AT_ONCE = 15


class InstalmentInline(ReadOnlyInline):
    model = Instalment
    fields = ("number", "start_date", "due_date", "principal_amount", "interest_amount", "fee_amount",
              "principal_paid_amount", "interest_paid_amount", "fee_paid_amount", "settled_date")  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A rearranged loan shows each of its schedules."""
        if obj is None or obj.rearranged_date is None:
            return self.fields
        return ("version", *self.fields, "moved_amount")


class EventInline(ReadOnlyInline):
    model = LoanEvent
    per_page = ROWS_AT_ONCE
    fields = ("sequence", "kind", "effective_date", "business_date", "funding", "principal_amount",
              "interest_amount", "fee_amount", "penalty_amount", "outstanding_principal_amount",
              "posted_at")  # fmt: skip


class RepaymentInline(ReadOnlyInline):
    model = Repayment
    per_page = ROWS_AT_ONCE
    fields = ("effective_date", "kind", "amount", "penalty_amount", "fee_amount", "interest_amount",
              "principal_amount", "unapplied_amount", "funding", "reversed_date", "received_at")  # fmt: skip


class OverdueFilter(admin.SimpleListFilter):
    """Overdue on the business date, from the indexed oldest unpaid due date."""

    title = _("overdue")
    parameter_name = "overdue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Overdue")), ("no", _("Not overdue"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Loan]) -> QuerySet[Loan]:
        if self.value() not in ("yes", "no"):
            return queryset
        active = queryset.filter(state=LoanState.ACTIVE)
        today = current_business_date()
        return (
            active.filter(next_due_date__lt=today) if self.value() == "yes" else active.filter(next_due_date__gte=today)
        )


class RearrangedFilter(admin.SimpleListFilter):
    """Loans with a new schedule, from their partial index."""

    title = _("rearranged")
    parameter_name = "rearranged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Rearranged"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Loan]) -> QuerySet[Loan]:
        return queryset.filter(rearranged_date__isnull=False) if self.value() == "yes" else queryset


def _reference(key: UUID) -> str:
    return str(key)[-12:]


def _overdue(state: str, next_due_date: date | None, today: date) -> tuple[str, bool]:
    """Days past due with their bucket, and whether there are any."""
    if state != LoanState.ACTIVE:
        return "–", False
    days = days_past_due(next_due_date, today)
    return (f"{days} · {bucket_of(days)}", True) if days else ("0", False)


@admin.register(Loan)
class LoanAdmin(PaperPages, ArrearsPages, ReliefActs, LoanActs, ReadOnlyAdmin):
    list_display = ("reference", "customer_link", "product", "principal_amount", "outstanding_principal_amount",
                    "daily_rate", "plan", "start_date", "next_due_date", "overdue_days", "state_badge")  # fmt: skip
    list_filter = ("state", OverdueFilter, RearrangedFilter, "product", "plan", ("start_date", RangeDateFilter),
                   ("principal_amount", RangeNumericFilter))  # fmt: skip
    search_fields = ("=id", "customer__openid")
    list_select_related = ("customer", "product")
    export_told = {
        "reference": Told(("id",), _reference), "customer_link": "customer", "state_badge": "state",
        "overdue_days": Told(("state", "next_due_date", "today"), lambda *values: _overdue(*values)[0]),
    }  # fmt: skip
    inlines = (InstalmentInline, RepaymentInline, EventInline, RearrangementInline, OfferInline)
    readonly_fields = ("papers", "arrears", "offer", "penalty_money")
    exclude = ("penalty_paid_amount", "folded_date", "unfolded_date")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Loan]:
        """The business date is asked for once, not for each row."""
        rows: QuerySet[Loan] = super().get_queryset(request)
        return rows.annotate(today=Value(current_business_date(), output_field=DateField()))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What can be printed and looked back at stands first, all else in the order of the row."""
        rest = [name for name in super().get_fields(request, obj) if name not in self.readonly_fields]
        place = rest.index("penalty_waived_amount")
        return ["papers", "arrears", "offer", *rest[:place], "penalty_money", *rest[place:]]

    @admin.display(description=_("penalty paid"))
    def penalty_money(self, loan: Loan) -> Any:
        """The column counts what was waived among what was paid."""
        return loan.penalty_paid_amount - loan.penalty_waived_amount

    @admin.display(description=_("offer of a new schedule"))
    def offer(self, loan: Loan) -> SafeString | str:
        """The newest plan that was put before the customer, and what became of it."""
        newest = loan.rearrangement_offers.order_by("-id").first()
        return offer_link(newest) if newest else "–"

    @admin.display(description=_("loan"))
    def reference(self, loan: Loan) -> str:
        return _reference(loan.pk)

    @admin.display(description=_("customer"))
    def customer_link(self, loan: Loan) -> SafeString:
        url = reverse("admin:accounts_customer_change", args=[loan.customer_id])
        return format_html('<a href="{}" class="text-primary-600">{}</a>', url, loan.customer)

    @admin.display(description=_("days past due"))
    def overdue_days(self, loan: Any) -> Any:
        text, is_late = _overdue(loan.state, loan.next_due_date, loan.today)
        return badge("failed", text) if is_late else text

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, loan: Loan) -> SafeString:
        return badge(loan.state, loan.get_state_display())


@admin.register(Repayment)
class RepaymentAdmin(RepaymentActs, ReadOnlyAdmin):
    list_display = ("effective_date", "customer", "loan", "kind", "amount", "penalty_amount", "fee_amount",
                    "interest_amount", "principal_amount", "unapplied_amount", "reversed_date",
                    "received_at")  # fmt: skip
    list_filter = ("kind", "funding", ("effective_date", RangeDateFilter), ("amount", RangeNumericFilter))
    search_fields = ("=id", "=loan__id", "customer__openid")
    list_select_related = ("customer", "loan")


@admin.register(DelinquencyFact)
class DelinquencyFactAdmin(ReadOnlyAdmin):
    list_display = ("business_date", "customer", "loan", "days_past_due", "bucket", "outstanding_principal_amount")
    list_filter = ("bucket", ("business_date", RangeDateFilter))
    search_fields = ("=loan__id", "customer__openid")
    list_select_related = ("customer", "loan")


@admin.register(CostDisclosure)
class CostDisclosureAdmin(ReadOnlyAdmin):
    list_display = ("shown_at", "customer", "credit_line", "form_version", "confirmed_at", "sha256")
    list_filter = (("business_date", RangeDateFilter),)
    search_fields = ("=id", "customer__openid", "sha256")
    list_select_related = ("customer", "credit_line")
