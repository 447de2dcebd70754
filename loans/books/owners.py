"""Rows below a customer's name the same customer: what is distributed by customer must lie beside its parent."""

from collections.abc import Iterator
from uuid import UUID

from django.db import connection

from loans.books.fault import Fault
from weilidai.lib.owner import owned_tables


def customers_agree() -> Iterator[Fault]:
    """Every posting, instalment, event … has a parent and carries the customer of it, or none where it has none."""
    for rows in owned_tables():
        with connection.cursor() as cursor:
            cursor.execute(rows.apart)
            while found := cursor.fetchmany(1000):
                for key, own, parents in found:
                    subject = f"{rows.table} {_key(key)}"
                    yield Fault("customers_agree", subject, f"customer {_key(own)} beside {_key(parents)}")


def _key(value: object) -> str:
    """SQLite has keys as plain hexadecimal."""
    return str(UUID(value)) if isinstance(value, str) else str(value)
