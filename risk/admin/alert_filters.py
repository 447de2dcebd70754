"""Filters of the alert queue; none of them scans the table to find its choices."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from risk.models import WAITING_STATES, Alert, AlertState
from risk.rules.alerts import layer_word, rule_word
from weilidai.lib.backoffice.lists import values_that_occur
from weilidai.lib.business_date import current_business_date


class _DefaultFilter(admin.SimpleListFilter):
    """The first choice holds where nothing is chosen: a queue shows what waits, not its archive."""

    def choices(self, changelist: Any) -> Any:
        chosen = self.value() or self.lookup_choices[0][0]
        for value, title in self.lookup_choices:
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": str(value) == chosen, "query_string": query, "display": title}


class StateFilter(_DefaultFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("Waiting")), *AlertState.choices, ("all", _("All"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value() or "waiting"
        if value == "all":
            return queryset
        if value in AlertState.values:
            return queryset.filter(state=value)
        return queryset.filter(state__in=WAITING_STATES)


class OwnerFilter(admin.SimpleListFilter):
    title = _("owner")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("Mine")), ("nobody", _("Nobody's")), ("overdue", _("Overdue, anybody's"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "mine":
                return queryset.filter(owner=request.user)
            case "nobody":
                return queryset.filter(owner__isnull=True)
            case "overdue":
                return queryset.filter(state__in=WAITING_STATES, due_at__lt=timezone.now())
        return queryset


class RuleFilter(admin.SimpleListFilter):
    title = _("rule")
    parameter_name = "rule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(rule, rule_word(rule)) for rule in values_that_occur(Alert, "rule")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(rule=self.value()) if self.value() else queryset


class LayerFilter(admin.SimpleListFilter):
    title = _("layer")
    parameter_name = "layer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(layer, layer_word(layer)) for layer in values_that_occur(Alert, "layer")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(layer=self.value()) if self.value() else queryset


class SnoozeFilter(_DefaultFilter):
    title = _("state")
    parameter_name = "holds"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Holding now")), ("all", _("All"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "all":
            return queryset
        return queryset.filter(ended_at__isnull=True, until_date__gte=current_business_date())
