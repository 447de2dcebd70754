"""Processes that share a calculation. This file knows no model: a new process reads it before Django is ready."""

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import django
import numpy as np
from django.db import connection

from weilidai.lib.garbage import garbage_settle


@contextmanager
def workers(processes: int) -> Iterator[Executor | None]:
    """So many processes, each with its own connection to the database; None for one: this one does the work itself.

    Fresh ones: a fork would share this one's connections and locks.
    """
    if processes == 1:
        yield None
        return
    database = connection.settings_dict["NAME"]
    with ProcessPoolExecutor(processes, get_context("spawn"), _start, (database,)) as pool:
        yield pool


def _start(database: Any) -> None:
    """On the same database as the process that asks, whatever the settings say."""
    django.setup()
    connection.settings_dict["NAME"] = database
    garbage_settle()
    # The C library gives large blocks that were freed back to the system until one of this size was freed; then it
    # keeps them. Pages of numbers take the same blocks again and again: clearing them cost a fifth of the time.
    np.empty(31 << 20, dtype=np.uint8)
