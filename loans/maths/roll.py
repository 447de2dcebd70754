"""Roll rates: what became of the loans of each bucket between two dates, by number and by principal (R53)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from loans.maths.delinquency import BUCKETS
from risk.rules.workbench.clients import MONTHS, Client
from weilidai.lib.money import ZERO, round_rate

NEW = "new"
SETTLED = "settled"
WRITTEN_OFF = "written_off"
BUCKET_CODES = tuple(band.code for band in BUCKETS)
SOURCES = (*BUCKET_CODES, WRITTEN_OFF, SETTLED, NEW)
TARGETS = (*BUCKET_CODES, WRITTEN_OFF, SETTLED)
# Months late as a card bank writes them: -2 no use, -1 paid in full, 0 minimum paid, 1 to 8 months late.
CLIENT_STATES = tuple(str(number) for number in range(-2, 9))


@dataclass(frozen=True, slots=True)
class Cell:
    """Loans that went from one bucket to another; `amount` is what they owed before (new loans: at the end)."""

    source: str
    target: str
    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Share:
    """One cell of the matrix with its shares of the row, fractions to six places."""

    count: int
    amount: Decimal
    count_share: Decimal
    amount_share: Decimal


@dataclass(frozen=True, slots=True)
class Roll:
    """A row of the matrix: all loans of one bucket, and the share that went to each target."""

    source: str
    count: int
    amount: Decimal
    shares: dict[str, Share]


def roll_matrix(cells: Iterable[Cell], sources: Sequence[str] = SOURCES) -> list[Roll]:
    """The rows in the order of `sources`, those without a loan left out. Cells of several months add up."""
    rows: dict[str, dict[str, tuple[int, Decimal]]] = defaultdict(dict)
    for cell in cells:
        count, amount = rows[cell.source].get(cell.target, (0, ZERO))
        rows[cell.source][cell.target] = (count + cell.count, amount + cell.amount)
    return [_roll(source, rows[source]) for source in sources if source in rows]


def _roll(source: str, targets: dict[str, tuple[int, Decimal]]) -> Roll:
    count = sum(number for number, _ in targets.values())
    amount = sum((part for _, part in targets.values()), ZERO)
    shares = {
        target: Share(number, part, _share(Decimal(number), Decimal(count)), _share(part, amount))
        for target, (number, part) in targets.items()
    }
    return Roll(source, count, amount, shares)


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return round_rate(part / whole) if whole else round_rate(ZERO)


def forward_share(rolls: Iterable[Roll], source: str, by_amount: bool = True) -> Decimal | None:
    """The share of a bucket's loans that went to any worse bucket or were written off; None where it was empty."""
    row = next((roll for roll in rolls if roll.source == source), None)
    if row is None:
        return None
    worse = set(BUCKET_CODES[BUCKET_CODES.index(source) + 1 :]) | {WRITTEN_OFF}
    found = [share for target, share in row.shares.items() if target in worse]
    if by_amount:
        return _share(sum((share.amount for share in found), ZERO), row.amount)
    return _share(Decimal(sum(share.count for share in found)), Decimal(row.count))


def client_cells(clients: Iterable[Client], grouped: bool = False) -> dict[str, list[Cell]]:
    """The moves of card clients from month to month, by the month they start from (`04` to `08`).

    `amount` is the bill of that month, nothing where it was overpaid. A month whose state is not known makes no move.
    `grouped` puts whoever is not late into `0` and months late into the buckets of 30 days.
    """
    sums: dict[str, dict[tuple[str, str], tuple[int, Decimal]]] = defaultdict(dict)
    for client in clients:
        for after, before in pairwise(range(len(MONTHS))):
            pair = (client.status[before], client.status[after])
            if pair[0] is None or pair[1] is None:
                continue
            key = (client_state(pair[0], grouped), client_state(pair[1], grouped))
            owed = max(client.bills[before] or ZERO, ZERO)
            count, amount = sums[MONTHS[before]].get(key, (0, ZERO))
            sums[MONTHS[before]][key] = (count + 1, amount + owed)
    return {
        month: [Cell(*key, count, amount) for key, (count, amount) in sorted(sums[month].items())]
        for month in sorted(sums)
    }


def client_state(months_late: Decimal, grouped: bool) -> str:
    """The state of a month as the matrix names it: the file's code, or a bucket of 30 days a month."""
    late = int(months_late)
    if not grouped:
        return str(late)
    steps = ("0", "1-30", "31-60", "61-90", "91-180", "91-180", "91-180", "181-270", "181-270")
    return steps[max(0, late)]
