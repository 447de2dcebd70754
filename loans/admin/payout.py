from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from loans.models import Payout, PayoutCallback
from weilidai.lib.backoffice import ReadOnlyAdmin, badge


@admin.register(Payout)
class PayoutAdmin(ReadOnlyAdmin):
    list_display = ("reference", "customer", "amount", "state_badge", "attempt_count", "inquiry_count",
                    "requested_at", "decided_at", "seconds", "refusal_code")  # fmt: skip
    list_filter = ("state", ("requested_at", RangeDateTimeFilter))
    search_fields = ("=reference", "=loan__id", "customer__openid")
    list_select_related = ("customer",)

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, payout: Payout) -> SafeString:
        return badge(payout.state, payout.get_state_display())

    @admin.display(description=_("seconds"))
    def seconds(self, payout: Payout) -> str:
        if payout.decided_at is None:
            return "–"
        return f"{(payout.decided_at - payout.requested_at).total_seconds():.1f}"


@admin.register(PayoutCallback)
class PayoutCallbackAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "reference", "result", "effect", "message_id")
    list_filter = ("result", "effect", ("received_at", RangeDateTimeFilter))
    search_fields = ("=message_id", "=reference")
