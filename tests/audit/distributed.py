"""The same life in a database of whole tables and in one of hash partitions by customer: the same book to the fen.

Everything is committed, so that keys, guards and foreign keys of the partitions are put to their tests. Before it a
book in which everything has happened becomes partitions with all its rows, and lives on.
"""

from collections.abc import Iterator
from io import StringIO
from typing import Any
from unittest import mock

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from loans.end_of_day.run import days_close
from loans.end_of_day.steps import STEPS
from loans.services.seal import journal_seal
from tests.audit.book import rich_book
from tests.audit.database import database_leave, database_use
from tests.audit.year import Snapshot, Year, differences
from tests.loans.builders import NOW
from tests.loans.life import day, faults
from tests.support import postgres as pg
from weilidai.distribution.plan import spread
from weilidai.lib.sql import piece, sql

PARTS = 4
PEOPLE = 8


def rows_digest() -> dict[str, tuple[int, str]]:
    """How many rows each table has, and a digest of all of them."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table = model._meta.db_table
            lines = piece("SELECT row::text AS line FROM {table} AS row", table=table)
            text = "SELECT count(*), md5(string_agg(line, '/' ORDER BY line)) FROM ({lines}) AS text"
            cursor.execute(sql(text, lines=lines))
            found[table] = cursor.fetchone()
    return found


def partition() -> None:
    call_command("partition_tables", partitions=PARTS, apply=True, stdout=StringIO())


def moved() -> int:
    """A book that is there already, before and after; then three more nights. Returns its rows."""
    with mock.patch("loans.services.figures.TALLY_FROM", 3), mock.patch.object(timezone, "now", return_value=NOW):
        rich_book()
        before = rows_digest()
        partition()
        if rows_digest() != before:
            raise AssertionError([name for name, rows in rows_digest().items() if rows != before[name]])
        days_close(steps=STEPS, through=day(20))
        journal_seal(at=NOW)
    _faultless()
    return sum(count for count, _digest in before.values())


def lived(days: int, seed: int) -> tuple[int, Snapshot]:
    with mock.patch("loans.services.figures.TALLY_FROM", 3), mock.patch.object(timezone, "now", return_value=NOW):
        year = Year(days, PEOPLE, seed, outages=True)
        found = year.live()
        journal_seal(at=NOW)
    _faultless()
    return year.done, found


def _faultless() -> None:
    if found := faults():
        raise AssertionError("\n".join(map(str, found[:20])))


def spread_evidence() -> tuple[int, int]:
    """How many tables are partitioned, and how many partitions hold rows: that of the life's rows some lie in each."""
    with connection.cursor() as cursor:
        names = [model._meta.db_table for model in spread()]
        cursor.execute("SELECT count(*) FROM pg_class WHERE relkind = 'p' AND relname = ANY(%s)", [names])
        tables = int(cursor.fetchone()[0])
        cursor.execute("SELECT count(DISTINCT tableoid) FROM loans_posting")
        return tables, int(cursor.fetchone()[0])


def _databases(server: pg.Postgres, *names: str) -> Iterator[str]:
    for name in names:
        database_use(server.database_create(name))
        call_command("migrate", verbosity=0)
        yield name


def distributed(days: int, seed: int) -> str:
    """All of it on a throw-away PostgreSQL; raises where anything differs."""
    told: dict[str, Any] = {}
    with pg.throwaway_postgres() as server:
        for name in _databases(server, "moved", "parts", "whole"):
            if name == "moved":
                told[name] = moved()
                continue
            if name == "parts":
                partition()
            told[name] = lived(days, seed)
            if name == "parts":
                tables, used = spread_evidence()
        database_leave()
    done, whole = told["whole"]
    if found := differences(whole, told["parts"][1]):
        raise AssertionError("\n".join(found[:40]))
    rows = sum(map(len, whole.values()))
    return (
        f"{told['moved']} rows moved into {tables} tables of {PARTS} partitions ({used} hold postings); "
        f"{days} days, {done} acts, {rows} rows equal"
    )
