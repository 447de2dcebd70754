"""R53: roll rates, and the matrix of the real card clients against a plain count over the file."""

import csv
import gzip
from collections import Counter
from decimal import Decimal

import pytest

from loans.maths.roll import CLIENT_STATES, Cell, client_cells, client_state, forward_share, roll_matrix
from risk.services.workbench import LABELLED_PATH, clients_read

pytestmark = pytest.mark.req("R53")
D = Decimal
HALF_STEP = D("0.0000005")


def test_shares_are_of_the_bucket_before_by_number_and_by_principal():
    cells = [
        Cell("0", "0", 3, D("700.00")),
        Cell("0", "1-30", 1, D("300.00")),
        Cell("1-30", "31-60", 1, D("50.00")),
        Cell("0", "0", 1, D("0.00")),
    ]
    first, second = roll_matrix(cells)
    assert (first.source, first.count, first.amount) == ("0", 5, D("1000.00"))
    assert first.shares["0"].count_share == D("0.800000")
    assert first.shares["1-30"].amount_share == D("0.300000")
    assert second.shares["31-60"].amount_share == 1


def test_a_bucket_that_owed_nothing_has_no_share_of_principal():
    [row] = roll_matrix([Cell("new", "settled", 2, D("0.00"))])
    assert (row.shares["settled"].count_share, row.shares["settled"].amount_share) == (1, 0)


def test_rolling_forward_is_any_worse_bucket_or_a_write_off():
    rows = roll_matrix(
        [
            Cell("1-30", "0", 1, D(40)),
            Cell("1-30", "1-30", 1, D(10)),
            Cell("1-30", "31-60", 1, D(20)),
            Cell("1-30", "written_off", 1, D(5)),
            Cell("1-30", "settled", 4, D(25)),
        ]
    )
    assert forward_share(rows, "1-30") == D("0.250000")
    assert forward_share(rows, "1-30", by_amount=False) == D("0.250000")
    assert forward_share(rows, "61-90") is None


def counted(month: str, after: str) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """By the file alone: a plain count of two columns, and of the bills of the first month."""
    with gzip.open(LABELLED_PATH, "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    numbers = Counter((row[f"status_{month}"], row[f"status_{after}"]) for row in rows)
    bills: Counter[tuple[str, str]] = Counter()
    for row in rows:
        bills[row[f"status_{month}"], row[f"status_{after}"]] += max(0, int(D(row[f"bill_{month}"])))
    return numbers, bills


def test_the_matrix_of_the_card_clients_is_the_plain_count():
    found = client_cells(clients_read(LABELLED_PATH).clients)
    assert list(found) == ["04", "05", "06", "07", "08"]
    total = 0
    for month, after in (("04", "05"), ("05", "06"), ("06", "07"), ("07", "08"), ("08", "09")):
        numbers, bills = counted(month, after)
        assert {(cell.source, cell.target): cell.count for cell in found[month]} == numbers
        assert {(cell.source, cell.target): cell.amount for cell in found[month]} == bills
        for row in roll_matrix(found[month], CLIENT_STATES):
            of_row = sum(n for (source, _), n in numbers.items() if source == row.source)
            for target, share in row.shares.items():
                assert abs(share.count_share * of_row - numbers[row.source, target]) <= of_row * HALF_STEP
        total += sum(numbers.values())
    assert total == 100_000


@pytest.mark.parametrize(
    ("late", "bucket"),
    [(-2, "0"), (0, "0"), (1, "1-30"), (2, "31-60"), (3, "61-90"), (4, "91-180"), (6, "91-180"), (7, "181-270"),
     (8, "181-270")],
)  # fmt: skip
def test_months_late_as_buckets_of_thirty_days(late: int, bucket: str):
    assert client_state(D(late), grouped=True) == bucket
    assert client_state(D(late), grouped=False) == str(late)
