"""Rows that the tests of one file share: written once, and gone after the last of them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest_django
from django.db import transaction


@contextmanager
def rows_shared(blocker: pytest_django.DjangoDbBlocker) -> Iterator[None]:
    """What is written within is seen by every test that runs before it ends. For a fixture of a module whose tests are
    all rolled back: each then takes back what it did itself, and this takes back the rest.
    """
    with blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
