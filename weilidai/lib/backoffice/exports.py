"""Export of what a list shows, filters applied: CSV as a stream, XLSX through openpyxl's write-only mode.

Cells that a spreadsheet would take for a formula are written as text.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from tempfile import NamedTemporaryFile
from typing import Any

from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
XLSX_ROWS_MAX = 200_000
Row = list[str]


def safe_cell(value: Any) -> str:
    """Text that no spreadsheet runs: a leading formula sign gets an apostrophe, numbers stay as they are."""
    text = "" if value is None else ILLEGAL_CHARACTERS_RE.sub("", str(value))
    if text.startswith(FORMULA_STARTS) and not _is_number(text):
        return "'" + text
    return text


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


class _Echo:
    """A file whose writes are its return values, so that `csv` can feed a stream."""

    def write(self, value: str) -> str:
        return value


def csv_response(name: str, header: Row, rows: Iterable[Row]) -> StreamingHttpResponse:
    """UTF-8 with a byte-order mark: spreadsheets then show Chinese."""
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield "\ufeff" + writer.writerow(header)
        for row in rows:
            yield writer.writerow([safe_cell(cell) for cell in row])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def xlsx_response(name: str, header: Row, rows: Iterable[Row]) -> FileResponse:
    """At most `XLSX_ROWS_MAX` rows; larger exports are CSV."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title="export")
    sheet.append(header)
    for number, row in enumerate(rows):
        if number >= XLSX_ROWS_MAX:
            break
        sheet.append([safe_cell(cell) for cell in row])
    file = NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115 - the response closes it
    book.save(file.name)
    return FileResponse(open(file.name, "rb"), as_attachment=True, filename=f"{name}.xlsx")


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


def export_rows(admin: Any, request: HttpRequest, queryset: Any, columns: list[str]) -> Iterator[Row]:
    """What the list shows, row by row in batches; `columns` are names of the admin's list."""
    readers = [_reader(admin, column) for column in columns]
    for obj in queryset.iterator(chunk_size=2000):
        yield [str(reader(obj)) for reader in readers]


def _reader(admin: Any, column: str) -> Callable[[Any], Any]:
    if hasattr(admin, column):
        return getattr(admin, column)  # type: ignore[no-any-return]

    def read(obj: Any) -> Any:
        shown = getattr(obj, f"get_{column}_display", None)
        value = shown() if shown else getattr(obj, column)
        return value() if callable(value) else value

    return read
