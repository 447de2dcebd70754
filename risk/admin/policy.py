"""Policy as data: drafted by one person, put into force by another; what is in force is never edited."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from risk.admin.backtest import ApproveForm, BacktestActs
from risk.admin.shadow import ShadowActs
from risk.admin.variables import VariablePages
from risk.models import (
    LegalDocument,
    MonitoringPolicy,
    PolicyState,
    Product,
    ProductTerms,
    RegulationParameter,
    Scorecard,
    ShadowDecision,
    Tier,
)
from risk.rules.purposes import LoanPurpose
from risk.services.policy import draft_mark, policy_activate
from risk.services.regulation import regulation_propose
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.backoffice import (
    ConfirmForm,
    PermissionMethods,
    ReadOnlyAdmin,
    ReasonForm,
    act,
    badge,
    finish,
    may,
    staff_of,
)
from weilidai.lib.business_date import current_business_date

# Of the session: the drafts a person opened, by key.
SEEN = "drafts_seen"
STAMPS = ("version", "state", "valid_to", "drafted_by", "approved_by", "approved_at")


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    """A fourth product starts here; its figures are its terms."""

    list_display = ("code", "name_zh", "name_en", "is_open", "position")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit_record(action="product.save", actor=Actor.of(request.user), subject=obj, after=_plain(form))


def _plain(form: Any) -> dict[str, str]:
    return {name: str(form.cleaned_data[name]) for name in form.changed_data if name in form.cleaned_data}


class TierInline(TabularInline):
    model = Tier
    extra = 0
    tab = True

    def _is_draft(self, obj: Any) -> bool:
        return obj is None or obj.state == PolicyState.DRAFT

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_draft(obj) and request.user.has_perm("risk.change_productterms")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("risk.view_productterms"))


class DraftAdmin(PermissionMethods, SimpleHistoryAdmin, ModelAdmin):
    """Drafts are forms; everything else is read-only. `same` names the fields that a version series shares."""

    same: tuple[str, ...] = ()
    actions_detail = ["activate"]
    readonly_fields: ClassVar[Any] = STAMPS

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and obj.state == PolicyState.DRAFT and self.has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.state != PolicyState.DRAFT:
            return False
        return bool(super().has_change_permission(request, obj))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Only a draft is acted upon."""
        is_draft = self.model.objects.filter(pk=object_id, state=PolicyState.DRAFT).exists()
        return super().get_actions_detail(request, object_id) if is_draft else []

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new draft starts from the version in force where the page names one (`?from=<id>`)."""
        source = self.get_object(request, request.GET.get("from", ""))
        if source is None:
            return dict(super().get_changeform_initial_data(request))
        names = [field.name for field in self.model._meta.fields if field.name not in (*STAMPS, "id")]
        return {name: getattr(source, name) for name in names}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            self._draft_hold(request, obj)
        else:
            series = self.model.objects.filter(**{name: getattr(obj, name) for name in self.same})
            obj.version = (series.aggregate(last=Max("version"))["last"] or 0) + 1
        # Whoever touched the draft last drafted it: the same person cannot approve it.
        obj.drafted_by = request.user
        super().save_model(request, obj, form, change)
        audit_record(action="policy.draft", actor=Actor.of(request.user), subject=obj, after=_plain(form))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self._draft_hold(request, obj)
        super().delete_model(request, obj)

    def _draft_hold(self, request: HttpRequest, obj: Any) -> None:
        """The row is locked while it is written; one that was approved since the request began stays as it is."""
        held = self.model.objects.select_for_update(no_key=True).get(pk=obj.pk)
        if not self.has_change_permission(request, held):
            raise PermissionDenied

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, policy: Any) -> SafeString:
        return badge("active" if policy.state == PolicyState.ACTIVE else "pending", policy.get_state_display())

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **more: Any) -> Any:
        """Opening a draft is remembered: nobody approves what was changed after they looked."""
        if request.method == "GET" and object_id is not None:
            draft = self.get_object(request, object_id)
            if draft is not None and draft.state == PolicyState.DRAFT:
                request.session[SEEN] = {**request.session.get(SEEN, {}), str(draft.pk): draft_mark(draft)}
        return super().changeform_view(request, object_id, *args, **more)

    def seen(self, request: HttpRequest, object_id: str) -> str:
        """What this person saw of the draft, empty where they never opened its page."""
        return str(request.session.get(SEEN, {}).get(str(object_id), ""))

    def activate_policy(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return finish(
            request,
            request.META.get("HTTP_REFERER", ".."),
            lambda: policy_activate(
                policy=self.model.objects.get(pk=object_id),
                user=staff_of(request),
                as_of=current_business_date(),
                at=timezone.now(),
                seen=self.seen(request, object_id),
            ),
            _("The policy is in force from its first day on."),
        )


class ProductTermsForm(forms.ModelForm[ProductTerms]):
    """Purposes are chosen, never typed."""

    voucher_purposes = forms.MultipleChoiceField(
        label=_("vouchers: asked for purposes"), choices=LoanPurpose.choices, required=False,
        help_text=_("none chosen: vouchers are asked for no loan"), widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )  # fmt: skip


@admin.register(ProductTerms)
class ProductTermsAdmin(BacktestActs, DraftAdmin):
    same = ("product",)
    form = ProductTermsForm
    actions_detail = ["backtest", "activate"]
    list_display = ("product", "version", "state_badge", "valid_from", "valid_to", "drafted_by", "approved_by")
    list_filter = ("product", "state")
    inlines = (TierInline,)

    @act(
        title=_("Approve"),
        warning=_(
            "The draft comes into force on its first day and replaces the version before. Needs a second person."
        ),
        permission="risk.change_productterms",
        form=ApproveForm,
        icon="verified",
    )
    def activate(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return self.activate_policy(request, object_id)


@admin.register(Scorecard)
class ScorecardAdmin(VariablePages, BacktestActs, ShadowActs, DraftAdmin):
    same = ("code",)
    list_display = ("code", "version", "state_badge", "is_shadow", "valid_from", "valid_to", "drafted_by",
                    "approved_by")  # fmt: skip
    list_filter = ("code", "state", "is_shadow")
    actions_detail = ["backtest", "activate", "shadow_start", "shadow_end"]
    readonly_fields = (*STAMPS, "is_shadow", "shadow_from", "shadow_to")

    def get_urls(self) -> list[Any]:
        return [*self.variable_urls(), *super().get_urls()]

    def _has_run(self, obj: Any) -> bool:
        """What a challenger judged was judged by this definition: it stays as it is."""
        return obj is not None and (obj.is_shadow or ShadowDecision.objects.filter(scorecard=obj).exists())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not self._has_run(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not self._has_run(obj) and super().has_delete_permission(request, obj)

    @act(
        title=_("Approve"),
        warning=_(
            "The draft comes into force on its first day and replaces the version before. Needs a second person."
        ),
        permission="risk.change_scorecard",
        form=ApproveForm,
        icon="verified",
    )
    def activate(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return self.activate_policy(request, object_id)


@admin.register(MonitoringPolicy)
class MonitoringPolicyAdmin(DraftAdmin):
    same = ("code",)
    list_display = ("version", "state_badge", "valid_from", "valid_to", "approval_rate_min", "approval_rate_max",
                    "drafted_by", "approved_by")  # fmt: skip
    list_filter = ("state",)
    readonly_fields = (*STAMPS, "code")

    @act(
        title=_("Approve"),
        warning=_(
            "The draft comes into force on its first day and replaces the version before. Needs a second person."
        ),
        permission="risk.change_monitoringpolicy",
        form=ConfirmForm,
        icon="verified",
    )
    def activate(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return self.activate_policy(request, object_id)


class RegulationForm(ReasonForm):
    """A figure of the law from a day on."""

    name = forms.ChoiceField(
        label=_("Parameter"), choices=RegulationParameter.Name.choices, widget=UnfoldAdminSelectWidget
    )
    value = forms.DecimalField(label=_("Value"), max_digits=18, decimal_places=6, widget=UnfoldAdminTextInputWidget)
    valid_from = forms.DateField(label=_("Valid from"), widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}))
    source = forms.CharField(label=_("Source"), max_length=300, widget=UnfoldAdminTextInputWidget)
    field_order = ("name", "value", "valid_from", "source", "reason")


@admin.register(RegulationParameter)
class RegulationParameterAdmin(ReadOnlyAdmin):
    list_display = ("name", "value", "valid_from", "source")
    list_filter = ("name",)
    actions_list = ["propose", *ReadOnlyAdmin.actions_list]

    @action(
        description=_("Propose a figure"),
        url_path="propose",
        icon="add",
        permissions=[may("risk.add_regulationparameter")],
        dialog={
            "title": _("Propose a figure"),
            "description": _(
                "It holds from its first day on, once a second person has approved. "
                "Rates are written as shares (0.24 is 24 %), amounts in yuan."
            ),
            "form_class": RegulationForm,
            "form_submit_text": _("Propose"),
        },
    )  # fmt: skip
    def propose(self, request: HttpRequest, form: RegulationForm) -> HttpResponse:
        data = {name: value for name, value in form.cleaned_data.items() if not name.startswith("_")}
        return finish(
            request,
            self.list_url(),
            lambda: regulation_propose(
                **data, user=staff_of(request), as_of=current_business_date(), at=timezone.now()
            ),
            _("The figure waits for a second person."),
        )


@admin.register(LegalDocument)
class LegalDocumentAdmin(ReadOnlyAdmin):
    list_display = ("product", "code", "title", "version", "valid_from", "sha256_zh")
    list_filter = ("product", "code")
    search_fields = ("=sha256_zh", "=sha256_en", "code")
    list_select_related = ("product",)

    @admin.display(description=_("title"))
    def title(self, document: LegalDocument) -> str:
        return document.title
