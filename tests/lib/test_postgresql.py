"""A connection out of the pool that the server has ended is never handed out."""

import psycopg
import pytest
from django.db import connection, connections

from weilidai.lib.postgresql.base import DatabaseWrapper, _is_alive

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no pool"),
]


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def ended(pid: int) -> None:
    with psycopg.connect(connection.connection.info.dsn, password=connection.settings_dict["PASSWORD"]) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]).fetchone() == (True,)


def test_one_that_was_ended_in_the_pool_is_replaced() -> None:
    assert isinstance(connections["default"], DatabaseWrapper)
    before = backend()
    dsn, password = connection.connection.info.dsn, connection.settings_dict["PASSWORD"]
    connection.close()
    with psycopg.connect(dsn, password=password) as other:
        assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [before]).fetchone() == (True,)
    assert backend() != before


def test_one_that_heard_something_is_asked() -> None:
    backend()
    raw = connection.connection
    assert _is_alive(raw)
    ended_by = raw.info.backend_pid
    ended(ended_by)
    assert not _is_alive(raw)
    connection.close()


def test_a_notice_that_came_meanwhile_is_no_end() -> None:
    backend()
    raw = connection.connection
    raw.execute("LISTEN bell")
    with psycopg.connect(raw.info.dsn, password=connection.settings_dict["PASSWORD"]) as other:
        other.execute("NOTIFY bell")
    assert _is_alive(raw)
    raw.execute("UNLISTEN bell")
