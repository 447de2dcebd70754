"""The platform as real processes: what is killed comes back, what is stopped is gone, what a browser shows is ours."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django_redis.cache import RedisCache

from tests.support.stack import ROOT, Broker, Stack, Workers, running_stack, wait_until
from weilidai.run import valkey
from weilidai.tasks import HEARTBEAT_KEY, heartbeat

if TYPE_CHECKING:
    from playwright.sync_api import Page

PASSWORD = "correct horse battery staple"


def beaten(broker: Broker) -> Callable[[], object]:
    """Whether a worker did the heartbeat, as the readiness check reads it."""
    cache = RedisCache(broker.cache_url, {"KEY_PREFIX": "weilidai"})
    return lambda: cache.get(HEARTBEAT_KEY)


def taken(broker: Broker, count: int) -> Callable[[], bool]:
    """Whether workers hold this many tasks that they have not finished."""
    client = valkey.client(broker.url)
    return lambda: client.hlen("unacked") == count


# --- Tasks survive ----------------------------------------------------------------------------------------------


@pytest.mark.worker
def test_a_task_published_while_no_worker_runs_is_done_later(live_workers: Workers):
    heartbeat.delay()
    done = beaten(live_workers.broker)
    assert not done()
    live_workers.start()
    wait_until(done, seconds=20, what="the task")


@pytest.mark.worker
def test_a_task_outlives_a_kill_of_the_pool_process_that_held_it(live_workers: Workers):
    worker = live_workers.start(concurrency=1)
    [pool_process] = live_workers.children(worker)
    os.kill(pool_process, signal.SIGSTOP)
    heartbeat.delay()
    wait_until(taken(live_workers.broker, 1), seconds=10, what="the task to be taken")
    done = beaten(live_workers.broker)
    assert not done()
    os.kill(pool_process, signal.SIGKILL)
    wait_until(done, seconds=20, what="the task, by the next process")


@pytest.mark.worker
def test_a_task_outlives_a_kill_of_the_whole_worker(live_workers: Workers):
    live_workers.environment = {**live_workers.environment, "TASK_VISIBILITY_TIMEOUT": "3"}
    doomed = live_workers.start(concurrency=1)
    os.kill(live_workers.children(doomed)[0], signal.SIGSTOP)
    heartbeat.delay()
    wait_until(taken(live_workers.broker, 1), seconds=10, what="the task to be taken")
    live_workers.kill(doomed)
    done = beaten(live_workers.broker)
    assert not done()
    live_workers.start()
    wait_until(done, seconds=30, what="the task, by the other worker")


@pytest.mark.worker
def test_a_task_outlives_a_kill_of_the_broker(live_workers: Workers):
    heartbeat.delay()
    # The append-only file reaches the disk once a second.
    client = valkey.client(live_workers.broker.url)
    wait_until(lambda: client.info("persistence")["aof_pending_bio_fsync"] == 0, seconds=5, what="the file")
    live_workers.broker.kill()
    live_workers.broker.start()
    done = beaten(live_workers.broker)
    assert not done()
    live_workers.start()
    wait_until(done, seconds=20, what="the task")


# --- The process manager ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """`make run` without any address: SQLite and the embedded broker."""
    directory = tmp_path_factory.mktemp("embedded")
    with running_stack(directory, DATABASE_URL="", BROKER_URL="", CACHE_URL="", DEMO="0") as stack:
        wait_until(lambda: stack.ready()["workers"], seconds=60, what="the first heartbeat")
        yield stack


@pytest.mark.worker
@pytest.mark.parametrize("name", ["worker", "beat", "web"])
def test_a_killed_process_is_started_again(embedded: Stack, name: str):
    before = embedded.pids()
    os.kill(before[name], signal.SIGKILL)
    wait_until(lambda: embedded.pids()[name] != before[name], seconds=20, what=f"another {name}")
    wait_until(lambda: embedded.status("/api/v1/health/ready") == 200, seconds=30, what="readiness")
    after = embedded.pids()
    assert {other for other in before if before[other] != after[other]} == {name}


@pytest.mark.worker
def test_the_workers_are_replaced_when_the_broker_was_killed(embedded: Stack):
    before = embedded.pids()
    os.kill(before["valkey"], signal.SIGKILL)
    wait_until(lambda: embedded.pids()["valkey"] != before["valkey"], seconds=20, what="another broker")
    wait_until(lambda: embedded.pids()["worker"] != before["worker"], seconds=20, what="another worker")
    wait_until(lambda: embedded.pids()["beat"] != before["beat"], seconds=20, what="another beat")
    wait_until(lambda: embedded.ready()["workers"], seconds=30, what="work done")
    # Who publishes finds the new broker by its old address, and is left alone.
    assert embedded.pids()["web"] == before["web"]


@pytest.mark.worker
def test_a_second_run_on_the_same_state_is_refused(embedded: Stack):
    command = [sys.executable, "-m", "weilidai.run"]
    done = subprocess.run(command, cwd=ROOT, env=dict(embedded.environment), capture_output=True, text=True)
    assert done.returncode == 1
    assert "It is running already" in done.stdout


@pytest.mark.worker
def test_what_is_declared_is_what_beat_rings(embedded: Stack):
    code = (
        "import json; from django_celery_beat.models import PeriodicTask as P;"
        "print(json.dumps(sorted(P.objects.filter(enabled=True).values_list('task', flat=True))))"
    )
    listed = json.loads(embedded.manage("shell", "--no-imports", "-c", code).splitlines()[-1])
    assert {"weilidai.tasks.heartbeat", "loans.payouts_advance", "loans.end_of_day"} <= set(listed)


def group_members(group: int) -> list[int]:
    """Processes of one process group that still run."""
    listed = subprocess.run(["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [int(pid) for pid, pgid, state in rows if int(pgid) == group and not state.startswith("Z")]


def database_copy(stack: Stack, directory: Path) -> None:
    """The embedded database of a running stack, for another one that need not make its own."""
    name = "weilidai.sqlite3"
    source = sqlite3.connect(Path(stack.environment["VAR_DIR"]) / name)
    with closing(source), closing(sqlite3.connect(directory / name)) as target:
        source.backup(target)


@pytest.mark.worker
def test_stopping_ends_every_process(embedded: Stack, tmp_path: Path):
    database_copy(embedded, tmp_path)
    with running_stack(tmp_path, DATABASE_URL="", BROKER_URL="", CACHE_URL="", DEMO="0") as stack:
        groups = list(stack.pids().values())
        assert len(groups) == 4
        assert all(group_members(group) for group in groups)
        assert stack.stop() == 0
    assert [group_members(group) for group in groups] == [[], [], [], []]


# --- What a browser shows ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clerk(live_stack: Stack) -> str:
    """The name of a member of staff who may see everything."""
    code = (
        "from accounts.models import StaffUser;"
        f"StaffUser.objects.create_superuser(username='alice', password='{PASSWORD}')"
    )
    live_stack.manage("shell", "--no-imports", "-c", code)
    return "alice"


@pytest.mark.browser
@pytest.mark.worker
def test_staff_sign_in_and_read_chinese_pages_from_this_host_only(live_stack: Stack, clerk: str, page: "Page"):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live_stack.base_url}/admin/")
    page.fill("input[name=username]", clerk)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_stack.base_url}/admin/")
    assert page.locator("html").get_attribute("lang") == "zh-hans"
    assert [url for url in asked if not url.startswith((live_stack.base_url, "data:", "blob:"))] == []


@pytest.mark.browser
@pytest.mark.worker
def test_the_api_documentation_needs_no_other_host(live_stack: Stack, page: "Page"):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live_stack.base_url}/api/docs/")
    page.locator("[data-path='/api/v1/loans']").first.wait_for()
    assert [url for url in asked if not url.startswith((live_stack.base_url, "data:", "blob:"))] == []
