"""Bells of credit granted. What is due stands in the database; these only look."""

from collections.abc import Callable

import structlog
from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from risk.services.appeal_deadlines import appeals_advance
from risk.services.backtest import backtest_advance
from risk.services.labelled import runs_advance
from risk.services.limit_raises import limit_raises_advance
from risk.services.rate_review import rate_review_advance
from weilidai.lib.business_date import current_business_date

log = structlog.get_logger(__name__)

# A ring older than this has been overtaken by the next one of beat.
RING_EXPIRES_SECONDS = 15
PARTITIONS_MAX = 20
# Ranges of lines are smaller.
RANGES_MAX = 80


def _while_any(advance: Callable[..., int], most: int) -> int:
    """Piece after piece until none is left or the ring has done enough; what the pieces came to."""
    done = 0
    for _ in range(most):
        looked = advance(at=timezone.now())
        done += looked
        if not looked:
            break
    return done


@shared_task(name="risk.appeals_advance")
def appeals_advance_task() -> dict[str, int]:
    """Pictures to check, reminders and last working days that are due; how many of each."""
    return appeals_advance(as_of=current_business_date(), at=timezone.now())


@shared_task(name="risk.rate_review_advance")
def rate_review_advance_task() -> int:
    """Ranges of a rate review, as many as fit in a ring; the number of lines looked at."""
    return _while_any(rate_review_advance, RANGES_MAX)


@shared_task(name="risk.limit_raises_advance")
def limit_raises_advance_task() -> int:
    """Ranges of the month's raises, as many as fit in a ring; the number of lines looked at."""
    return _while_any(limit_raises_advance, RANGES_MAX)


@shared_task(name="risk.backtest_advance")
def backtest_advance_task() -> int:
    """Partitions of back-tests, as many as fit in a ring; the number of decisions looked at."""
    return _while_any(backtest_advance, PARTITIONS_MAX)


@shared_task(name="risk.workbench_advance")
def workbench_advance_task() -> int:
    """Measures and fits that analysts asked for; how many were computed."""
    return runs_advance(at=timezone.now())


def workbench_ring() -> None:
    """Rings after an analyst asked. Without a broker the poller of beat finds the work all the same."""
    try:
        workbench_advance_task.apply_async(retry=False, expires=RING_EXPIRES_SECONDS)
    except (OperationalError, OSError) as error:
        log.warning("ring_failed", task="risk.workbench_advance", error=str(error))


def backtest_ring() -> None:
    """Rings after an analyst asked. Without a broker the poller of beat finds the work all the same."""
    try:
        backtest_advance_task.apply_async(retry=False, expires=RING_EXPIRES_SECONDS)
    except (OperationalError, OSError) as error:
        log.warning("ring_failed", task="risk.backtest_advance", error=str(error))


def appeals_ring() -> None:
    """Rings after a request committed. Without a broker the poller of beat finds the work all the same."""
    try:
        appeals_advance_task.apply_async(retry=False, expires=RING_EXPIRES_SECONDS)
    except (OperationalError, OSError) as error:
        log.warning("ring_failed", task="risk.appeals_advance", error=str(error))
