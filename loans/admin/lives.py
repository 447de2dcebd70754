"""Acts on a loan that put its past right. Each is asked for here and done when another person agrees."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDateWidget

from loans.admin.money import ASKED, amount_field, ask
from loans.models import ApprovalKind, Loan, LoanState, Repayment
from loans.selectors.rearrangement import standing_rearrangements
from weilidai.lib.backoffice import ReadOnlyAdmin, ReasonForm, act, acts_within, finish

ACTS_IN: dict[str, set[str]] = {
    LoanState.ACTIVE: {"enter_late", "rearrange", "apply_held", "return_payout", "write_off", "undo_rearrangement"},
    LoanState.SETTLED: {"enter_late", "return_payout"},
    LoanState.WRITTEN_OFF: {"enter_late", "apply_held", "restore"},
}


class LateEntryForm(ReasonForm):
    """Money that arrived on an earlier day."""

    amount = amount_field()
    effective_date = forms.DateField(label=_("received on"), widget=UnfoldAdminDateWidget)
    field_order = ("amount", "effective_date", "reason")


class AmountForm(ReasonForm):
    """How much, and why."""

    amount = amount_field()
    field_order = ("amount", "reason")


class LoanActs(ReadOnlyAdmin):
    """The acts on the page of a loan."""

    # The bar holds what is done most; the rest is folded away.
    actions_detail = [
        "enter_late",
        "rearrange",
        {
            "title": _("More acts"),
            "icon": "more_horiz",
            "items": ["apply_held", "return_payout", "write_off", "restore", "undo_rearrangement"],
        },
    ]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """What the loan's state allows; whoever asks all the same is refused by the rule."""
        loan = self.get_object(request, object_id)
        possible = ACTS_IN.get(loan.state, set()) if loan is not None else set()
        if loan is not None and not standing_rearrangements(loan).exists():
            possible = possible - {"undo_rearrangement"}
        return acts_within(self, super().get_actions_detail(request, object_id), possible)

    def _ask(self, request: HttpRequest, form: ReasonForm, object_id: str, kind: str, **payload: Any) -> HttpResponse:
        loan = Loan.objects.select_related("customer").get(pk=object_id)
        return finish(
            request,
            self.detail_url(object_id),
            lambda: ask(request, form, kind=kind, customer=loan.customer, loan=loan, **payload),
            ASKED,
        )

    @act(
        title=_("Enter a late repayment"),
        warning=_("It counts from the day the money arrived; what came after is worked out anew."),
        permission="loans.request_money",
        form=LateEntryForm,
        icon="history",
    )
    def enter_late(self, request: HttpRequest, form: LateEntryForm, object_id: str) -> HttpResponse:
        values = {name: form.cleaned_data[name] for name in ("amount", "effective_date")}
        return self._ask(request, form, object_id, ApprovalKind.LATE_ENTRY, **values)

    @act(
        title=_("Apply held money"),
        warning=_("Pays this loan from the money held for the customer, as of today."),
        permission="loans.request_money",
        form=AmountForm,
        icon="south_west",
    )
    def apply_held(self, request: HttpRequest, form: AmountForm, object_id: str) -> HttpResponse:
        return self._ask(request, form, object_id, ApprovalKind.APPLY, amount=form.cleaned_data["amount"])

    @act(
        title=_("Payout came back"),
        warning=_("The bank returned the money: there never was a loan. What was repaid is held for the customer."),
        permission="loans.request_money",
        icon="undo",
        dangerous=True,
    )
    def return_payout(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self._ask(request, form, object_id, ApprovalKind.RETURN_PAYOUT)

    @act(
        title=_("Write off"),
        warning=_("A loss in the books. The claim stays, interest stops, the line is frozen."),
        permission="loans.request_relief",
        icon="money_off",
        dangerous=True,
    )
    def write_off(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self._ask(request, form, object_id, ApprovalKind.WRITE_OFF)

    @act(
        title=_("Reverse the write-off"),
        warning=_("The write-off was a mistake: it never was, and interest has run all the while."),
        permission="loans.request_relief",
        icon="restore",
    )
    def restore(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self._ask(request, form, object_id, ApprovalKind.RESTORE)

    @act(
        title=_("Undo the rearrangement"),
        warning=_("The schedule before holds again, with the interest since. Only while nothing was paid by the new."),
        permission="loans.request_relief",
        icon="event_repeat",
        dangerous=True,
    )
    def undo_rearrangement(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self._ask(request, form, object_id, ApprovalKind.UNDO_REARRANGEMENT)


class RepaymentActs:
    """The act on the page of a repayment."""

    detail_url: Any
    actions_detail = ["reverse"]

    @act(
        title=_("Reverse"),
        warning=_("The bank took the money back: the repayment never was, and what came after is worked out anew."),
        permission="loans.request_money",
        icon="undo",
        dangerous=True,
    )
    def reverse(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        paid = Repayment.objects.select_related("customer", "loan").get(pk=object_id)
        return finish(
            request,
            self.detail_url(object_id),
            lambda: ask(
                request,
                form,
                kind=ApprovalKind.REVERSE_REPAYMENT,
                customer=paid.customer,
                loan=paid.loan,
                repayment=paid.pk,
            ),
            ASKED,
        )
