"""Invitations from a CSV or XLSX file: read, preview with an error per row, then issue what is good (R1)."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from risk.errors import InvitationInvalid
from risk.models import InvitationBatch
from risk.rules.workbench.table import FileInvalid, delimiter_of, table_text
from risk.selectors.policy import product_get
from risk.services.invitation import IssueReport, invitations_issue, issue_obstacles
from weilidai.lib.audit import Actor

ROWS_MAX, BYTES_MAX = 100_000, 20 * 1024 * 1024
COLUMN = "openid"
# What stands where bytes were no text.
MISREAD = "\ufffd"
NOT_READABLE = _("The file is not a readable CSV (UTF-8) or XLSX table")
TOO_LARGE = _("The file is too large")


@dataclass(frozen=True)
class FileRow:
    line: int
    openid: str


@dataclass(frozen=True)
class RowError:
    """A row that cannot be taken; `line` counts as in the file, the heading is line 1."""

    line: int
    openid: str
    detail: str | Promise


@dataclass(frozen=True)
class FileCheck:
    good: list[FileRow]
    errors: list[RowError]


def invitation_file_read(content: bytes) -> list[FileRow]:
    """Rows of the column `openid`. Raises `InvitationInvalid` for a file that cannot be read as a table."""
    try:
        text = table_text(content, bytes_max=BYTES_MAX)
        if MISREAD in text:
            raise InvitationInvalid(NOT_READABLE)
        sign = delimiter_of(text.partition("\n")[0], [COLUMN])
        return list(_rows(csv.reader(io.StringIO(text, newline=""), delimiter=sign)))
    except FileInvalid as error:
        raise InvitationInvalid(TOO_LARGE if error.code == "too_large" else NOT_READABLE) from error
    except csv.Error as error:
        raise InvitationInvalid(NOT_READABLE) from error


def _rows(lines: Iterator[list[Any]]) -> Iterator[FileRow]:
    heading = [str(cell or "").strip().lower() for cell in next(lines, [])]
    if COLUMN not in heading:
        raise InvitationInvalid(_("The first line must name the column openid"))
    position = heading.index(COLUMN)
    for number, cells in enumerate(lines, start=2):
        if number > ROWS_MAX + 1:
            raise InvitationInvalid(_("The file has too many rows"))
        if any(str(cell or "").strip() for cell in cells):
            cell = cells[position] if position < len(cells) else ""
            yield FileRow(number, "" if cell is None else str(cell).strip())


def invitation_file_check(rows: Iterable[FileRow], *, product: str) -> FileCheck:
    """Which rows would be issued and what is wrong with the others; writes nothing."""
    listed = list(rows)
    # What no openid can be is not asked of the database, which cannot even be told some of it.
    asked = {row.openid for row in listed if row.openid and _is_plain(row.openid)}
    obstacles = issue_obstacles(sorted(asked), product_get(product))
    good: list[FileRow] = []
    errors: list[RowError] = []
    seen: set[str] = set()
    for row in listed:
        detail = _row_fault(row, seen, obstacles)
        seen.add(row.openid)
        if detail is None:
            good.append(row)
        else:
            errors.append(RowError(row.line, row.openid, detail))
    return FileCheck(good, errors)


def _is_plain(openid: str) -> bool:
    return all(char.isprintable() and not char.isspace() for char in openid)


def _row_fault(row: FileRow, seen: set[str], obstacles: dict[str, str | Promise]) -> str | Promise | None:
    if not row.openid:
        return _("the openid is missing")
    if not _is_plain(row.openid):
        return _("the openid has characters that are not allowed")
    if row.openid in seen:
        return _("named twice in this file")
    return obstacles.get(row.openid)


def invitation_file_issue(
    *,
    rows: Iterable[FileRow],
    product: str,
    reason: str,
    file_name: str,
    actor: Actor,
    as_of: date,
    expires_date: date | None = None,
    source: InvitationBatch.Source = InvitationBatch.Source.FILE,
) -> tuple[IssueReport, list[RowError]]:
    """Issues the good rows and returns the errors of the others."""
    check = invitation_file_check(rows, product=product)
    report = invitations_issue(
        openids=[row.openid for row in check.good],
        product=product,
        source=source,
        reason=reason,
        actor=actor,
        as_of=as_of,
        expires_date=expires_date,
        file_name=file_name,
    )
    return report, check.errors
