"""Names in a statement are quoted, whatever they are called; what ends a quotation is refused."""

import pytest

from weilidai.lib.chance import seeded
from weilidai.lib.sql import Piece, literal, piece, sql


def test_a_name_is_quoted() -> None:
    assert sql("SELECT {column} FROM {table}", column="order", table="loans_loan") == 'SELECT "order" FROM "loans_loan"'


def test_several_names_become_a_list() -> None:
    assert sql("({columns})", columns=["id", "end"]) == '("id", "end")'


def test_a_piece_is_put_in_as_it_is() -> None:
    settings = [piece("{column} = %s", column=column) for column in ("state", "day")]
    text = sql("UPDATE {table} SET {settings} WHERE {condition}", table="t", settings=settings, condition=Piece("true"))
    assert text == 'UPDATE "t" SET "state" = %s, "day" = %s WHERE true'


@pytest.mark.parametrize("name", ["", 't"; DROP TABLE loans_loan; --', "a%s", "a`b", "a\x00b"])
def test_what_no_table_is_called_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="names no table"):
        sql("SELECT 1 FROM {table}", table=name)


@pytest.mark.parametrize(("value", "text"), [(500, "500"), ("frozen", "'frozen'"), ("it's", "'it''s'")])
def test_a_value_of_the_code_is_written_as_sql_reads_it(value: str | int, text: str) -> None:
    assert sql("{value}", value=literal(value)) == text


def test_the_whole_is_plain_text() -> None:
    # The driver and what counts statements compare texts.
    assert type(sql("SELECT {one}", one=literal(1))) is str


def test_the_same_seed_throws_the_same() -> None:
    assert [seeded("alice").random() for _ in range(2)] == [seeded("alice").random()] * 2
    assert seeded("alice").random() != seeded("bob").random()
