"""Django's backend for PostgreSQL, with a cheaper look at connections that have lain in the pool."""

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg import OperationalError
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """A server that ends a session says so to a client that asks nothing: where nothing was said there is no need to
    ask, which would be a trip for every request. Who is cut off without a word is found by keep-alive packets.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        while True:
            raw = super().get_new_connection(conn_params)
            if not self.pool or _is_alive(raw):
                return raw
            raw.close()
            self.pool.putconn(raw)


def _is_alive(raw: Any) -> bool:
    try:
        if _is_silent(raw.fileno()):
            return True
        ConnectionPool.check_connection(raw)
    except OperationalError:
        return False
    return True


def _is_silent(socket: int) -> bool:
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return not poll.poll(0)
