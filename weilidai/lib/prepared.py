"""Statements made once per process, and several of them asked in one trip to the database.

Django builds the text of a query anew each time, which takes several times longer than PostgreSQL needs to answer one
that reads a few rows by key. `@prepared` keeps the text, and each connection to PostgreSQL its plan
(`weilidai/lib/ready.py`); what is asked for is told with each run.
"""

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, update_wrapper
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.base import ModelState
from django.db.models.expressions import Expression
from django.db.models.query import FlatValuesListIterable, ModelIterable
from django.db.models.signals import post_init, pre_init

from weilidai.lib.ready import PLACE as POSITION
from weilidai.lib.ready import InFull, Ready, composed, speaker

T = TypeVar("T")
Row = Any
PLACE = re.compile(r"%\((\w+)\)s")
Value = UUID | date | datetime | str | int | None | tuple[str, ...]


class Slot(Expression):
    """Where a value goes that is told later: that of argument `number`, or the value at `place` of it."""

    def __init__(self, number: int, place: int | None = None) -> None:
        super().__init__()
        self.number, self.place = number, place

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]

    def of(self, values: Sequence[Value]) -> Any:
        value: Any = values[self.number]
        return value if self.place is None else value[self.place]


@dataclass(frozen=True)
class Statement:
    """The text with its parameters, slots among them, and how a row of the answer becomes what Django would give."""

    sql: str
    params: tuple[Any, ...]
    width: int | None
    converters: list[tuple[int, list[Any], Any]]
    model: type[models.Model] | None
    names: list[str]
    is_flat: bool

    def told(self, values: Sequence[Value]) -> list[Any]:
        return [_plain(p.of(values)) if isinstance(p, Slot) else p for p in self.params]

    @cached_property
    def open_sql(self) -> str:
        """What is always the same stands in the text itself, where PostgreSQL sees it when it plans."""
        params = iter(self.params)

        def place(found: re.Match[str]) -> str:
            if found[0] == "%%" or isinstance(param := next(params), Slot):
                return found[0]
            return composed("%s", [param]).replace("%", "%%")

        return POSITION.sub(place, self.sql)

    @cached_property
    def slots(self) -> list[Slot]:
        return [param for param in self.params if isinstance(param, Slot)]

    def executed(self, values: Sequence[Value], by: Ready | InFull) -> str:
        return by.executed(self.open_sql, [slot.of(values) for slot in self.slots])

    def taken(self, rows: list[tuple[Any, ...]]) -> list[Row]:
        width = self.width
        if width is not None and rows and len(rows[0]) > width:
            rows = [row[:width] for row in rows]
        if self.converters:
            rows = [self._converted(row) for row in rows]
        if self.model is not None:
            if self.is_plain:
                return [_made(self.model, self.names, row) for row in rows]
            return [self.model.from_db(DEFAULT_DB_ALIAS, self.names, row) for row in rows]
        return [row[0] for row in rows] if self.is_flat else rows

    @cached_property
    def is_plain(self) -> bool:
        """Whether nobody looks on when a row of the model is made, so that it may be made without asking around."""
        own: Any = self.model
        base: Any = models.Model
        return (
            own.from_db.__func__ is base.from_db.__func__
            and own.__init__ is base.__init__
            and not (pre_init.has_listeners(own) or post_init.has_listeners(own))
        )

    def _converted(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for place, converters, expression in self.converters:
            for converter in converters:
                values[place] = converter(values[place], expression, connection)
        return tuple(values)


def _made(model: type[models.Model], names: list[str], row: tuple[Any, ...]) -> models.Model:
    """What `from_db` makes where nobody looks on: values of the database stand in the row as they come."""
    made = model.__new__(model)
    made._state = state = ModelState()
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    made.__dict__.update(zip(names, row, strict=True))
    return made


def _plain(value: Any) -> Any:
    """As the driver of the database takes it."""
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return connection.ops.adapt_datefield_value(value)
    return value


class Prepared:
    """A query by its arguments. Called, it gives the rows; `of` only names the question, for `ask` and `gather`."""

    def __init__(self, build: Callable[..., Any]) -> None:
        update_wrapper(self, build)
        self._build = build
        self._made: dict[tuple[Any, ...], Statement] = {}

    def of(self, *values: Value) -> "Ask":
        return Ask(self, values)

    def __call__(self, *values: Value) -> list[Row]:
        return ask(self.of(*values))[0]

    def statement(self, values: Sequence[Value], vendor: str) -> Statement:
        """Made at first sight for this database and for so many values in each list."""
        key = (vendor, *[len(value) if isinstance(value, tuple) else None for value in values])
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = _compiled(self._build(*(_slots(n, value) for n, value in enumerate(values))))
        return found


def prepared(build: Callable[..., Any]) -> Prepared:
    """For a function that gives a query whose shape is always the same. Its arguments are plain values, keys rather
    than objects, and stand only where the query compares: what is calculated from them is calculated by the caller.
    """
    return Prepared(build)


class Written(Prepared):
    """A statement in plain SQL that both databases understand, with its arguments by name: `%(day)s`."""

    def __init__(self, sql: str, *names: str) -> None:
        order = tuple(Slot(names.index(name)) for name in PLACE.findall(sql))
        self._statement = Statement(PLACE.sub("%s", sql), order, None, [], None, [], False)
        super().__init__(lambda: None)

    def statement(self, values: Sequence[Value], vendor: str) -> Statement:
        return self._statement


def _slots(number: int, value: Value) -> Slot | list[Slot]:
    if isinstance(value, tuple):
        return [Slot(number, place) for place in range(len(value))]
    return Slot(number)


def _compiled(query: Any) -> Statement:
    compiler = query.query.get_compiler("default")
    sql, params = compiler.as_sql()
    chosen = [column for column, *_ in compiler.select[: compiler.col_count]]
    converters = [(place, *found) for place, found in sorted(compiler.get_converters(chosen).items())]
    model = query.model if issubclass(query._iterable_class, ModelIterable) else None
    names = [column.target.attname for column in chosen] if model else []
    is_flat = issubclass(query._iterable_class, FlatValuesListIterable)
    return Statement(sql, tuple(params), len(chosen), converters, model, names, is_flat)


class Ask(NamedTuple):
    """One question: what is asked, and of which values. A list without values finds nothing."""

    what: Prepared
    values: tuple[Value, ...]

    @property
    def is_empty(self) -> bool:
        return () in [value for value in self.values if type(value) is tuple]


Answers = dict[Ask, list[Row]]
# What was asked before somebody wants to know it.
_early: ContextVar[Answers | None] = ContextVar("early", default=None)


@contextmanager
def asked_ahead(*questions: Ask) -> Iterator[None]:
    """Asks now, in one trip and in this order, what the block will ask; each answer is given once, then asked anew.

    For a caller that knows that nothing asked for is changed before: by the block, or by others in spite of its locks.
    """
    held = _early.get()
    early: Answers = {} if held is None else held
    early.update(zip(questions, ask(*questions), strict=True))
    token = _early.set(early)
    try:
        yield
    finally:
        _early.reset(token)
        for question in questions:
            early.pop(question, None)


def ask(*questions: Ask) -> list[list[Row]]:
    """The rows of each, on PostgreSQL in one trip. They are run in their order, so that locks are taken in it too."""
    early = _early.get()
    told = [early.pop(question, None) if early else None for question in questions]
    if None not in told:
        return [rows for rows in told if rows is not None]
    vendor = connections[DEFAULT_DB_ALIAS].vendor
    real = [
        (question.what.statement(question.values, vendor), question.values)
        for question, rows in zip(questions, told, strict=True)
        if rows is None and not question.is_empty
    ]
    found = iter(_together(real) if vendor == "postgresql" else _one_by_one(real))
    return [
        rows if rows is not None else [] if question.is_empty else next(found)
        for question, rows in zip(questions, told, strict=True)
    ]


def _together(real: Sequence[tuple[Statement, Sequence[Value]]]) -> list[list[Row]]:
    if not real:
        return []
    answers, by = [], speaker()
    with connection.cursor() as cursor:
        cursor.execute(";\n".join([statement.executed(values, by) for statement, values in real]))
        for statement, _ in real:
            answers.append(statement.taken(cursor.fetchall()))
            cursor.nextset()
    return answers


def _one_by_one(real: Sequence[tuple[Statement, Sequence[Value]]]) -> list[list[Row]]:
    answers = []
    with connection.cursor() as cursor:
        for statement, values in real:
            cursor.execute(statement.sql, statement.told(values))
            answers.append(statement.taken(cursor.fetchall()))
    return answers


# A reader says what it wants to know (`rows = yield QUESTION.of(…)`) and returns what it made of it.
Reads = Generator[Ask, list[Row], T]


def gather(*readers: Reads[Any], answers: Answers | None = None) -> list[Any]:
    """Runs readers side by side: what they all want to know next is one trip, and no question is asked twice.

    `answers` holds what was answered before, and keeps what is answered now.
    """
    known: Answers = {} if answers is None else answers
    results: dict[int, Any] = {}
    wanted: dict[int, Ask] = {}
    for number, reader in enumerate(readers):
        _advance(number, reader, None, known, wanted, results)
    while wanted:
        new = list(dict.fromkeys(question for question in wanted.values() if question not in known))
        known.update(zip(new, ask(*new), strict=True))
        for number, question in list(wanted.items()):
            _advance(number, readers[number], known[question], known, wanted, results)
    return [results[number] for number in range(len(readers))]


def _advance(
    number: int,
    reader: Reads[Any],
    rows: list[Row] | None,
    known: Answers,
    wanted: dict[int, Ask],
    results: dict[int, Any],
) -> None:
    """On to the next question that has no answer yet, or to the reader's end."""
    try:
        question = next(reader) if rows is None else reader.send(rows)
        while question in known:
            question = reader.send(known[question])
    except StopIteration as end:
        wanted.pop(number, None)
        results[number] = end.value
    else:
        wanted[number] = question
