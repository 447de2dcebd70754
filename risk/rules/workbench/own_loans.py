"""A labelled set of the platform's own loans: who was approved, with what values, and how it ended (R15, R17). Pure."""

import calendar
import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import StringIO

from risk.rules.workbench.clients import LABEL, Values, number
from risk.rules.workbench.reading import ClientFile
from risk.variables.catalogue import described

FIXED = ("client_id", LABEL, "age", "score")


@dataclass(frozen=True)
class Person:
    """One approved decision: its kept values, the score it was given, and whether the person went bad."""

    client_id: str
    values: Values
    score: Decimal
    bad: int | None
    age: str = ""


@dataclass(frozen=True)
class TapeSpan:
    """What the tape said of a loan from one day to another (None: until further notice)."""

    begins: date
    ends: date | None
    start_date: date
    unpaid_due_date: date | None
    is_written_off: bool


def months_later(day: date, months: int) -> date:
    """The same day of the month, or the month's last one."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def outcome(spans: Sequence[TapeSpan], *, months: int, days: int, as_of: date) -> int | None:
    """1: ever more than `days` past due, or written off, within `months` of the first loan; None: too young to tell."""
    if not spans:
        return None
    last = months_later(min(span.start_date for span in spans), months)
    if last > as_of:
        return None
    for span in spans:
        end = min(span.ends or as_of, last)
        if span.begins > last:
            continue
        late = (end - span.unpaid_due_date).days if span.unpaid_due_date else 0
        if span.is_written_off or late > days:
            return 1
    return 0


def people_dump(people: Iterable[Person], names: Sequence[str]) -> str:
    """As a CSV; an empty cell is a missing value."""
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*FIXED, *names])
    for one in people:
        cells = ["" if (value := one.values.get(name)) is None else str(value) for name in names]
        rows.writerow([one.client_id, one.bad, one.age, one.score, *cells])
    return text.getvalue()


def people_load(text: str) -> ClientFile:
    """Reverses `people_dump`."""
    rows = csv.DictReader(StringIO(text, newline=""))
    columns = tuple(rows.fieldnames or ())
    names = [name for name in columns if name in described()]
    found = ClientFile(columns)
    for row in rows:
        values = {name: number(name, row[name]) for name in names}
        person = Person(row["client_id"], values, Decimal(row["score"]), int(row[LABEL]), row["age"])
        found.clients.append(person)
        found.personal.append({"age": row["age"]})
    return found
