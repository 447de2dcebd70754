"""R39 under parallel requests: real connections, real commits."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

import pytest
from django.db import connection, connections, transaction

from accounts.models import Notification, StoredImage
from risk.errors import AppealOpen
from risk.models import Appeal, CreditLine
from risk.services.appeal_deadlines import appeals_advance, appeals_close_day, appeals_settle
from risk.services.credit_line import credit_line_lock
from tests.risk.builders import AS_OF, AT, SHANGHAI, appeal_create, appeal_files, frozen_line, setup_policies
from weilidai.lib.models import AuditEvent
from weilidai.lib.uploads import private_names

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("R39")]
LAST_DAY = date(2026, 11, 25)
DUE_AT = datetime(2026, 11, 25, 18, 0, tzinfo=SHANGHAI)


@pytest.fixture
def line(db: None) -> CreditLine:
    setup_policies()
    return frozen_line()


def together(act: Any, count: int) -> list[Any]:
    """`act(0) … act(count - 1)` on parallel threads, each with its own connection."""

    def run(number: int) -> Any:
        try:
            return act(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, range(count)))


def test_of_many_appeals_at_once_one_is_taken_and_no_file_is_left(line: CreditLine) -> None:
    before = set(private_names(before=datetime.now(SHANGHAI).replace(year=2100)))

    def submit(number: int) -> str:
        try:
            appeal_create(line, **appeal_files(number + 1, number + 101, number + 201))
        except AppealOpen:
            return "appeal_open"
        return "taken"

    assert Counter(together(submit, 8)) == {"taken": 1, "appeal_open": 7}
    assert (Appeal.objects.count(), StoredImage.objects.count()) == (1, 3)
    after = set(private_names(before=datetime.now(SHANGHAI).replace(year=2100)))
    assert after - before == set(StoredImage.objects.values_list("file_name", flat=True))


def test_many_pollers_and_the_night_answer_once(line: CreditLine) -> None:
    appeal = appeal_create(line)

    def work(number: int) -> None:
        if number % 2:
            appeals_advance(as_of=LAST_DAY, at=DUE_AT)
        else:
            appeals_close_day(day=LAST_DAY, at=DUE_AT)

    together(work, 8)
    appeals_close_day(day=LAST_DAY, at=DUE_AT)
    assert Appeal.objects.get(pk=appeal.pk).state == "granted"
    for action in ("appeal.remind", "appeal.grant", "credit_line.unfreeze"):
        assert AuditEvent.objects.filter(action=action).count() == 1
    assert Notification.objects.filter(kind="appeal_granted").count() == 1


@pytest.mark.postgres
def test_the_poller_passes_over_a_line_at_work_and_the_next_round_takes_it(line: CreditLine) -> None:
    appeal_create(line)
    appeals_advance(as_of=AS_OF, at=AT)
    with transaction.atomic():
        credit_line_lock(line.pk)
        assert together(lambda _: appeals_settle(as_of=LAST_DAY, at=DUE_AT), 1) == [0]
    assert connection.in_atomic_block is False
    assert appeals_settle(as_of=LAST_DAY, at=DUE_AT) == 1
