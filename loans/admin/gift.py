from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter

from loans.models import CreditGift
from weilidai.lib.backoffice import ReadOnlyAdmin, badge


@admin.register(CreditGift)
class CreditGiftAdmin(ReadOnlyAdmin):
    list_display = ("offered_date", "customer", "recipient", "amount", "returned_amount", "state_badge",
                    "accept_until_date", "use_until_date")  # fmt: skip
    list_filter = ("state", ("offered_date", RangeDateFilter))
    search_fields = ("=customer__openid", "=recipient__openid", "=id")
    list_select_related = ("customer", "recipient")

    @admin.display(description=_("state"), ordering="state")
    def state_badge(self, gift: CreditGift) -> SafeString:
        return badge(gift.state, gift.get_state_display())
