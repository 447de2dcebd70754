"""A table as people have it, a CSV of any usual kind or an Excel workbook, as lines of CSV text. Pure.

CSV: UTF-8 with or without a mark, UTF-16 with one (Excel's "Unicode text"), else GBK; gzip or not. A workbook: its
first sheet. Sizes are bounded before anything is unpacked in full.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

GZIP, ZIP, OLD_EXCEL = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# How much larger than the bound for text the XML of a workbook may be, and how many columns a table has at most.
XML_TIMES, COLUMNS_MAX = 10, 200
# So many empty rows end a sheet: a row's number in a small file may claim a million of them above it.
EMPTY_ROWS_MAX = 10_000
DELIMITERS = (",", ";", "\t", "|")
BROKEN = (zipfile.BadZipFile, InvalidFileException, ParseError, zlib.error, KeyError, ValueError, IndexError, TypeError,
          AttributeError, EOFError, OSError, NotImplementedError, RuntimeError)  # fmt: skip


class FileInvalid(ValueError):
    """Nothing can be read; `code` says why, `detail` which column or what the reader said."""

    def __init__(self, code: str, text: str, detail: str = "") -> None:
        super().__init__(f"{text}: {detail}" if detail else text)
        self.code, self.detail = code, detail


def table_text(content: bytes, *, bytes_max: int) -> str:
    """The lines of the table. Raises `FileInvalid`."""
    if content.startswith(OLD_EXCEL):
        raise FileInvalid("excel_old", "an old .xls or a workbook with a password; save it as .xlsx")
    if content.startswith(ZIP):
        return _workbook(content, bytes_max)
    if content.startswith(GZIP):
        content = _unpacked(content, bytes_max)
    if len(content) > bytes_max:
        raise FileInvalid("too_large", "the file is too large", f"{bytes_max} bytes")
    return _decoded(content)


def _unpacked(content: bytes, bytes_max: int) -> bytes:
    """One byte more than allowed is enough to know."""
    reader = zlib.decompressobj(wbits=31)
    try:
        text = reader.decompress(content, bytes_max + 1)
    except zlib.error as error:
        raise FileInvalid("archive_damaged", "the archive is damaged") from error
    if not reader.eof and len(text) <= bytes_max:
        raise FileInvalid("archive_damaged", "the archive ends too early")
    return text


def _decoded(content: bytes) -> str:
    """A stray byte in a file that is otherwise UTF-8 spoils its cell, never the file."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("utf-8-sig", errors="replace")


def _workbook(content: bytes, bytes_max: int) -> str:
    """The first sheet as CSV. What the sheet claims to measure is not believed."""
    if len(content) > bytes_max:
        raise FileInvalid("too_large", "the file is too large", f"{bytes_max} bytes")
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    try:
        packed = zipfile.ZipFile(io.BytesIO(content)).infolist()
        if sum(one.file_size for one in packed) > bytes_max * XML_TIMES:
            raise FileInvalid("too_large", "the workbook is too large", f"{bytes_max * XML_TIMES} bytes unpacked")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet: Any = book.worksheets[0]
        sheet.reset_dimensions()
        width = empty = 0
        for row in sheet.iter_rows(values_only=True, max_col=COLUMNS_MAX):
            cells = _cells(row)
            empty = 0 if cells else empty + 1
            if empty > EMPTY_ROWS_MAX:
                break
            width = width or len(cells)
            writer.writerow(cells + [""] * (width - len(cells)) if cells else [])
            if text.tell() > bytes_max:
                raise FileInvalid("too_large", "the file is too large", f"{bytes_max} bytes")
    except FileInvalid:
        raise
    except BROKEN as error:
        raise FileInvalid("workbook_damaged", "no readable workbook", type(error).__name__) from error
    return text.getvalue()


def _cells(row: Iterable[Any]) -> list[str]:
    """Without the empty cells at the end, which the reader made up."""
    cells = [_cell(value) for value in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _cell(value: Any) -> str:
    """Whole numbers without a point, as somebody reading the sheet sees them; one line per row."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, date | datetime):
        return value.isoformat()
    return " ".join(str(value).split())


def delimiter_of(header: str, columns: Iterable[str]) -> str:
    """The sign that splits the header into the most known columns."""
    known = set(columns)

    def found(sign: str) -> int:
        return len(known & {cell.strip().strip('"').lstrip("\ufeff").lower() for cell in header.split(sign)})

    return max(DELIMITERS, key=found)
