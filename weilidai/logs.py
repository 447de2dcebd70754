"""Structured logs: readable lines while developing, one JSON object per line in production."""

import logging
import logging.config
from typing import Any

import structlog

SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=False),
    structlog.processors.StackInfoRenderer(),
]


class WorthReading(logging.Filter):
    """Leaves out the first half of every request's pair of lines, and the pairs of health checks altogether."""

    def filter(self, record: logging.LogRecord) -> bool:
        event = record.msg if isinstance(record.msg, dict) else {}
        if event.get("event") == "request_started":
            return False
        return not (event.get("event") == "request_finished" and "/api/v1/health/" in str(event.get("request")))


def _formatter(style: str) -> dict[str, Any]:
    """The last steps of a log line; `style` is `json` or `console`."""
    if style == "json":
        tail: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        # The default picture of an exception prints every local variable, personal data among them.
        plain = structlog.dev.plain_traceback
        tail = [structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, exception_formatter=plain)]
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": SHARED_PROCESSORS,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail],
    }


def log_config(*, level: str, style: str) -> dict[str, Any]:
    """The `logging` dictionary of Django, Celery and gunicorn alike."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": _formatter(style)},
        "filters": {"worth": {"()": WorthReading}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["worth"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django brings its own handler for this one, which would print every line twice.
            "django.server": {"handlers": [], "propagate": True},
            # One line per request is enough; the success line of the framework's own logger is noise.
            "celery.beat": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "django_structlog.celery": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
            # "Task received", every two seconds.
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Apply `LOGGING`; named in settings so that Django, Celery and gunicorn run the same set-up."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
