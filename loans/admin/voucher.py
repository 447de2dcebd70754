"""Vouchers: a queue, oldest first, a page with the picture, and the forbidden uses found (R52)."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter, RangeNumericFilter
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.models import ChangeRequest, ChangeState
from loans.models import ForbiddenUse, ForbiddenUseState, Voucher, VoucherDemand, VoucherState
from loans.models.voucher import FORBIDDEN_CHOICES
from loans.selectors.voucher import voucher_doubts
from loans.services.forbidden_use import KIND, forbidden_use_lift_ask
from loans.services.voucher_review import (
    voucher_accept,
    voucher_claim_next,
    voucher_forbid,
    voucher_reject,
    voucher_release,
)
from weilidai.lib.backoffice import ConfirmForm, ReadOnlyAdmin, ReasonForm, act, badge, finish, may, staff_of, when
from weilidai.lib.backoffice.evidence import EvidenceAdmin, person_facts

MAY_REVIEW = "loans.change_voucher"
WAITING = "?state__exact=submitted"
TONES = {"submitted": "open", "accepted": "approved", "rejected": "rejected", "forbidden": "failed"}
DEMAND_TONES = {"asked": "open", "missing": "referred", "fulfilled": "approved", "forbidden": "failed",
                "lapsed": "closed"}  # fmt: skip
USE_TONES = {"standing": "failed", "lifted": "closed"}
OTHERS_SHOWN = 20


class ForbidForm(ReasonForm):
    # Nothing is chosen beforehand: nobody is accused by not looking.
    use = forms.ChoiceField(label=_("Use"), choices=[("", "–"), *FORBIDDEN_CHOICES], widget=UnfoldAdminSelectWidget)
    field_order = ("use", "reason")


@admin.register(Voucher)
class VoucherAdmin(EvidenceAdmin):
    key, tones = "voucher_id", TONES
    list_display = ("received_at", "customer", "kind", "amount", "merchant", "spent_date", "state_badge", "held_by",
                    "reviewed_by")  # fmt: skip
    list_filter = ("state", "kind", ("received_date", RangeDateFilter), ("amount", RangeNumericFilter))
    search_fields = ("=id", "=loan__id", "customer__openid")
    list_select_related = ("customer", "reviewed_by", "claimed_by")
    actions_list = ["take_next", *ReadOnlyAdmin.actions_list]
    actions_detail = ["accept", "reject", "forbid", "release"]
    change_form_template = "backoffice/voucher.html"

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """As a queue the oldest comes first, else the newest."""
        return ("id",) if request.GET.get("state__exact") == VoucherState.SUBMITTED else ("-id",)

    @admin.display(description=_("worked on by"))
    def held_by(self, voucher: Voucher) -> str:
        """Who holds it at this moment."""
        until = voucher.claimed_until
        return str(voucher.claimed_by) if until is not None and until > timezone.now() else "–"

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Only whoever holds it can give it back."""
        shown = super().get_actions_detail(request, object_id)
        mine = Voucher.objects.filter(pk=object_id, claimed_by=request.user.pk).exists() if shown else False
        return [item for item in shown if mine or not item.action_name.endswith("release")]

    def file_of(self, voucher: Voucher) -> dict[str, Any]:
        return voucher_file(voucher)

    @action(
        description=_("Take the next one"),
        url_path="review-next",
        icon="play_arrow",
        permissions=[may(MAY_REVIEW)],
        dialog={
            "title": _("Take the next one"),
            "description": _("The oldest voucher that waits becomes yours for some minutes."),
            "form_class": ConfirmForm,
            "form_submit_text": _("Take it"),
        },
    )
    def take_next(self, request: HttpRequest, form: ConfirmForm) -> HttpResponse:
        return self._next(request)

    def _next(self, request: HttpRequest) -> HttpResponse:
        voucher = voucher_claim_next(user=staff_of(request), **when())
        url = self.list_url() + WAITING
        if voucher is None:
            messages.info(request, translate("No voucher waits for review."))
        else:
            url = self.detail_url(voucher.pk)
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": url})
        return redirect(url)

    @act(
        title=_("Accept"),
        warning=_("It proves its amount. The customer is told."),
        permission=MAY_REVIEW,
        icon="task_alt",
    )
    def accept(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.answer(request, form, object_id, voucher_accept, _("The voucher is accepted."))

    @act(
        title=_("Reject"),
        warning=_("The customer is told this reason and may send another one."),
        permission=MAY_REVIEW,
        icon="block",
        dangerous=True,
    )
    def reject(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self.answer(request, form, object_id, voucher_reject, _("The voucher is rejected."))

    @act(
        title=_("Forbidden use"),
        warning=_(
            "The customer is told this reason and gets no further loan until two persons lift it. An alert is raised."
        ),
        permission=MAY_REVIEW,
        form=ForbidForm,
        icon="gavel",
        dangerous=True,
    )
    def forbid(self, request: HttpRequest, form: ForbidForm, object_id: str) -> HttpResponse:
        use = form.cleaned_data["use"]
        return self.answer(request, form, object_id, voucher_forbid, _("The forbidden use is recorded."), use=use)

    @act(
        title=_("Give it back"),
        warning=_("Somebody else can take it at once."),
        permission=MAY_REVIEW,
        form=ConfirmForm,
        icon="undo",
    )
    def release(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.list_url() + WAITING,
            lambda: voucher_release(voucher_id=UUID(object_id), user=staff_of(request)),
            _("The voucher waits again."),
        )


def voucher_file(voucher: Voucher) -> dict[str, Any]:
    """Everything the page shows, ready to render."""
    person, loan = voucher.customer, voucher.loan
    demand = VoucherDemand.objects.filter(loan=loan).first()
    others = Voucher.objects.filter(loan=loan).exclude(pk=voucher.pk).order_by("-id")[:OTHERS_SHOWN]
    return {
        "voucher": voucher,
        "doubts": voucher_doubts(voucher),
        "misuses": ForbiddenUse.objects.filter(customer=person)[:OTHERS_SHOWN],
        "voucher_facts": [
            (_("kind"), voucher.get_kind_display()),
            (_("state"), badge(TONES[voucher.state], voucher.get_state_display())),
            (_("amount"), f"¥ {voucher.amount:,.2f}"),
            (_("merchant"), voucher.merchant),
            (_("spent on"), voucher.spent_date.isoformat()),
            (_("received at"), timezone.localtime(voucher.received_at).strftime("%Y-%m-%d %H:%M")),
        ],
        "loan_facts": [
            (_("purpose"), loan.get_purpose_display()),
            (_("principal"), f"¥ {loan.principal_amount:,.2f}"),
            (_("paid out on"), loan.start_date.isoformat() if loan.start_date else "–"),
            (_("state"), badge(loan.state, loan.get_state_display())),
        ],
        "demand_facts": demand_facts(demand) if demand is not None else [],
        "person_facts": [
            *person_facts(person),
            (_("occupation"), person.get_registered_occupation_display() or "–"),
        ],
        "others": [(row, badge(TONES[row.state], row.get_state_display())) for row in others],
    }


def demand_facts(demand: VoucherDemand) -> list[tuple[Any, Any]]:
    return [
        (_("state"), badge(DEMAND_TONES[demand.state], demand.get_state_display())),
        (_("to be sent by"), demand.due_date.isoformat()),
        (_("to be proved"), f"¥ {demand.asked_amount:,.2f}"),
        (_("proved"), f"¥ {demand.accepted_amount:,.2f}"),
    ]


@admin.register(VoucherDemand)
class VoucherDemandAdmin(ReadOnlyAdmin):
    list_display = ("opened_date", "customer", "loan", "asked_amount", "accepted_amount", "due_date", "state_badge",
                    "reminders_count", "consequence")  # fmt: skip
    list_filter = ("state", ("due_date", RangeDateFilter))
    search_fields = ("=id", "=loan__id", "customer__openid")
    list_select_related = ("customer", "loan")

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, demand: VoucherDemand) -> SafeString:
        return badge(DEMAND_TONES[demand.state], demand.get_state_display())


@admin.register(ForbiddenUse)
class ForbiddenUseAdmin(ReadOnlyAdmin):
    list_display = ("found_date", "customer", "loan", "use", "state_badge", "reason", "found_by", "lifted_at")
    list_filter = ("state", "use", ("found_date", RangeDateFilter))
    search_fields = ("=id", "=loan__id", "customer__openid")
    list_select_related = ("customer", "loan", "found_by")
    fields = ("customer", "loan", "voucher", "use", "state_badge", "waiting", "reason", "found_by", "found_at",
              "lift_reason", "lifted_at")  # fmt: skip
    readonly_fields = ("state_badge", "waiting")
    actions_detail = ["lift"]

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, misuse: ForbiddenUse) -> SafeString:
        return badge(USE_TONES[misuse.state], misuse.get_state_display())

    @admin.display(description=_("lifting asked for by"))
    def waiting(self, misuse: ForbiddenUse) -> str:
        """Who asked, while nobody has decided."""
        rows = ChangeRequest.objects.filter(
            kind=KIND, subject_id=str(misuse.pk), subject_type=misuse._meta.label_lower, state=ChangeState.PENDING
        )
        row = rows.select_related("requested_by").first()
        return f"{row.requested_by}: {row.reason}" if row is not None else "–"

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        stands = ForbiddenUse.objects.filter(pk=object_id, state=ForbiddenUseState.STANDING).exists()
        return super().get_actions_detail(request, object_id) if stands else []

    @act(
        title=_("Ask for the lifting"),
        warning=_("Another person decides; until then no further loan is given."),
        permission="loans.change_forbiddenuse",
        icon="lock_open",
    )
    def lift(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: forbidden_use_lift_ask(
                misuse_id=UUID(object_id), reason=form.cleaned_data["reason"], user=staff_of(request), **when()
            ),
            _("The lifting waits for a second person."),
        )
