"""How gunicorn serves the platform; the same under `make run`, systemd and in a container."""

import os
import sys
from collections.abc import Callable
from typing import Any

from prometheus_client import multiprocess

from weilidai.lib.garbage import garbage_settle
from weilidai.lib.web_worker import worker_gone

bind = f"{os.environ.get('BIND', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104 - a server serves
workers = int(os.environ.get("WEB_WORKERS", "2"))
# More threads than this wait for each other's turn in Python: `bench draw` took a quarter longer at p95 with eight.
threads = int(os.environ.get("WEB_THREADS", "3"))
# Seconds after which a thread that calculates lets another go on, which may have come back from the database with rows
# under lock that others wait for: a tenth of Python's own figure.
TURN = 0.0005
worker_class = "weilidai.lib.web_worker.EvenWorker"
timeout = 60  # seconds
graceful_timeout = 5  # seconds
keepalive = 5  # seconds
# A leak in a library never grows for ever; the jitter keeps the workers from leaving together.
max_requests = 20_000
max_requests_jitter = 2_000
# Heartbeat files on a disk can stall under load.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - gunicorn makes private files there
accesslog = None  # requests are logged by the application, with customer and request ids
control_socket_disable = True


def post_worker_init(_worker: Any) -> None:
    garbage_settle()
    sys.setswitchinterval(TURN)


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the connections and gauges of a worker that ended."""
    worker_gone(worker)
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        gauges_forget: Callable[[int], None] = multiprocess.mark_process_dead
        gauges_forget(worker.pid)
