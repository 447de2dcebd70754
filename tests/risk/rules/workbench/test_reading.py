"""A file of card clients from strangers: nothing in it stops the run."""

import csv

import pytest
from django.utils import translation

from risk.rules.workbench.clients import COLUMNS, variables
from risk.rules.workbench.fairness import UNKNOWN, age_band, sex_group
from risk.rules.workbench.reading import FileInvalid, clients_load

HEADER = ",".join(COLUMNS)


def _row(name: str) -> str:
    return ",".join([name, *["0"] * (len(COLUMNS) - 1)])


@pytest.mark.req("R15")
def test_a_row_no_reader_can_take_is_named_and_the_rest_is_read() -> None:
    long = "9" * (csv.field_size_limit() + 1)
    found = clients_load([f"{line}\n" for line in (HEADER, _row("a"), _row(long), _row("b"))])
    assert [client.client_id for client in found.clients] == ["a", "b"]
    assert [row.line for row in found.rejected] == [3]


@pytest.mark.req("R15")
def test_a_header_no_reader_can_take_is_a_clear_fault() -> None:
    with pytest.raises(FileInvalid, match="header"):
        clients_load(["x" * (csv.field_size_limit() + 1) + "\n"])


@pytest.mark.req("R25")
@pytest.mark.parametrize(
    ("cell", "band"),
    [("17", UNKNOWN), ("18", "18–24"), ("24", "18–24"), ("25", "25–34"), ("35.0", "35–44"), ("999", "55+"),
     ("1000", UNKNOWN), ("9" * 5000, UNKNOWN), ("²", UNKNOWN), ("-30", UNKNOWN), ("", UNKNOWN), (None, UNKNOWN)],
)  # fmt: skip
def test_ages_of_any_shape(cell: str | None, band: str) -> None:
    assert age_band(cell) == band


@pytest.mark.req("R25")
def test_sexes_of_any_shape() -> None:
    assert [sex_group(cell) for cell in ("1", "2.0", " 2 ", "3", "", None)] == [
        "male", "female", "female", UNKNOWN, UNKNOWN, UNKNOWN,
    ]  # fmt: skip


@pytest.mark.req("R15")
@pytest.mark.parametrize(("cell", "kept"), [("1e-13", False), ("1e-12", True), ("1e-999999", False), ("0", True)])
def test_an_amount_next_to_nothing_is_left_out_alone(cell: str, kept: bool) -> None:
    tiny = _row("b").replace("b,0", f"b,{cell}")
    found = clients_load([f"{line}\n" for line in (HEADER, _row("a"), tiny)])
    assert [client.client_id for client in found.clients] == ["a", "b"][: 1 + kept]
    assert [(row.line, row.field) for row in found.rejected] == ([] if kept else [(3, "limit")])
    assert all(variables(client) for client in found.clients)


@pytest.mark.req("R15")
def test_why_a_row_is_left_out_is_told_in_the_readers_language() -> None:
    short, twice = "a,1", _row("a")
    found = clients_load([f"{line}\n" for line in (HEADER, _row("a"), short, twice, _row("c").replace("c,0", "c,x"))])
    with translation.override("zh-hans"):
        words = [row.reason_words for row in found.rejected]
    reasons = [row.reason for row in found.rejected]
    assert reasons == ["cells here and in the header: 2 / 20", "a is in the file already", "'x' is not a number"]
    assert words == ["本行与表头的单元格数：2 / 20", "a 在文件中已出现过", "'x' 不是数字"]
