"""Where each query goes: to the primary, unless a report asked for the replica (`weilidai/lib/replica.py`)."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, models

from weilidai.lib.replica import REPLICA, alias_for_read, written


class ReplicaRouter:
    """Always names a database: without an answer Django would go on where an object was read from."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        return alias_for_read()

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        """Also asked for rows that are read under lock."""
        written()
        return DEFAULT_DB_ALIAS

    def allow_relation(self, first: models.Model, second: models.Model, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db != REPLICA
