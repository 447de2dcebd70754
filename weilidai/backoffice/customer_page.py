"""Customers: the list, and one page with everything about one person on one timeline."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.models import Customer, Occupation
from accounts.services.personal_data import full_number_reveal
from loans.admin.papers import monthly_links
from loans.models import Loan, Repayment
from loans.selectors.position import loan_position
from risk.models import CreditApplication, CreditLine, Decision, Invitation, LoginEvent, ScoreReading, Signature
from weilidai.backoffice.desk import alerts_of_customer
from weilidai.lib.audit import Actor
from weilidai.lib.backoffice import ReadOnlyAdmin, ReasonForm, act, badge, finish
from weilidai.lib.business_date import current_business_date
from weilidai.lib.crypto import keyed_hash
from weilidai.lib.models import AuditEvent, StateChange

TIMELINE_LENGTH = 100
NUMBERS = (("id_number", _("Identity number")), ("phone", _("Phone")))


class RevealForm(ReasonForm):
    """Which number is needed, and why."""

    number = forms.ChoiceField(label=_("Number"), choices=NUMBERS, widget=UnfoldAdminSelectWidget)
    field_order = ("number", "reason")


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = ("openid", "masked_name", "masked_id_number", "masked_phone", "occupation_label", "city",
                    "verified", "created_at")  # fmt: skip
    list_filter = ("registered_occupation", ("created_at", RangeDateTimeFilter))
    search_fields = ("=openid",)
    search_help_text = _("openid, or a full name, identity number or phone")
    actions_detail = ["reveal_number"]
    change_form_template = "backoffice/customer.html"

    @admin.display(description=_("name"))
    def masked_name(self, customer: Customer) -> str:
        return customer.masked_name or "–"

    @admin.display(description=_("identity number"))
    def masked_id_number(self, customer: Customer) -> str:
        return customer.masked_id_number or "–"

    @admin.display(description=_("phone"))
    def masked_phone(self, customer: Customer) -> str:
        return customer.masked_phone or "–"

    @admin.display(description=_("occupation"))
    def occupation_label(self, customer: Customer) -> Any:
        return dict(Occupation.choices).get(customer.occupation, "–")

    @admin.display(description=_("verified"), boolean=True)
    def verified(self, customer: Customer) -> bool:
        return customer.is_identity_verified

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Customer], search_term: str
    ) -> tuple[QuerySet[Customer], bool]:
        """Ciphertext cannot be searched: the term is compared by its keyed hash."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = (
            Q(openid=term)
            | Q(name_hash=keyed_hash(term, "name"))
            | Q(id_number_hash=keyed_hash(term.upper(), "id_number"))
            | Q(phone_hash=keyed_hash(term, "phone"))
        )
        return queryset.filter(found), False

    @act(
        title=_("Show a full number"),
        warning=_("The number is shown once and the reading is recorded in the audit trail."),
        permission="accounts.view_full_number",
        form=RevealForm,
        icon="visibility",
    )
    def reveal_number(self, request: HttpRequest, form: RevealForm, object_id: str) -> HttpResponse:
        customer = self.get_object(request, object_id)
        if customer is None:
            raise Http404
        number = form.cleaned_data["number"]

        def call() -> None:
            plain = full_number_reveal(
                customer=customer, field=number, actor=Actor.of(request.user), reason=form.cleaned_data["reason"]
            )
            messages.warning(request, f"{dict(NUMBERS)[number]}: {plain}")

        return finish(request, self.detail_url(object_id), call, _("The reading was recorded."))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        customer = self.get_object(request, object_id)
        if customer is None:
            raise Http404
        if not self.has_view_permission(request, customer):
            raise PermissionDenied
        sees_alerts = request.user.has_perm("risk.view_alert")
        alerts = alerts_of_customer(customer) if sees_alerts else None
        context = {**(extra_context or {}), **customer_file(customer), "alerts": alerts}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page


def customer_file(customer: Customer) -> dict[str, Any]:
    """Everything the page shows, ready to render."""
    today = current_business_date()
    return {
        "person": customer,
        "facts": _facts(customer),
        "lines": CreditLine.objects.filter(customer=customer).select_related("product"),
        "loans": _loans(customer, today),
        "statements": monthly_links(customer),
        "applications": CreditApplication.objects.filter(customer=customer).select_related("product")[:20],
        "decisions": Decision.objects.filter(customer=customer).select_related("product")[:20],
        "cards": customer.bank_cards.all()[:20],
        "devices": customer.devices.all()[:20],
        "timeline": timeline(customer),
        "badge": badge,
    }


def _facts(customer: Customer) -> list[tuple[Any, Any]]:
    scores = {
        row.get_name_display(): row.score for row in ScoreReading.objects.filter(customer=customer).order_by("as_of")
    }
    return [
        (_("openid"), customer.openid),
        (_("name"), customer.masked_name or "–"),
        (_("identity number"), customer.masked_id_number or "–"),
        (_("phone"), customer.masked_phone or "–"),
        (_("birth date"), customer.birth_date or "–"),
        (_("occupation"), dict(Occupation.choices).get(customer.occupation, "–")),
        (_("city"), customer.city or "–"),
        (_("registered on"), customer.registered_on or "–"),
        *scores.items(),
    ]


def _loans(customer: Customer, today: Any) -> list[dict[str, Any]]:
    rows = Loan.objects.filter(customer=customer).select_related("product").prefetch_related("events")[:50]
    return [{"loan": loan, "position": loan_position(loan, today) if loan.start_date else None} for loan in rows]


def timeline(customer: Customer) -> list[dict[str, Any]]:
    """The newest `TIMELINE_LENGTH` things that happened around a person, of all kinds."""
    items = [*_domain_items(customer), *_trail_items(customer)]
    return sorted(items, key=lambda item: item["at"], reverse=True)[:TIMELINE_LENGTH]


def _item(at: datetime, icon: str, title: Any, text: Any = "") -> dict[str, Any]:
    return {"at": at, "icon": icon, "title": title, "text": text}


def _domain_items(customer: Customer) -> list[dict[str, Any]]:
    n = TIMELINE_LENGTH
    repayments = Repayment.objects.filter(customer=customer)[:n]
    signatures = Signature.objects.filter(customer=customer).select_related("document")[:n]
    invitations = Invitation.objects.filter(openid=customer.openid).select_related("batch", "product")[:n]
    logins = LoginEvent.objects.filter(customer=customer).order_by("-at")[:10]
    return [
        *(_item(row.received_at, "south_west", _("Repayment"), f"¥ {row.amount}") for row in repayments),
        *(_item(row.signed_at, "signature", _("Document signed"), row.document.title) for row in signatures),
        *(_item(row.batch.created_at, "mail", _("Invitation"), row.product.name) for row in invitations),
        *(_item(row.at, "login", _("Login"), f"{row.city} · {row.device_model}") for row in logins),
    ]


def _trail_items(customer: Customer) -> list[dict[str, Any]]:
    changes = StateChange.objects.filter(customer_id=customer.pk)[:TIMELINE_LENGTH]
    events = AuditEvent.objects.filter(customer_id=customer.pk)[:TIMELINE_LENGTH]
    return [
        *(
            _item(row.at, "swap_horiz", f"{row.subject_type.split('.')[-1]}: {row.old} → {row.new}",
                  f"{row.actor_name} {row.reason}")
            for row in changes
        ),
        *(_item(row.at, "policy", row.action, f"{row.actor_name} {row.reason}") for row in events),
    ]  # fmt: skip
