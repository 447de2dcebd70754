from decimal import Decimal

import pytest

from risk.rules.workbench.clients import COLUMNS, FORBIDDEN, RowInvalid, client_read, variables
from risk.rules.workbench.reading import FileInvalid, clients_load

pytestmark = [pytest.mark.req("R15")]


def row(**changes):
    cells = dict.fromkeys(COLUMNS, "0") | {"client_id": "7", "limit": "1000"}
    return cells | changes


def values(**changes):
    return variables(client_read(row(**changes)))


def test_lateness_is_read_from_the_statuses():
    found = values(status_09="0", status_08="2", status_07="-1", status_06="1", status_05="-2", status_04="-2")
    assert found["worst_status"] == 2
    assert found["months_late"] == 2
    assert found["months_two_late"] == 1
    assert found["months_since_late"] == 1
    assert found["months_paid_in_full"] == 1
    assert found["months_unused"] == 2
    assert found["lateness_weighted"] == 2 * 5 + 1 * 3
    assert values()["months_since_late"] == 6


def test_use_and_payment_are_exact_decimals():
    found = values(bill_09="333", bill_08="-50", bill_04="133", paid_09="1.00E+02", paid_08="100")
    assert found["utilisation_09"] == Decimal("0.3330")
    assert found["utilisation_08"] == Decimal("-0.0500")
    assert found["bill_trend"] == Decimal("0.2000")
    assert found["remaining_limit"] == 667
    assert found["paid_09"] == 100
    assert found["paid_of_bill_09"] is None
    assert all(value is None or isinstance(value, Decimal) for value in found.values())


@pytest.mark.parametrize("code", ["9", "-3", "0.5", "", "NA"])
def test_an_unknown_status_is_unknown_not_good(code):
    assert values(status_09=code)["status_09"] is None
    assert values(status_09="8")["status_09"] == 8
    assert values(status_09="-2")["status_09"] == -2


def test_nothing_known_gives_no_value_at_all():
    empty = variables(client_read({"client_id": "7"}))
    assert set(empty.values()) == {None}
    assert values(limit="0")["utilisation_09"] is None


def test_no_variable_is_made_of_who_somebody_is():
    assert not any(word in name for name in values() for word in FORBIDDEN)
    plain = row()
    assert variables(client_read(plain)) == variables(
        client_read(plain | {"sex": "2", "age": "70", "marriage": "3", "education": "1"})
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"client_id": " "}, "client_id"),
        ({"limit": "much"}, "limit"),
        ({"bill_07": "Infinity"}, "bill_07"),
        ({"bill_07": "1e13"}, "bill_07"),
        ({"paid_05": "-1"}, "paid_05"),
        ({"default_next_month": "2"}, "default_next_month"),
    ],
)
def test_a_malformed_cell_names_its_field(changes, field):
    with pytest.raises(RowInvalid) as caught:
        client_read(row(**changes))
    assert caught.value.field == field


def text(*rows, header=COLUMNS):
    return [",".join(header), *(",".join(each.get(name, "") for name in header) for each in rows)]


def test_columns_may_stand_in_any_order_with_more_of_them():
    header = ("colour", *reversed(COLUMNS))
    found = clients_load([line + "\n" for line in text(row(colour="red"), header=header)])
    assert found.clients == [client_read(row())]
    assert not found.is_labelled


def test_bad_rows_are_left_out_one_by_one():
    lines = text(row(), row(client_id="8", limit="x"), row(), row(client_id="9"))
    found = clients_load([*lines, "1,2", "", ",,,"])
    assert [client.client_id for client in found.clients] == ["7", "9"]
    assert [(one.line, one.field) for one in found.rejected] == [(3, "limit"), (4, "client_id"), (6, ""), (8, "")]


@pytest.mark.parametrize("lines", [[], ["a,b"], [",".join((*COLUMNS, "limit"))]])
def test_a_file_without_the_columns_is_refused(lines):
    with pytest.raises(FileInvalid, match="columns"):
        clients_load(lines)
