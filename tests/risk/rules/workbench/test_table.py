"""Tables as people have them: encodings, delimiters, workbooks, and what cannot be read is told with a code."""

import gzip
import io
import time
import zipfile
from datetime import date
from typing import Any

import openpyxl
import pytest

from risk.rules.workbench.clients import COLUMNS
from risk.rules.workbench.reading import ClientFile, clients_load
from risk.rules.workbench.table import FileInvalid, table_text

pytestmark = pytest.mark.req("R15", "R17")
BYTES_MAX = 100_000
HEADER = [*COLUMNS, "default_next_month", "姓名"]


def cells(name: str, bill: str = "689.50", limit: str = "20000") -> list[str]:
    return [name, limit, *["-1"] * 6, *[bill] * 6, *["0"] * 6, "1", "张三"]


def lines(sign: str = ",", **more: str) -> str:
    return "".join(sign.join(row) + "\r\n" for row in (HEADER, cells("1", **more), cells("2", **more)))


def read(content: bytes) -> ClientFile:
    return clients_load(io.StringIO(table_text(content, bytes_max=BYTES_MAX), newline=""))


def workbook(*rows: list[Any], sheets: int = 1) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    for _ in range(sheets - 1):
        book.create_sheet()
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


PLAIN = read(lines().encode())


def test_a_plain_file_is_what_the_others_are_held_against() -> None:
    assert [client.client_id for client in PLAIN.clients] == ["1", "2"]
    assert [str(bill) for bill in PLAIN.clients[0].bills] == ["689.50"] * 6
    assert PLAIN.is_labelled


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_usual_encoding_and_delimiter_reads_the_same(encoding: str, sign: str, pack: Any) -> None:
    found = read(pack(lines(sign).encode(encoding)))
    assert (found.clients, found.columns, found.rejected) == (PLAIN.clients, PLAIN.columns, [])


def test_a_comma_is_a_decimal_one_where_it_does_not_part_columns() -> None:
    assert read(lines(";", bill="689,50").encode()).clients == PLAIN.clients
    doubtful = read(lines(";", bill="1,000").encode())
    assert (doubtful.clients, [row.field for row in doubtful.rejected]) == ([], ["bill_09", "bill_09"])


def test_quoted_cells_and_excels_first_line_about_the_delimiter() -> None:
    quoted = "sep=;\r\n" + lines(";").replace(HEADER[0], f'"{HEADER[0]}"')
    assert read(quoted.encode("utf-8-sig")).clients == PLAIN.clients
    spoilt = read(("sep=;\n" + lines(";", bill="x")).encode())
    assert [row.line for row in spoilt.rejected] == [3, 4]


def test_a_stray_byte_spoils_its_cell_and_not_the_file() -> None:
    content = lines().encode().replace("张三".encode(), b"\xff\xff", 1)
    assert read(content).clients == PLAIN.clients


@pytest.mark.parametrize("sheets", [1, 3])
def test_a_workbook_is_read_by_its_first_sheet(sheets: int) -> None:
    rows: list[list[Any]] = [
        ["1", 20000, *[-1] * 6, *[689.5] * 6, *[0.0] * 6, True, "张\n三"],
        [2.0, 20000.0, *[-1.0] * 6, *[689.5] * 6, *[None] * 6, 1, None],
        [None] * len(HEADER),
    ]
    found = read(workbook(HEADER, *rows, sheets=sheets))
    assert [client.client_id for client in found.clients] == ["1", "2"]
    assert found.clients[0] == PLAIN.clients[0]
    assert (found.clients[1].paid, found.clients[1].bad, found.rejected) == ((None,) * 6, 1, [])


def test_a_row_of_a_workbook_that_is_no_client_is_named_by_its_number() -> None:
    wrong = [3, date(2026, 1, 2), *[0] * 18, 1, "x"]
    found = read(workbook(HEADER, [1, 5, *[0] * 18, 0, "x"], wrong))
    assert [(row.line, row.field) for row in found.rejected] == [(3, "limit")]


def bomb() -> bytes:
    """A workbook whose sheet unpacks to far more than allowed."""
    source, target = zipfile.ZipFile(io.BytesIO(workbook(HEADER))), io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in source.namelist():
            more = b" " * (BYTES_MAX * 10) if name.endswith("sheet1.xml") else b""
            packed.writestr(name, source.read(name) + more)
    return target.getvalue()


def entities() -> bytes:
    """A workbook whose sheet defines entities of entities."""
    source, target = zipfile.ZipFile(io.BytesIO(workbook(HEADER))), io.BytesIO()
    steps = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    evil = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "0123456789">{steps}]><worksheet><sheetData>'
    evil += '<row r="1"><c r="A1" t="str"><v>&e8;</v></c></row></sheetData></worksheet>'
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in source.namelist():
            packed.writestr(name, evil if name.endswith("sheet1.xml") else source.read(name))
    return target.getvalue()


def wide(count: int) -> bytes:
    """A table of so many columns."""
    names = [*COLUMNS, *(f"x{n}" for n in range(count - len(COLUMNS)))]
    return (",".join(names) + "\n" + ",".join(["1"] * count) + "\n").encode()


def test_a_table_of_many_columns_is_read_up_to_the_bound() -> None:
    assert len(clients_load(io.StringIO(table_text(wide(200), bytes_max=BYTES_MAX))).clients) == 1


@pytest.mark.parametrize(("claimed", "kept"), [(10_000, 4), (10_004, 4), (10_005, 3), (1_048_576, 3)])
def test_a_rows_number_cannot_make_a_million_rows(claimed: int, kept: int) -> None:
    """A sheet of three rows, and one more that claims to stand far below them."""
    source, target = zipfile.ZipFile(io.BytesIO(workbook(HEADER, HEADER, HEADER))), io.BytesIO()
    far = f'<row r="{claimed}"><c r="A{claimed}"><v>1</v></c></row></sheetData>'
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in source.namelist():
            packed.writestr(name, source.read(name).replace(b"</sheetData>", far.encode()))
    began = time.process_time()
    text = table_text(target.getvalue(), bytes_max=BYTES_MAX)
    assert time.process_time() - began < 3
    assert sum(bool(line.strip()) for line in text.splitlines()) == kept


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "columns_missing"),
        (b"a;b\n1;2\n", "columns_missing"),
        (bytes(range(256)) * 20, "columns_missing"),
        (lines().replace("limit", "client_id", 1).encode(), "columns_missing"),
        (lines().replace("姓名", "limit", 1).encode(), "columns_twice"),
        (lines().replace("姓名", "a\x00b", 1).encode(), "header_invalid"),
        (wide(201), "columns_too_many"),
        (wide(5000), "columns_too_many"),
        (lines().encode() + b" " * BYTES_MAX, "too_large"),
        (gzip.compress(lines().encode() + b" " * BYTES_MAX), "too_large"),
        (gzip.compress(lines().encode())[:-20], "archive_damaged"),
        (b"\x1f\x8bnothing", "archive_damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "excel_old"),
        (b"PK\x03\x04" + bytes(600), "workbook_damaged"),
        (workbook(HEADER)[:-200], "workbook_damaged"),
        (workbook(HEADER) + bytes(BYTES_MAX), "too_large"),
        (workbook(), "columns_missing"),
        (bomb(), "too_large"),
        (entities(), "workbook_damaged"),
    ],
)
def test_what_cannot_be_read_is_told_with_a_code(content: bytes, code: str) -> None:
    with pytest.raises(FileInvalid) as told:
        read(content)
    assert told.value.code == code


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_bound_on_the_size_is_sharp(pack: Any) -> None:
    whole = lines().encode().ljust(BYTES_MAX)
    assert len(table_text(pack(whole), bytes_max=BYTES_MAX)) == len(whole.decode())
    with pytest.raises(FileInvalid):
        table_text(pack(whole + b" "), bytes_max=BYTES_MAX)
