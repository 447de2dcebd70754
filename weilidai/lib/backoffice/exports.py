"""Export of what a list shows, filters applied: CSV and XLSX as streams, whose memory does not grow with the rows.

Cells that a spreadsheet would take for a formula are written as text.
"""

import csv
import gc
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import unescape
from itertools import chain, islice
from tempfile import NamedTemporaryFile
from typing import Any

from django.db import transaction
from django.http import FileResponse, StreamingHttpResponse
from django.utils.safestring import SafeString
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from weilidai.lib.backoffice.told import cell, columns_told, rows_told
from weilidai.lib.backoffice.xlsx import xlsx_pieces

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TAG = re.compile(r"<[^>]*>")
# What makes a look at the single cells of a page necessary, which are put one below the other.
DOUBTFUL = re.compile(rf"(?:^|\n)[=+\-@\t\r]|{ILLEGAL_CHARACTERS_RE.pattern}")
# Rows looked through and handed on at once: each piece of an answer costs the server a call of the system.
PAGE, BATCH = 500, 500
Row = Sequence[str]


def safe_cell(value: Any) -> str:
    """Text that no spreadsheet runs: a leading formula sign gets an apostrophe, numbers stay as they are."""
    text = "" if value is None else ILLEGAL_CHARACTERS_RE.sub("", str(value))
    if text.startswith(FORMULA_STARTS) and not _is_number(text):
        return "'" + text
    return text


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def safe_pages(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Pages of rows with safe cells. Most pages hold nothing doubtful, which one search tells."""
    left = iter(rows)
    while page := list(islice(left, PAGE)):
        if DOUBTFUL.search("\n".join(chain.from_iterable(page))):
            page = [[safe_cell(text) for text in row] for row in page]
        yield page


def csv_response(name: str, header: Row, rows: Iterable[Row], _kinds: Sequence[str] = ()) -> StreamingHttpResponse:
    """UTF-8 with a byte-order mark: spreadsheets then show Chinese. Whoever reads it finds the numbers himself."""
    response = StreamingHttpResponse(_csv_pieces(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _csv_pieces(header: Row, rows: Iterable[Row]) -> Iterator[str]:
    yield "\ufeff" + _csv([header])
    for page in safe_pages(rows):
        yield _csv(page)


def _csv(rows: Iterable[Row]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def xlsx_response(name: str, header: Row, rows: Iterable[Row], kinds: Sequence[str] = ()) -> StreamingHttpResponse:
    """The caller sees to it that a workbook can hold the rows. `kinds` names each column's, so that sums can be made
    of numbers; without it all cells are text.
    """
    response = StreamingHttpResponse(xlsx_pieces(header, safe_pages(rows), kinds), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return response


def parquet_response(name: str, kinds: dict[str, str], rows: list[tuple[Any, ...]]) -> FileResponse:
    """Typed columns for programs: `kinds` names each column's kind (text, date, count, money, share, rate)."""
    file = NamedTemporaryFile(suffix=".parquet")  # noqa: SIM115 - the response closes it
    parquet_write(file.name, kinds, rows)
    return FileResponse(open(file.name, "rb"), as_attachment=True, filename=f"{name}.parquet")


def parquet_write(path: str, kinds: dict[str, str], rows: list[tuple[Any, ...]]) -> None:
    """Amounts and shares stay exact decimals."""
    # Loaded where it is needed: most processes never write one.
    import polars

    types: dict[str, Any] = {
        "text": polars.String(), "date": polars.Date(), "count": polars.Int64(), "money": polars.Decimal(18, 2),
        "share": polars.Decimal(12, 6), "rate": polars.Decimal(12, 6),
    }  # fmt: skip
    schema = {column: types[kind] for column, kind in kinds.items()}
    polars.DataFrame(rows, schema=schema, orient="row").write_parquet(path)


def export_rows(admin: Any, queryset: Any, columns: list[str]) -> Iterator[Row]:
    """What the list shows, row by row; `columns` are names of the admin's list. From values alone where each column
    can be told so, many times quicker.
    """
    told = columns_told(admin, columns, queryset.db)
    return rows_told(queryset, told) if told is not None else rows_read(admin, queryset, columns)


def rows_read(admin: Any, queryset: Any, columns: list[str]) -> Iterator[Row]:
    """The same from whole rows, as the list shows them.

    Inside a transaction the database hands on the rows as it finds them; outside it would first lay down all of them.
    Rows that know each other, as an entry and its postings, are garbage that nobody looks for while many rows come by.
    """
    readers = [_reader(admin, column) for column in columns]
    with transaction.atomic(using=queryset.db):
        for number, obj in enumerate(queryset.iterator(chunk_size=BATCH), 1):
            yield [_plain(reader(obj)) for reader in readers]
            if number % (10 * BATCH) == 0:
                gc.collect()


def _plain(value: Any) -> str:
    """Without the tags of a link or a coloured word."""
    return unescape(TAG.sub("", value)) if isinstance(value, SafeString) else cell(value)


def _reader(admin: Any, column: str) -> Callable[[Any], Any]:
    if hasattr(admin, column):
        shown: Callable[[Any], Any] = getattr(admin, column)
        return shown

    def read(obj: Any) -> Any:
        shown = getattr(obj, f"get_{column}_display", None)
        value = shown() if shown else getattr(obj, column)
        return value() if callable(value) else value

    return read
