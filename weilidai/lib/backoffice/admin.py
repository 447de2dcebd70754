"""The base of the back office's pages."""

from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import FieldDoesNotExist
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action

from weilidai.lib.backoffice.acts import PermissionMethods
from weilidai.lib.backoffice.exports import csv_response, export_rows, xlsx_response
from weilidai.lib.backoffice.lists import BoundedPaginator, QuickChangeList
from weilidai.lib.backoffice.search import rows_found, sorted_quickly
from weilidai.lib.backoffice.told import Told, kinds_told
from weilidai.lib.backoffice.xlsx import ROWS_MAX, SHEETS_MAX
from weilidai.lib.replica import report_alias

TONES = {
    "good": "bg-green-100 text-green-700 dark:bg-green-500/20 dark:text-green-400",
    "bad": "bg-red-100 text-red-700 dark:bg-red-500/20 dark:text-red-400",
    "wait": "bg-orange-100 text-orange-700 dark:bg-orange-500/20 dark:text-orange-400",
    "info": "bg-blue-100 text-blue-700 dark:bg-blue-500/20 dark:text-blue-400",
    "plain": "bg-base-100 text-base-700 dark:bg-base-500/20 dark:text-base-300",
}
STATE_TONES = {
    "active": "good", "approved": "good", "paid": "good", "accepted": "good", "done": "good", "closed": "plain",
    "settled": "plain", "rejected": "bad", "failed": "bad", "refused": "bad", "written_off": "bad",
    "frozen": "bad", "referred": "wait", "unknown": "wait", "pending": "wait", "disbursing": "wait",
    "issued": "info", "started": "info", "running": "info", "open": "info",
}  # fmt: skip


def badge(value: str, label: Any) -> SafeString:
    """A state as a coloured word."""
    classes = TONES[STATE_TONES.get(value, "plain")]
    return format_html(
        '<span class="inline-block rounded-default px-2 py-0.5 text-xs font-semibold whitespace-nowrap {}">{}</span>',
        classes,
        label,
    )


class ReadOnlyAdmin(PermissionMethods, ModelAdmin):
    """Rows that only services write: seen, searched, filtered, exported, never typed into."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    list_fullwidth = True
    actions_list: ClassVar[list[str]] = ["export_csv", "export_xlsx"]
    export_columns: ClassVar[list[str]] = []
    # What stands for a method of the list in a file: a field's name, or how its values are told.
    export_told: ClassVar[dict[str, str | Told]] = {}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[QuickChangeList]:
        return QuickChangeList

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:
        return [name for name in super().get_sortable_by(request) if self._sorted_quickly(name)]

    def _sorted_quickly(self, name: Any) -> bool:
        column = getattr(getattr(self, name, None), "admin_order_field", name)
        return not isinstance(column, str) or sorted_quickly(self.model, column)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By indexes. No field of a search leads to several rows, so none is found twice."""
        term, fields = search_term.strip(), self.get_search_fields(request)
        return (rows_found(queryset, fields, term) if term and fields else queryset), False

    def _export(self, request: HttpRequest) -> tuple[str, list[str], Any, list[str]]:
        changelist = self.get_changelist_instance(request)
        columns: list[Any] = self.export_columns or [name for name in self.list_display if name != "action_checkbox"]
        header = [str(self._column_title(name)) for name in columns]
        rows = export_rows(self, changelist.get_queryset(request).using(report_alias()), columns)
        return self.model._meta.model_name, header, rows, kinds_told(self, columns)

    def _column_title(self, name: str) -> Any:
        method = getattr(self, name, None)
        if method is not None:
            return getattr(method, "short_description", name)
        try:
            return capfirst(self.model._meta.get_field(name).verbose_name)
        except FieldDoesNotExist:
            return name

    @action(description=_("Export CSV"), url_path="export-csv", icon="download", permissions=["view"])
    def export_csv(self, request: HttpRequest) -> Any:
        return csv_response(*self._export(request))

    @action(description=_("Export XLSX"), url_path="export-xlsx", icon="table", permissions=["view"])
    def export_xlsx(self, request: HttpRequest) -> Any:
        rows = self.get_changelist_instance(request).get_queryset(request).using(report_alias()).order_by()
        most = SHEETS_MAX * ROWS_MAX
        if rows[: most + 1].count() > most:
            text = _("More than {n} rows do not fit into a workbook: filter the list, or export it as CSV.")
            messages.error(request, f"{text.format(n=f'{most:,}')} (export_too_long)")
            return redirect(f"{self.list_url()}?{request.GET.urlencode()}")
        return xlsx_response(*self._export(request))

    def detail_url(self, object_id: Any) -> str:
        """The page of one row."""
        meta = self.model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[object_id])

    def list_url(self) -> str:
        meta = self.model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")

    def back_to(self, object_id: Any) -> HttpResponse:
        return redirect(self.detail_url(object_id))


class ReadOnlyInline(TabularInline):
    """Rows that belong to the row on the page."""

    template = "backoffice/rows.html"
    extra = 0
    can_delete = False
    show_change_link = False
    tab = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
