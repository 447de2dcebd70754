"""How the codes of variables are called on a page."""

import re
from typing import Any

from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

FAMILY_WORDS: dict[str, Any] = {
    "facts": _("Facts of a decision"),
    "totals": _("Totals"),
    "comparisons": _("Comparisons of two windows"),
    "days": _("Days and months with events"),
    "months": _("Course of the months"),
    "levels": _("Levels"),
    "ratios": _("Ratios of two flows"),
    "burdens": _("Ratios of two levels"),
}
SOURCE_WORDS: dict[str, Any] = {
    "payments": _("Payments and transfers"),
    "activity": _("Activity"),
    "friends": _("Friends"),
    "logins": _("Logins"),
    "assets": _("Assets"),
    "bureau": _("Credit report"),
    "auxiliary": _("Auxiliary items"),
    "green": _("Green acts"),
}
UNIT_WORDS: dict[str, Any] = {
    "yuan": _("yuan"),
    "count": _("number"),
    "days": _("days"),
    "months": _("months"),
    "minutes": _("minutes"),
    "ratio": _("ratio"),
}
STATISTIC_WORDS: dict[str, Any] = {
    "sum": _("total"),
    "max_day": _("largest day"),
    "mean_active": _("mean of the days on which it happened"),
    "share": _("share of the shorter window in the longer"),
    "active_days": _("days on which it happened"),
    "days_since_last": _("days since the last time"),
    "longest_run": _("longest run of days"),
    "active_months": _("months in which it happened"),
    "best_month": _("highest month"),
    "worst_month": _("lowest month"),
    "variation": _("mean deviation of the months"),
    "trend": _("change a month"),
    "last": _("newest value"),
    "age_days": _("age in days"),
    "mean": _("mean"),
    "min": _("smallest"),
    "max": _("largest"),
    "change": _("change since then"),
    "quotient": _("quotient"),
}
_SPAN = re.compile(r"(\d+)([dm])")


def word(words: dict[str, Any], code: str) -> str:
    return str(words.get(code, code))


def window_word(code: str) -> str:
    """`30d`, `6m`, `mtd`, `newest`, or two of them compared: `30d/90d`."""
    if code == "newest":
        return translate("newest report")
    if code == "mtd":
        return translate("this month so far")
    return " ÷ ".join(_span(part) for part in code.split("/"))


def _span(code: str) -> str:
    found = _SPAN.fullmatch(code)
    if found is None:
        return code
    text = translate("last {n} days") if found[2] == "d" else translate("last {n} complete months")
    return text.format(n=found[1])
