"""Django's backend for PostgreSQL, with a cheaper look at connections that have lain in the pool, and with grouping
that does for tables partitioned by customer, too.
"""

import select
from typing import Any

from django.db import models
from django.db.backends.postgresql import base, features
from psycopg import OperationalError
from psycopg_pool import ConnectionPool


class DatabaseFeatures(features.DatabaseFeatures):
    """Rows of a customer's are grouped by all their columns: where the table is partitioned, its `id` alone is no key.
    Where it is one, PostgreSQL leaves the other columns out by itself.
    """

    def allows_group_by_selected_pks_on_model(self, model: type[models.Model]) -> bool:
        return bool(model._meta.managed) and all(field.column != "customer_id" for field in model._meta.concrete_fields)


class DatabaseWrapper(base.DatabaseWrapper):
    """A server that ends a session says so to a client that asks nothing: where nothing was said there is no need to
    ask, which would be a trip for every request. Who is cut off without a word is found by keep-alive packets.
    """

    features_class = DatabaseFeatures

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
