"""A table of card clients, row by row: what can be read is read, what cannot is named with line, field and reason."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext

from risk.rules.workbench.clients import BROKEN, CELLS, COLUMNS, LABEL, REPEATED, RowInvalid, client_read
from risk.rules.workbench.table import COLUMNS_MAX, FileInvalid, delimiter_of

if TYPE_CHECKING:
    import _csv

__all__ = ["ClientFile", "FileInvalid", "Rejected", "clients_load"]

PERSONAL = ("sex", "age")
# No database keeps these in a text; names of columns are kept, cells are not.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

# Where columns are not parted by commas, a comma may be the decimal one. With three digits after it nobody can tell.
DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d{1,2}\s*")


@dataclass(frozen=True)
class Rejected:
    line: int
    field: str
    word: str
    value: str = ""

    @property
    def reason(self) -> str:
        return self.word.format(value=self.value)

    @property
    def reason_words(self) -> str:
        """The reason in the active language."""
        return gettext(self.word).format(value=self.value)


@dataclass
class ClientFile:
    """The clients in file order, their personal facts for the fairness table, and the rows left out."""

    columns: tuple[str, ...]
    clients: list[Any] = field(default_factory=list)
    personal: list[dict[str, str]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def is_labelled(self) -> bool:
        return LABEL in self.columns and any(client.bad is not None for client in self.clients)


def clients_load(lines: Iterable[str]) -> ClientFile:
    """Columns in any order, more of them welcome, parted by commas, semicolons, tabs or bars.

    Raises `FileInvalid` without the columns a score needs.
    """
    above, first, rest = _first(iter(lines))
    delimiter = delimiter_of(first, COLUMNS)
    reader = csv.reader(chain([first], rest), delimiter=delimiter)
    header = _header(reader)
    found, seen = ClientFile(header), set[str]()
    while (cells := _cells(reader, found, above)) is not None:
        if len(cells) > 1 or any(cell.strip() for cell in cells):
            if delimiter != ",":
                cells = [cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell) else cell for cell in cells]
            _row_take(found, seen, header, cells, above + reader.line_num)
    return found


def _first(lines: Iterator[str]) -> tuple[int, str, Iterator[str]]:
    """How many lines stand above the header, the header and what follows. Excel writes `sep=;` into a first line."""
    first = next(lines, "")
    if first.strip().strip('"\ufeff').lower().startswith("sep="):
        return 1, next(lines, ""), lines
    return 0, first, lines


def _header(reader: "_csv.Reader") -> tuple[str, ...]:
    try:
        header = tuple(name.strip().lstrip("\ufeff").lower() for name in next(reader, []))
    except csv.Error as error:
        raise FileInvalid("header_invalid", "header", str(error)) from error
    if len(header) > COLUMNS_MAX:
        raise FileInvalid("columns_too_many", "too many columns, at most", str(COLUMNS_MAX))
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise FileInvalid("columns_missing", "columns missing", ", ".join(missing))
    if UNSTORABLE.search("".join(header)):
        raise FileInvalid("header_invalid", "header", "NUL")
    twice = sorted(name for name, times in Counter(header).items() if name and times > 1)
    if twice:
        raise FileInvalid("columns_twice", "columns given twice", ", ".join(twice))
    return header


def _cells(reader: "_csv.Reader", found: ClientFile, above: int) -> list[str] | None:
    """The next row's cells, None at the end. A row that is no CSV is named and counts as empty: the rest is read."""
    try:
        return next(reader, None)
    except csv.Error as error:
        found.rejected.append(Rejected(above + reader.line_num, "", BROKEN, str(error)))
        return []


def _row_take(found: ClientFile, seen: set[str], header: tuple[str, ...], cells: list[str], line: int) -> None:
    if len(cells) != len(header):
        found.rejected.append(Rejected(line, "", CELLS, f"{len(cells)} / {len(header)}"))
        return
    row = dict(zip(header, cells, strict=True))
    try:
        client = client_read(row)
    except RowInvalid as error:
        found.rejected.append(Rejected(line, error.field, error.word, error.value))
        return
    if client.client_id in seen:
        found.rejected.append(Rejected(line, "client_id", REPEATED, client.client_id[:40]))
        return
    seen.add(client.client_id)
    found.clients.append(client)
    found.personal.append({name: row[name] for name in PERSONAL if name in header})
