"""Relief for a loan in difficulty: the page that shows the old schedule beside a new one and asks for it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from loans.admin.money import ASKED, approval_badge, ask, wish_links
from loans.maths.dates import add_months
from loans.maths.rearrangement import Agreed
from loans.models import (
    Approval,
    ApprovalKind,
    CollectionAction,
    Loan,
    LoanEvent,
    Rearrangement,
    RearrangementOffer,
)
from loans.selectors.collection_page import wish_of
from loans.selectors.collection_policy import collection_figures_at
from loans.selectors.rearrangement import Proposal, class_floor, current_rate, rearrangement_propose
from weilidai.lib.backoffice import ReadOnlyAdmin, badge, may
from weilidai.lib.backoffice.admin import ReadOnlyInline
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import DomainError

PERMISSION = "loans.request_relief"
CONSENT_WORDS = ("consent_reference", "consent_reason")
TERMS = ("periods", "first_due_date", "daily_rate", "keeps_fees", "waives_penalty", "stops_penalty")


class TermsForm(forms.Form):
    """What is proposed. Its bounds are those of the policy, asked when it is worked out."""

    periods = forms.IntegerField(label=_("periods"), min_value=1, widget=UnfoldAdminIntegerFieldWidget)
    begins_date = forms.DateField(label=_("begins on"), required=False, widget=UnfoldAdminDateWidget)
    first_due_date = forms.DateField(label=_("first due date"), widget=UnfoldAdminDateWidget)
    daily_rate = forms.DecimalField(
        label=_("daily rate (0 stops interest)"), min_value=0, max_digits=9, decimal_places=6,
        widget=UnfoldAdminDecimalFieldWidget,
    )  # fmt: skip
    waives_penalty = forms.BooleanField(
        label=_("give up the unpaid penalty"), required=False, widget=UnfoldBooleanSwitchWidget
    )
    stops_penalty = forms.BooleanField(label=_("no penalty any more"), required=False, widget=UnfoldBooleanSwitchWidget)
    keeps_fees = forms.BooleanField(
        label=_("keep fees of later periods"), required=False, widget=UnfoldBooleanSwitchWidget
    )

    @property
    def agreed(self) -> Agreed:
        return Agreed(**{name: self.cleaned_data[name] for name in TERMS})

    @property
    def begins(self) -> date:
        """Today where no day is named."""
        return self.cleaned_data["begins_date"] or current_business_date()

    def clean_begins_date(self) -> date | None:
        begins: date | None = self.cleaned_data["begins_date"]
        today = current_business_date()
        most = collection_figures_at(today).relief_begin_days
        if begins is not None and not today <= begins <= today + timedelta(days=most):
            raise ValidationError(_("From today on, at most {n} days ahead").format(n=most))
        return begins


def consent_choices() -> list[tuple[str, Any]]:
    """To be asked comes first: staff record what was agreed only where that is not possible."""
    told = [row for row in Rearrangement.Consent.choices if row[0] != Rearrangement.Consent.APP]
    return [(Rearrangement.Consent.APP.value, _("Not yet: is asked in the app")), *told]


class AskForm(forms.Form):
    """How the customer agrees, and why it is proposed."""

    consent = forms.ChoiceField(
        label=_("how the customer agreed"), choices=consent_choices, widget=UnfoldAdminSelectWidget
    )
    consent_reference = forms.CharField(
        label=_("reference of the consent"), required=False, max_length=100, widget=UnfoldAdminTextInputWidget
    )
    consent_reason = forms.CharField(
        label=_("why not in the app"), required=False, max_length=200, widget=UnfoldAdminTextInputWidget
    )
    reason = forms.CharField(label=_("Reason"), min_length=3, max_length=300, widget=UnfoldAdminTextInputWidget)

    def clean(self) -> dict[str, Any]:
        """What staff record has a reference, and a reason why the customer does not do it himself."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        for name in CONSENT_WORDS:
            if values.get("consent") == Rearrangement.Consent.APP:
                values[name] = ""
            elif not values.get(name, "").strip():
                self.add_error(name, _("Needed where the customer is not asked in the app"))
        return values


def undone_date(row: Rearrangement) -> date | None:
    """The day on which two persons took it back."""
    back: LoanEvent | None = getattr(row.event, "reversed_by", None)
    return back.business_date if back is not None else None


class RearrangementInline(ReadOnlyInline):
    model = Rearrangement
    fields = ("version", "effective_date", "periods_count", "first_due_date", "last_due_date", "daily_rate",
              "principal_amount", "waived_amount", "days_past_due", "class_floor_until_date",
              "undone_on")  # fmt: skip
    readonly_fields = ("undone_on",)

    @admin.display(description=_("undone on"))
    def undone_on(self, row: Rearrangement) -> Any:
        return undone_date(row) or "–"


def asked_as(row: Rearrangement) -> Approval | None:
    """The act of two persons it was done by."""
    asked = Approval.objects.filter(loan=row.loan_id, applied_to=f"{row._meta.label_lower}:{row.pk}")
    return asked.select_related("wish").first()


@admin.register(Rearrangement)
class RearrangementAdmin(ReadOnlyAdmin):
    list_display = ("effective_date", "customer", "loan", "version", "principal_amount", "periods_count",
                    "first_due_date", "daily_rate", "waived_amount", "days_past_due",
                    "class_floor_until_date", "undone_on")  # fmt: skip
    list_filter = ("consent", ("effective_date", RangeDateFilter))
    search_fields = ("=id", "=loan__id", "customer__openid")
    list_select_related = ("customer", "loan", "event__reversed_by")
    readonly_fields = ("undone_on", "asked_by", "wish_link")

    @admin.display(description=_("act for two persons"))
    def asked_by(self, row: Rearrangement) -> SafeString | str:
        found = asked_as(row)
        if found is None:
            return "–"
        page = reverse("admin:loans_approval_change", args=[found.pk])
        return format_html('<a class="text-primary-600" href="{}">{}</a> {}', page, found, approval_badge(found))

    @admin.display(description=_("wish for relief"))
    def wish_link(self, row: Rearrangement) -> SafeString | str:
        found = asked_as(row)
        return wish_links(found.wish if found else None)

    @admin.display(description=_("undone on"))
    def undone_on(self, row: Rearrangement) -> Any:
        return undone_date(row) or "–"


OFFER_TONES = {"open": "pending", "confirmed": "done", "refused": "rejected", "expired": "closed",
               "outdated": "failed", "withdrawn": "closed"}  # fmt: skip


# What ended an offer, by the code it is kept under; a code without words shows itself.
ENDED_WORDS = {
    "loan_changed": _("something was paid or entered since"),
    "loan_not_open": _("the loan is no longer running"),
    "credit_line_frozen": _("the line was frozen since"),
    "period_closed": _("the month of the offer was closed"),
}


def ended_words(offer: RearrangementOffer) -> str:
    return str(ENDED_WORDS.get(offer.ended_because, offer.ended_because or "–"))


def offer_badge(offer: RearrangementOffer) -> SafeString:
    return badge(OFFER_TONES[offer.state], offer.get_state_display())


class OfferInline(ReadOnlyInline):
    """What became of the plans that were put before the customer."""

    model = RearrangementOffer
    fields = ("business_date", "state_badge", "expires_date", "begins_date", "ended_at", "because", "answer",
              "page")  # fmt: skip
    readonly_fields = ("state_badge", "because", "page")

    @admin.display(description=_("state"))
    def state_badge(self, offer: RearrangementOffer) -> SafeString:
        return offer_badge(offer)

    @admin.display(description=_("ended because"))
    def because(self, offer: RearrangementOffer) -> str:
        return ended_words(offer)

    @admin.display(description=_("offer of a new schedule"))
    def page(self, offer: RearrangementOffer) -> SafeString:
        page = reverse("admin:loans_rearrangementoffer_change", args=[offer.pk])
        return format_html('<a class="text-primary-600" href="{}">{}</a>', page, _("Open it"))


@admin.register(RearrangementOffer)
class RearrangementOfferAdmin(ReadOnlyAdmin):
    list_display = ("business_date", "customer", "loan", "state_badge", "expires_date", "ended_date",
                    "because", "answer")  # fmt: skip
    list_filter = ("state", ("business_date", RangeDateFilter))
    search_fields = ("=id", "=loan__id", "customer__openid")
    list_select_related = ("customer", "loan")
    readonly_fields = ("state_badge", "because", "wish_link")
    fields = ("state_badge", "customer", "loan", "approval", "business_date", "offered_at", "expires_date",
              "begins_date", "ended_at", "because", "answer", "disclosure", "wish_link")  # fmt: skip

    @admin.display(description=_("ended because"), ordering="ended_because")
    def because(self, offer: RearrangementOffer) -> str:
        return ended_words(offer)

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, offer: RearrangementOffer) -> SafeString:
        return offer_badge(offer)

    @admin.display(description=_("wish for relief"))
    def wish_link(self, offer: RearrangementOffer) -> SafeString | str:
        return wish_links(offer.approval.wish)


class ReliefActs(ReadOnlyAdmin):
    """The page of a proposal, mixed into the pages of loans."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.relief_view)
        page = path("<uuid:loan_id>/rearrangement/", view, name="loans_loan_rearrangement")
        return [page, *super().get_urls()]

    @action(description=_("Rearrange"), icon="calendar_month", permissions=[may(PERMISSION)])
    def rearrange(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect(reverse("admin:loans_loan_rearrangement", args=[object_id]))

    def relief_view(self, request: HttpRequest, loan_id: UUID) -> HttpResponse:
        """Looked at by whoever sees loans, asked for by whoever may."""
        if not request.user.has_perm("loans.view_loan"):
            raise PermissionDenied
        loan = Loan.objects.select_related("customer", "product", "terms").filter(pk=loan_id).first()
        if loan is None:
            raise Http404
        data = request.POST or request.GET
        terms = TermsForm(data if "periods" in data else _first_thought())
        asked = AskForm(request.POST or None)
        proposal = _proposal(loan, terms)
        wish = wish_of(loan.customer, data.get("wish", ""))
        may_ask = request.user.has_perm(PERMISSION)
        if request.method == "POST" and proposal is not None and asked.is_valid():
            if not may_ask:
                raise PermissionDenied
            return self._ask_relief(request, loan, terms, asked, wish)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Rearrange a loan in difficulty"),
            "loan": loan,
            "loan_url": self.detail_url(loan.pk),
            "terms": terms,
            "asked": asked,
            "may_ask": may_ask,
            "proposal": proposal,
            "facts": _facts(proposal) if proposal else (),
            "wish": wish,
            "begins": terms.begins if proposal else current_business_date(),
        }
        return TemplateResponse(request, "backoffice/rearrangement.html", context)

    def _ask_relief(
        self, request: HttpRequest, loan: Loan, terms: TermsForm, asked: AskForm, wish: CollectionAction | None
    ) -> HttpResponse:
        values = {name: asked.cleaned_data[name] for name in ("consent", *CONSENT_WORDS)}
        try:
            ask(
                request,
                asked,
                kind=ApprovalKind.REARRANGE,
                customer=loan.customer,
                loan=loan,
                begins_date=terms.begins,
                wish=wish,
                **terms.agreed.content(),
                **values,
            )
        except DomainError as error:
            messages.error(request, str(error.detail))
        else:
            messages.success(request, str(ASKED))
        return HttpResponseRedirect(self.detail_url(loan.pk))


def _first_thought() -> dict[str, Any]:
    """What the page begins with: a year from next month on, interest and penalty stopped."""
    return {
        "periods": 12,
        "begins_date": current_business_date(),
        "first_due_date": add_months(current_business_date(), 1),
        "daily_rate": Decimal(0),
        "waives_penalty": True,
        "stops_penalty": True,
    }


def _proposal(loan: Loan, terms: TermsForm) -> Proposal | None:
    """The form's terms worked out; what the rules refuse stands at the field."""
    if not terms.is_valid():
        return None
    try:
        return rearrangement_propose(loan, terms.agreed, terms.begins)
    except DomainError as error:
        for fault in error.field_errors:
            terms.add_error(str(fault["field"]), str(fault["detail"]))
        if not error.field_errors:
            terms.add_error(None, str(error.detail))
        return None


def _facts(proposal: Proposal) -> tuple[tuple[Any, Any], ...]:
    days, until = class_floor(proposal.loan, proposal)
    held = translate("%(days)s, until %(until)s") % {"days": days, "until": until}
    brought = proposal.brought
    return (
        (_("Principal to spread"), proposal.principal),
        (_("Brought forward: interest"), brought.interest),
        (_("Brought forward: fees"), proposal.schedule[0].fee),
        (_("Penalty claim kept"), brought.claim),
        (_("Penalty claim given up"), proposal.waived_claim),
        (_("of that a loss in the books"), proposal.waived_amount),
        (_("Cost of the new schedule"), proposal.total_cost),
        (_("To repay in all"), proposal.total_repayment),
        (_("APR of the new schedule"), _percent(proposal.apr)),
        (_("APR over the whole life"), _percent(proposal.life_apr)),
        (_("Legal cap"), _percent(proposal.new.cost_cap_rate)),
        (_("Present daily rate"), _percent(current_rate(proposal.old))),
        (_("Days past due now"), proposal.before.days_past_due),
        (_("Classed as at least days overdue"), held),
    )


def _percent(rate: Decimal | None) -> str:
    return "–" if rate is None else f"{rate * 100:.4f} %"
