"""Raises of the monthly rounds: what each line got, when, and what for (R23, R24, R27, R56)."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter

from risk.models import LimitRaise, TierCode
from weilidai.lib.backoffice import ReadOnlyAdmin

EVIDENCE_WORDS: dict[str, Any] = {
    "from": _("old tier"),
    "months_in_use": _("months in use"),
    "assets": _("assets"),
    "fund_mean": _("current-money fund, monthly mean"),
    "wealth_products": _("wealth products"),
    "points": _("green points"),
}


def evidence_shown(name: str, value: Any) -> str:
    """A tier by its name, everything else as it was kept."""
    return str(dict(TierCode.choices).get(value, value)) if name == "from" else str(value)


@admin.register(LimitRaise)
class LimitRaiseAdmin(ReadOnlyAdmin):
    list_display = ("month", "customer", "source", "amount", "new_limit_amount", "policy")
    list_filter = ("source", ("month", RangeDateFilter))
    search_fields = ("=credit_line__id", "=customer__openid")
    list_select_related = ("customer", "policy")
    fields = ("month", "customer", "credit_line", "source", "amount", "new_limit_amount", "policy", "rests_on")
    readonly_fields = ("rests_on",)

    @admin.display(description=_("what it rests on"))
    def rests_on(self, row: LimitRaise) -> SafeString:
        rows = [(EVIDENCE_WORDS.get(name, name), evidence_shown(name, value)) for name, value in row.evidence.items()]
        return format_html_join("", "<div>{}: {}</div>", rows)
