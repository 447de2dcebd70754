"""Acts for two persons and money held for customers."""

from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from accounts.models import BankCard, Customer
from loans.models import (
    Approval,
    ApprovalKind,
    CollectionAction,
    MoneyReceipt,
    OfferState,
    Rearrangement,
    RearrangementOffer,
    Refund,
    UnappliedBalance,
    UnappliedMovement,
)
from loans.selectors.collection_page import wish_alerts
from loans.services.approval import approval_approve, approval_reject, approval_request
from weilidai.lib.backoffice import (
    ConfirmForm,
    ReadOnlyAdmin,
    ReasonForm,
    act,
    acts_within,
    badge,
    finish,
    may,
    staff_of,
)
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import ObjectNotFound

ASKED = _("Asked for. Another person has to agree.")
WORDS = {
    "amount": _("amount"), "bank_reference": _("bank reference"), "payer_name": _("payer"),
    "received_date": _("received on"), "effective_date": _("effective date"), "bank_card": _("bank card"),
    "repayment": _("repayment"), "periods": _("periods"), "first_due_date": _("first due date"),
    "daily_rate": _("daily rate"), "keeps_fees": _("keep fees of later periods"),
    "waives_penalty": _("give up the unpaid penalty"), "stops_penalty": _("no penalty any more"),
    "consent": _("how the customer agreed"), "consent_reference": _("reference of the consent"),
    "consent_reason": _("why not in the app"),
}  # fmt: skip
YES_OR_NO = {"True": _("yes"), "False": _("no")}
RECEIPT_VALUES = ("amount", "bank_reference", "payer_name", "received_date")
BADGES = {"open": "pending", "agreed": "running", "approved": "done", "rejected": "rejected", "expired": "closed",
          "failed": "failed", "offered": "pending", "declined": "rejected"}  # fmt: skip


ACTS_IN: dict[str, set[str]] = {"open": {"agree", "refuse"}, "agreed": {"refuse"}, "offered": {"refuse"}}


def amount_field() -> forms.DecimalField:
    """A positive amount in yuan."""
    return forms.DecimalField(
        label=_("amount"), max_digits=12, decimal_places=2, min_value=0, widget=UnfoldAdminDecimalFieldWidget
    )


class ReceiptForm(ReasonForm):
    """A line of the bank's statement."""

    openid = forms.CharField(label=_("customer (openid)"), max_length=100, widget=UnfoldAdminTextInputWidget)
    amount = amount_field()
    bank_reference = forms.CharField(label=_("bank reference"), max_length=100, widget=UnfoldAdminTextInputWidget)
    payer_name = forms.CharField(label=_("payer"), max_length=80, required=False, widget=UnfoldAdminTextInputWidget)
    received_date = forms.DateField(label=_("received on"), widget=UnfoldAdminDateWidget)
    field_order = ("openid", "amount", "bank_reference", "payer_name", "received_date", "reason")


class RefundForm(ReasonForm):
    """How much goes back, and to which of the customer's cards."""

    amount = amount_field()
    last_four = forms.RegexField(
        label=_("last four digits of the card"), regex=r"^\d{4}$", widget=UnfoldAdminTextInputWidget
    )
    field_order = ("amount", "last_four", "reason")


def ask(
    request: HttpRequest,
    form: forms.Form,
    *,
    kind: str,
    customer: Customer,
    loan: Any = None,
    begins_date: date | None = None,
    wish: CollectionAction | None = None,
    **payload: Any,
) -> Approval:
    """Asks for an act in the name of the signed-in member of staff."""
    return approval_request(
        kind=kind,
        customer=customer,
        loan=loan,
        payload={name: str(value) for name, value in payload.items()},
        reason=form.cleaned_data["reason"],
        user=staff_of(request),
        as_of=current_business_date(),
        at=timezone.now(),
        begins_date=begins_date,
        wish=wish,
    )


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ("business_date", "kind", "customer", "loan", "content", "reason", "requested_by", "expires_date",
                    "state_badge", "decided_by")  # fmt: skip
    list_filter = ("state", "kind", ("business_date", RangeDateFilter))
    search_fields = ("=id", "=loan__id", "customer__openid")
    list_select_related = ("customer", "loan", "requested_by", "decided_by")
    fields = ("kind", "state_badge", "customer", "loan", "content", "reason", "requested_by", "requested_at",
              "expires_date", "begins_date", "wish_link", "decided_by", "decided_at", "decision_reason", "applied_to",
              "offer_line", "preview")  # fmt: skip
    readonly_fields = ("state_badge", "content", "wish_link", "offer_line", "preview")
    actions_detail = ["agree", "refuse"]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """What waits for its day or for the customer can only be taken back; what is decided stays."""
        approval = self.get_object(request, object_id)
        possible = ACTS_IN.get(approval.state if approval else "", set())
        return acts_within(self, super().get_actions_detail(request, object_id), possible)

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, approval: Approval) -> SafeString:
        return approval_badge(approval)

    @admin.display(description=_("content"))
    def content(self, approval: Approval) -> SafeString | str:
        rows = ((str(WORDS.get(name, name)), _shown(name, value)) for name, value in approval.payload.items() if value)
        return format_html_join(" · ", "{} {}", rows) or "–"

    @admin.display(description=_("preview"))
    def preview(self, approval: Approval) -> SafeString | str:
        """A proposed schedule beside the old one, as it would be today."""
        if approval.kind != ApprovalKind.REARRANGE:
            return "–"
        on = {name: value for name, value in approval.payload.items() if value != "False"}
        more = {"begins_date": approval.begins_date, "wish": approval.wish_id}
        on |= {name: str(value) for name, value in more.items() if value}
        page = reverse("admin:loans_loan_rearrangement", args=[approval.loan_id])
        link = '<a class="text-primary-600" href="{}?{}">{}</a>'
        return format_html(link, page, urlencode(on), _("Old schedule beside the new one"))

    @admin.display(description=_("offer of a new schedule"))
    def offer_line(self, approval: Approval) -> SafeString | str:
        """What the customer said to it, or until when an answer is waited for."""
        offer = RearrangementOffer.objects.filter(approval=approval).first()
        if offer is None:
            return "–"
        return offer_link(offer)

    @admin.display(description=_("wish for relief"))
    def wish_link(self, approval: Approval) -> SafeString | str:
        """In the customer's words, with the task it was told in and the alert it raised."""
        return wish_links(approval.wish)

    @act(
        title=_("Agree and do it"),
        warning=_("Done at once or on its day, or the customer is asked first. Only somebody else than who asked can."),
        permission="loans.decide_approval",
        form=ConfirmForm,
        icon="check",
    )
    def agree(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: approval_approve(
                approval_id=UUID(object_id),
                user=staff_of(request),
                as_of=current_business_date(),
                at=timezone.now(),
            ),
            _("Done."),
        )

    @act(
        title=_("Refuse"),
        warning=_("Nothing is done. The person who asked sees your reason."),
        permission="loans.decide_approval",
        icon="block",
        dangerous=True,
    )
    def refuse(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: approval_reject(
                approval_id=UUID(object_id),
                user=staff_of(request),
                as_of=current_business_date(),
                at=timezone.now(),
                note=form.cleaned_data["reason"],
            ),
            _("Refused."),
        )


def _shown(name: str, value: str) -> str:
    """A card by its last four digits, yes and no and choices in words, everything else as it stands."""
    if value in YES_OR_NO:
        return str(YES_OR_NO[value])
    if name == "consent" and value == Rearrangement.Consent.APP:
        return translate("asked in the app")
    if name == "consent":
        return str(dict(Rearrangement.Consent.choices).get(value, value))
    if name != "bank_card":
        return value
    card = BankCard.objects.filter(pk=value).first()
    return f"**** {card.last_four}" if card else value


def offer_link(offer: RearrangementOffer) -> SafeString:
    """Its state, until when it can be answered or what the customer said."""
    page = reverse("admin:loans_rearrangementoffer_change", args=[offer.pk])
    until = translate("answer until {day}").format(day=offer.expires_date)
    words = until if offer.state == OfferState.OPEN else offer.answer
    link = format_html('<a class="text-primary-600" href="{}">{}</a>', page, offer.get_state_display())
    return format_html("{} · {}", link, words) if words else link


def approval_badge(approval: Approval) -> SafeString:
    return badge(BADGES[approval.state], approval.get_state_display())


def wish_links(wish: CollectionAction | None) -> SafeString | str:
    """To the task a wish was told in and to its alert; whoever may not open a page is refused there."""
    if wish is None:
        return "–"
    link = '<a class="text-primary-600" href="{}">{}</a>'
    told = format_html(link, reverse("admin:loans_collectiontask_change", args=[wish.task_id]), wish.note)
    alert = wish_alerts([wish]).get(wish.pk)
    if alert is None:
        return told
    return format_html("{} · " + link, told, reverse("admin:risk_alert_change", args=[alert.pk]), alert)


@admin.register(UnappliedBalance)
class UnappliedBalanceAdmin(ReadOnlyAdmin):
    list_display = ("customer", "amount", "owed")
    search_fields = ("customer__openid",)
    list_select_related = ("customer",)
    actions_detail = ["refund"]

    @admin.display(description=_("note"))
    def owed(self, balance: UnappliedBalance) -> str:
        return translate("Refunded money that was taken back: owed to us") if balance.amount < 0 else ""

    @act(
        title=_("Refund"),
        warning=_("The money goes to the customer's own card once another person agreed."),
        permission="loans.request_money",
        form=RefundForm,
        icon="undo",
    )
    def refund(self, request: HttpRequest, form: RefundForm, object_id: str) -> HttpResponse:
        def call() -> None:
            customer = Customer.objects.get(pk=object_id)
            cards = BankCard.objects.filter(customer=customer, removed_at__isnull=True)
            card = cards.filter(last_four=form.cleaned_data["last_four"]).first()
            if card is None:
                raise ObjectNotFound
            amount = form.cleaned_data["amount"]
            ask(request, form, kind=ApprovalKind.REFUND, customer=customer, amount=amount, bank_card=card.pk)

        return finish(request, self.detail_url(object_id), call, ASKED)


@admin.register(UnappliedMovement)
class UnappliedMovementAdmin(ReadOnlyAdmin):
    list_display = ("business_date", "customer", "kind", "amount", "balance_amount", "loan", "entry")
    list_filter = ("kind", ("business_date", RangeDateFilter))
    search_fields = ("customer__openid", "=loan__id")
    list_select_related = ("customer", "loan", "entry")


@admin.register(MoneyReceipt)
class MoneyReceiptAdmin(ReadOnlyAdmin):
    list_display = ("received_date", "customer", "amount", "bank_reference", "payer_name", "business_date", "entry")
    list_filter = (("received_date", RangeDateFilter),)
    search_fields = ("=bank_reference", "customer__openid")
    list_select_related = ("customer", "entry")
    actions_list = ["enter", *ReadOnlyAdmin.actions_list]

    @action(
        description=_("Enter money received"),
        url_path="enter",
        icon="add",
        permissions=[may("loans.request_money")],
        dialog={
            "title": _("Enter money received"),
            "description": _("As the bank's statement has it. It counts once another person agreed."),
            "form_class": ReceiptForm,
            "form_submit_text": _("Ask for it"),
        },
    )
    def enter(self, request: HttpRequest, form: ReceiptForm) -> HttpResponse:
        def call() -> None:
            values = {name: form.cleaned_data[name] for name in RECEIPT_VALUES}
            customer = Customer.objects.filter(openid=form.cleaned_data["openid"]).first()
            if customer is None:
                raise ObjectNotFound
            ask(request, form, kind=ApprovalKind.RECEIPT, customer=customer, **values)

        return finish(request, self.list_url(), call, ASKED)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("business_date", "customer", "amount", "bank_card", "payout", "state_badge", "decided_date")
    list_filter = ("state", ("business_date", RangeDateFilter))
    search_fields = ("=id", "customer__openid", "=payout__reference")
    list_select_related = ("customer", "bank_card", "payout")

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, refund: Refund) -> SafeString:
        return badge(refund.state, refund.get_state_display())
