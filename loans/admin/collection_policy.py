"""Strategies of collections as versioned policy: a draft by a form, in force once a second person approves (R60)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.notices import NOTICES
from loans.admin.collection_policy_form import (
    CHANNEL_WORDS,
    FIGURE_WORDS,
    SEGMENT_TEXTS,
    CollectionPolicyForm,
    form_fields,
    rows_of,
)
from loans.maths.collection import CALL, OVERDUE_BUCKETS
from loans.models import CollectionPolicy
from loans.selectors.collection_policy import collection_policy_at, figures_of
from loans.services.collection_policy import collection_definition_check
from risk.admin.policy import STAMPS, DraftAdmin
from risk.services.policy import policy_activate
from weilidai.lib.backoffice import ConfirmForm, act, finish, staff_of
from weilidai.lib.business_date import current_business_date

MAY_APPROVE = "loans.change_collectionpolicy"


def strategy_rows(definition: dict[str, Any]) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Per bucket the segments with their steps in words; days counted from the due date."""
    segments = [row["code"] for row in definition.get("segments", [])]
    return [
        (bucket, [(code, [_words(step, band.days_min) for step in rows_of(definition, bucket, code)])
                  for code in segments])
        for bucket, band in OVERDUE_BUCKETS.items()
    ]  # fmt: skip


def _words(step: dict[str, Any], first: int) -> str:
    deed = str(CHANNEL_WORDS[step["channel"]])
    if step["channel"] == CALL:
        return f"{first + step['day']} · {deed} ({step['priority']})"
    return f"{first + step['day']} · {deed}: {NOTICES[step['template']][0]}"


@admin.register(CollectionPolicy)
class CollectionPolicyAdmin(DraftAdmin):
    same = ("code",)
    form = CollectionPolicyForm
    list_display = ("version", "state_badge", "valid_from", "valid_to", "change_reason", "drafted_by", "approved_by")
    list_filter = ("state",)
    readonly_fields = (*STAMPS, "code", "strategies")

    @admin.display(description=_("Strategies"))
    def strategies(self, policy: CollectionPolicy) -> SafeString:
        segments = policy.definition.get("segments", [])
        return render_to_string(
            "backoffice/collection_strategies.html",
            {
                "rows": strategy_rows(policy.definition),
                "segments": [_segment_words(row) for row in segments],
                "figures": [(FIGURE_WORDS[name], value) for name, value in figures_of(policy.definition).items()],
            },
        )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Without `?from` a draft starts from the version in force."""
        given = super().get_changeform_initial_data(request)
        if "definition" not in given:
            current = collection_policy_at(current_business_date())
            given["definition"] = current.definition if current is not None else {}
        return given

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The fields of segments and steps are those of the version the draft starts from."""
        kwargs["fields"] = ("valid_from", "change_reason")
        form = super().get_form(request, obj, change, **kwargs)
        if obj is None and request.method == "POST":
            definition = self.get_changeform_initial_data(request)["definition"]
            return type(form.__name__, (form,), {"started_from": definition})
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        shown: list[tuple[Any, dict[str, Any]]] = (
            [(None, {"fields": (*STAMPS, "change_reason", "strategies")})] if obj else []
        )
        if not may_write:
            return shown
        source = obj.definition if obj else self.get_changeform_initial_data(request)["definition"]
        names = list(form_fields(source))
        head: list[Any] = ["valid_from", "change_reason"]
        pages: list[tuple[Any, dict[str, Any]]] = [
            (None, {"fields": head}),
            (_("Figures"), {"classes": ("tab",), "fields": _threes([n for n in names if n.startswith("figure__")])}),
            (_("Segments"), {"classes": ("tab",), "fields": _lines(names, "segment__")}),
        ]
        for bucket in OVERDUE_BUCKETS:
            pages.append((bucket, {"classes": ("tab",), "fields": _lines(names, f"step__{bucket}__")}))
        return pages if obj is None else [(None, {"fields": (*STAMPS, "strategies")}), *pages]

    @act(
        title=_("Approve"),
        warning=_(
            "The draft comes into force on its first day and replaces the version before. Needs a second person."
        ),
        permission=MAY_APPROVE,
        form=ConfirmForm,
        icon="verified",
    )
    def activate(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        return finish(
            request,
            self.detail_url(object_id),
            lambda: policy_activate(
                policy=CollectionPolicy.objects.get(pk=object_id),
                user=staff_of(request),
                as_of=current_business_date(),
                at=timezone.now(),
                check=collection_definition_check,
                seen=self.seen(request, object_id),
            ),
            _("The policy is in force from its first day on."),
        )

    def detail_url(self, object_id: Any) -> str:
        return reverse("admin:loans_collectionpolicy_change", args=[object_id])


def _segment_words(row: dict[str, Any]) -> str:
    told = [
        f"{label}: {', '.join(row[name]) if isinstance(row[name], list) else row[name]}"
        for name, label in SEGMENT_TEXTS
        if name != "code" and row.get(name)
    ]
    return f"{row['code']} — {'; '.join(told)}" if told else f"{row['code']}"


def _lines(names: list[str], prefix: str) -> list[tuple[str, ...]]:
    """Fields of one row of the form side by side, at most three."""
    rows: dict[str, list[str]] = {}
    for name in names:
        if name.startswith(prefix):
            rows.setdefault(name.rpartition("__")[0], []).append(name)
    return [line for row in rows.values() for line in _threes(row)]


def _threes(names: list[str]) -> list[tuple[str, ...]]:
    return [tuple(names[start : start + 3]) for start in range(0, len(names), 3)]
