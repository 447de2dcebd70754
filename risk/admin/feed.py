from django.contrib import admin
from unfold.contrib.filters.admin import RangeDateFilter

from risk.models import FeedDelivery, FeedRejection
from weilidai.lib.backoffice import ReadOnlyAdmin


@admin.register(FeedDelivery)
class FeedDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "kind", "source", "business_date", "good_count", "bad_count", "repeated_count",
                    "finished_at")  # fmt: skip
    list_filter = ("kind", ("business_date", RangeDateFilter))
    search_fields = ("source",)


@admin.register(FeedRejection)
class FeedRejectionAdmin(ReadOnlyAdmin):
    list_display = ("delivery", "line_number", "field", "code", "detail")
    list_filter = ("code", "delivery__kind")
    list_select_related = ("delivery",)
