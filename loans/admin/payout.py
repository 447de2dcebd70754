from datetime import datetime

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from loans.models import Payout, PayoutCallback, PayoutState
from weilidai.lib.backoffice import ReadOnlyAdmin, badge
from weilidai.lib.backoffice.told import Told
from weilidai.lib.backoffice.words import words_filter

EFFECTS = {"applied": _("Applied"), "repeated": _("Repeated"), "contradiction": _("Contradiction")}
RESULTS = dict(PayoutState.choices)


def effect_word(effect: str) -> str:
    """What a call-back did here; one not handled yet shows nothing."""
    return str(EFFECTS.get(effect, effect))


def result_word(result: str) -> str:
    """What the bank says; a word it invents shows as it came."""
    return str(RESULTS.get(result, result))


def seconds_between(requested_at: datetime, decided_at: datetime | None) -> str:
    """From the asking to the bank's word."""
    return "–" if decided_at is None else f"{(decided_at - requested_at).total_seconds():.1f}"


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    list_display = ("reference", "customer", "amount", "state_badge", "attempt_count", "inquiry_count",
                    "requested_at", "decided_at", "seconds", "refusal_code")  # fmt: skip
    list_filter = ("state", ("requested_at", RangeDateTimeFilter))
    search_fields = ("=reference", "=loan__id", "customer__openid")
    list_select_related = ("customer",)
    export_told = {
        "state_badge": "state", "seconds": Told(("requested_at", "decided_at"), seconds_between),
    }  # fmt: skip

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, payout: Payout) -> SafeString:
        return badge(payout.state, payout.get_state_display())

    @admin.display(description=_("seconds"))
    def seconds(self, payout: Payout) -> str:
        return seconds_between(payout.requested_at, payout.decided_at)


@admin.register(PayoutCallback)
class PayoutCallbackAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "reference", "outcome", "consequence", "message_id")
    list_filter = (
        ("result", words_filter(result_word, RESULTS)),
        ("effect", words_filter(effect_word, EFFECTS)),
        ("received_at", RangeDateTimeFilter),
    )
    search_fields = ("=message_id", "=reference")

    @admin.display(description=_("result"), ordering="result")
    def outcome(self, callback: PayoutCallback) -> str:
        return result_word(callback.result)

    @admin.display(description=_("effect"), ordering="effect")
    def consequence(self, callback: PayoutCallback) -> str:
        return effect_word(callback.effect)
