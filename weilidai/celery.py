"""The job system. Messages are bells only: what is due and what was done stands in the database."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init
from django.conf import settings

from weilidai.lib.garbage import garbage_settle

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "weilidai.settings")

app = Celery("weilidai")


@setup_logging.connect
def _logs_as_django(**_kwargs: Any) -> None:
    """Keep Django's logging in workers; Celery would install its own handlers otherwise."""


@worker_process_init.connect
def _garbage_as_in_web_processes(**_kwargs: Any) -> None:
    garbage_settle()


def job_options() -> dict[str, Any]:
    """Celery's options; a killed child, a killed worker and a killed broker must each lose nothing."""
    from weilidai.schedule import SCHEDULE

    return {
        "broker_url": settings.BROKER_URL,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "timezone": settings.TIME_ZONE,
        # Late acknowledgement alone loses the task of a killed pool child; with the second option it is queued again.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "task_time_limit": settings.CELERY_TASK_TIME_LIMIT,
        "task_soft_time_limit": settings.CELERY_TASK_SOFT_TIME_LIMIT,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # With the default sweep a killed worker's tasks come back only after more than a minute and a half.
        "broker_transport_options": {
            "visibility_timeout": settings.CELERY_VISIBILITY_TIMEOUT,
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            "socket_timeout": 10,
            "socket_connect_timeout": 3,
        },
        # Publishing happens after the transaction: a broker that is away must not hold the customer's answer up.
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0.1},
        "beat_scheduler": "django_celery_beat.schedulers:DatabaseScheduler",
        "beat_schedule": SCHEDULE,
        "beat_max_loop_interval": 5,
    }


app.add_defaults(job_options)
app.autodiscover_tasks(["weilidai", "accounts", "risk", "loans"])
