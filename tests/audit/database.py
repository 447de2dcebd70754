"""Which database this process works on: the proofs bring their own."""

from contextlib import suppress

import psycopg
from django.db import connection, connections


def database_use(url: str) -> None:
    """From now on the default connection is to this PostgreSQL database."""
    database_leave()
    with psycopg.connect(url) as probe:
        info = probe.info
        where = {"NAME": info.dbname, "USER": info.user, "PASSWORD": info.password, "HOST": info.host,
                 "PORT": str(info.port)}  # fmt: skip
    connections.databases["default"].update(where)
    connection.settings_dict.update(where)


def database_leave() -> None:
    """Closes every connection, those of a pool, too."""
    connections.close_all()
    with suppress(AttributeError):
        connection.close_pool()
