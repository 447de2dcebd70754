"""What beat rings and when. Beat copies this to its tables at start; `manage.py schedule_sync` retires old entries.

A missed ring is never made up and may come twice: every task below looks in the database for what is due.
"""

from typing import Any

from django.conf import settings

SCHEDULE: dict[str, dict[str, Any]] = {
    "worker-heartbeat": {
        "task": "weilidai.tasks.heartbeat",
        "schedule": settings.WORKER_HEARTBEAT_SECONDS,
        # An old heartbeat proves nothing, and a stopped worker must not find thousands of them.
        "options": {"expires": settings.WORKER_HEARTBEAT_SECONDS},
    },
    "payouts": {
        "task": "loans.payouts_advance",
        "schedule": 2,
        "options": {"expires": 2},
    },
    "journal-seal": {
        "task": "loans.journal_seal",
        "schedule": 10,
        "options": {"expires": 10},
    },
    "books-watch": {
        "task": "loans.books_watch",
        "schedule": 10,
        "options": {"expires": 10},
    },
    "rate-review": {
        "task": "risk.rate_review_advance",
        "schedule": 10,
        "options": {"expires": 10},
    },
    "limit-raises": {
        "task": "risk.limit_raises_advance",
        "schedule": 10,
        "options": {"expires": 10},
    },
    "sms": {
        "task": "accounts.sms_send_due",
        "schedule": 10,
        "options": {"expires": 10},
    },
    "appeals": {
        "task": "risk.appeals_advance",
        "schedule": 15,
        "options": {"expires": 15},
    },
    "backtests": {
        "task": "risk.backtest_advance",
        "schedule": 10,
        "options": {"expires": 10},
    },
    "workbench": {
        "task": "risk.workbench_advance",
        "schedule": 30,
        "options": {"expires": 30},
    },
    "end-of-day": {
        "task": "loans.end_of_day",
        "schedule": 60,
        "options": {"expires": 60},
    },
}
