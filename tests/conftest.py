"""Fixtures every test may use, and the rule that with CI=true nothing important is skipped."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_django
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.utils import translation

from tests.support import postgres as pg
from tests.support.browser import chromium_path, running_browser
from tests.support.stack import Broker, Stack, Workers, process_environment, running_stack, throwaway_broker

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
# Bytes of this length are somebody's file and not a word.
FILE_BYTES = 40
NEVER_SKIPPED_IN_CI = ("postgres", "worker", "browser")


# --- The rules of the run ---------------------------------------------------------------------------------------


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With CI=true, a test of the real database, worker or browser that was skipped counts as failed."""
    outcome = yield
    report = outcome.get_result()
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        marks = [name for name in NEVER_SKIPPED_IN_CI if item.get_closest_marker(name)]
        if marks and os.environ.get("DATABASE_URL", "").startswith("postgres"):
            report.outcome = "failed"
            report.longrepr = f"skipped with CI=true although marked {', '.join(marks)}: {report.longrepr}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only", action="store_true",
        help="leave out what asks no database: a run on another one has shown it already",
    )  # fmt: skip
    parser.addoption(
        "--dealt", action="store_true",
        help="run half the cases of tests marked `dealt`; a run on the other kind of database has the other half",
    )  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `postgres` run only on PostgreSQL; `worker` tests likewise, for they share the database.

    Said here and not by a fixture: the servers that a skipped file would have used are never started.
    """
    on_postgres = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    if not on_postgres:
        for item in items:
            if _marked(item, "postgres", "worker"):
                item.add_marker(pytest.mark.skip(reason="runs on PostgreSQL only (second half of `make test`)"))
    left_out: set[pytest.Item] = set()
    if on_postgres and config.getoption("--database-only"):
        left_out.update(item for item in items if not _asks_database(item))
    if config.getoption("--dealt"):
        left_out.update(_other_half(items, first=not on_postgres))
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]
    # Files that wait for processes come first, so that none is left to one of the two at the end.
    waiting = {item.path for item in items if _marked(item, "worker")}
    items.sort(key=lambda item: item.path not in waiting)


def _other_half(items: list[pytest.Item], *, first: bool) -> Iterator[pytest.Item]:
    """Every other case of each test marked `dealt`: from the `first` one on, or from the second."""
    seen: Counter[object] = Counter()
    for item in items:
        if _marked(item, "dealt"):
            test = (item.path, getattr(item, "originalname", item.name))
            if (seen[test] % 2 == 0) == first:
                yield item
            seen[test] += 1


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A file's bytes never name a test: the moment written into an archive differs from process to process."""
    return argname if isinstance(val, bytes) and len(val) > FILE_BYTES else None


def _marked(item: pytest.Item, *names: str) -> bool:
    return any(item.get_closest_marker(name) for name in names)


def _asks_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return _marked(item, "django_db", "postgres", "worker") or bool(fixtures & {"db", "transactional_db"})


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that made the run's directory removes it."""
    if not hasattr(config, "workerinput") and "WEILIDAI_TEST_DIR_MADE" in os.environ:
        shutil.rmtree(os.environ["WEILIDAI_TEST_DIR_MADE"], ignore_errors=True)


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """No throttle counter or flag of one test reaches the next."""
    cache.clear()


@pytest.fixture(autouse=True)
def _default_language() -> Iterator[None]:
    """A language that one test chose never decides what the next one reads."""
    with translation.override(settings.LANGUAGE_CODE):
        yield


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Iterator[Callable[[str], str]]:
    """Returns what copies the database as its migrations left it: `name` → the address of the copy.

    Knox makes the table of its own token model although ours replaces it; Django does not know that table, and
    PostgreSQL then refuses to truncate what it refers to.
    """
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            copy = stack.enter_context(pg.pristine_copies(connection))
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE IF EXISTS knox_authtoken")
        yield copy


# --- Servers ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def migrated_database(django_db_setup: Callable[[str], str]) -> Callable[[str], str]:
    """A database of this session beside the one under `db`, migrated and empty, for a stack: `name` → its address."""
    return django_db_setup


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A broker of this test, which it may `kill()` and `start()` again."""
    with throwaway_broker() as server:
        yield server


@pytest.fixture
def live_workers(transactional_db: None, broker: Broker, tmp_path: Path) -> Iterator[Workers]:
    """Real workers on the test's own PostgreSQL database; `.delay()` in the test reaches them.

    Start as many as wanted by `live_workers.start()`. Needs the marker `worker`.
    """
    from weilidai.celery import app

    params = connection.get_connection_params()
    url = "postgres://{user}:{password}@{host}:{port}/{dbname}".format(**params)
    values = {"DATABASE_URL": url, "BROKER_URL": broker.url, "CACHE_URL": broker.cache_url}
    workers = Workers(broker, process_environment(**values), tmp_path / "workers.log")
    before = app.conf.broker_url
    _publish_to(broker.url)
    try:
        yield workers
    finally:
        workers.stop()
        _publish_to(before)


def _publish_to(url: str) -> None:
    """Point this process's publisher at another broker: connections to the former one are dropped."""
    from weilidai.celery import app

    app.close()
    app.amqp._producer_pool = None
    app.conf.broker_url = app.conf.broker_read_url = app.conf.broker_write_url = url


@pytest.fixture(scope="session")
def live_stack(migrated_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole platform (web, worker, beat, broker) on PostgreSQL with presets and roles, for end-to-end tests.

    Starting it takes seconds: keep the tests that use it in `tests/test_stack.py`, so that one process starts it once.
    """
    directory = tmp_path_factory.mktemp("stack")
    with running_stack(directory, DATABASE_URL=migrated_database("live_stack"), DEMO="0") as stack:
        yield stack


# --- Browser ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """The system's Chromium, for one file of tests: while it is driven, Django takes the process for an asynchronous
    one and refuses the next file its database.
    """
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with running_browser(path) as browser:
        yield browser


@pytest.fixture
def page(chromium: "Browser") -> Iterator["Page"]:
    """A fresh browser page in Chinese, with no cookies of an earlier test."""
    context = chromium.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
    try:
        yield context.new_page()
    finally:
        context.close()
