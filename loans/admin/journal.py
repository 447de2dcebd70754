from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter

from loans.models import JournalEntry, LedgerAccount, Posting, ProductAccrual
from weilidai.lib.backoffice import ReadOnlyAdmin
from weilidai.lib.backoffice.admin import ReadOnlyInline
from weilidai.lib.backoffice.told import Told
from weilidai.lib.money import ZERO, MoneyField, round_money


class PostingInline(ReadOnlyInline):
    model = Posting
    fields = ("ledger_account", "side", "amount")
    tab = False


# One look at the index of postings for each entry, while the rows come by.
DEBITS = Coalesce(
    Subquery(
        Posting.objects.filter(entry=OuterRef("pk"), side=Posting.Side.DEBIT)
        .order_by().values("entry").annotate(total=Sum("amount")).values("total")
    ),
    ZERO,
    output_field=MoneyField(),
)  # fmt: skip


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    list_display = ("effective_date", "kind", "debits", "product", "customer", "loan", "reference", "posted_at")
    list_filter = ("kind", "product", ("effective_date", RangeDateFilter))
    search_fields = ("=reference", "=loan__id", "customer__openid")
    list_select_related = ("customer", "product", "loan")
    inlines = (PostingInline,)
    export_told = {"debits": Told((DEBITS,), lambda total: str(round_money(total)), "money")}

    def get_queryset(self, request: HttpRequest) -> QuerySet[JournalEntry]:
        rows: QuerySet[JournalEntry] = super().get_queryset(request)
        return rows.prefetch_related("postings")

    @admin.display(description=_("amount"))
    def debits(self, entry: JournalEntry) -> str:
        return str(sum(row.amount for row in entry.postings.all() if row.side == Posting.Side.DEBIT))


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyAdmin):
    list_display = ("code", "name_zh", "name_en", "kind")
    list_filter = ("kind",)


@admin.register(ProductAccrual)
class ProductAccrualAdmin(ReadOnlyAdmin):
    list_display = ("business_date", "product", "kind", "amount", "cumulative_amount", "entry")
    list_filter = ("product", "kind", ("business_date", RangeDateFilter))
    list_select_related = ("product", "entry")
