"""The continuous checker: what is broken becomes a row within a pass, what is mended is resolved by the next."""

from datetime import timedelta
from decimal import Decimal

import pytest

from loans.models import BookFault
from loans.services.books import REST, books_watch
from risk.models import CreditLine
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.life import active_loan
from weilidai.lib.models import JobRun


@pytest.fixture
def lived(alice: Borrower) -> Borrower:
    active_loan(alice, days=30)
    return alice


def test_a_pass_over_good_books_finds_nothing(lived: Borrower):
    result = books_watch(at=NOW, day=TODAY)
    assert result is not None
    assert result["faults"] == 0
    assert JobRun.objects.get(job="books_watch").state == "done"


def test_a_fault_is_one_row_until_it_is_mended(lived: Borrower):
    CreditLine.objects.update(used_amount=Decimal("1000.01"))
    books_watch(at=NOW, day=TODAY)
    books_watch(at=NOW + REST, day=TODAY)
    fault = BookFault.objects.get()
    assert (fault.check_name, fault.first_seen_at, fault.last_seen_at) == ("lines_match_loans", NOW, NOW + REST)
    CreditLine.objects.update(used_amount=Decimal("1000.00"))
    books_watch(at=NOW + 2 * REST, day=TODAY)
    assert BookFault.objects.get().resolved_at == NOW + 2 * REST
    CreditLine.objects.update(used_amount=Decimal("1000.01"))
    books_watch(at=NOW + 3 * REST, day=TODAY)
    assert BookFault.objects.count() == 2


def test_one_pass_at_a_time_with_a_rest_between(lived: Borrower):
    assert books_watch(at=NOW, day=TODAY) is not None
    assert books_watch(at=NOW + REST - timedelta(seconds=1), day=TODAY) is None
    assert books_watch(at=NOW + REST, day=TODAY) is not None
    JobRun.objects.filter(job="books_watch").update(state="running", heartbeat_at=NOW + REST)
    assert books_watch(at=NOW + 3 * REST, day=TODAY) is None
    assert books_watch(at=NOW + REST + timedelta(minutes=30), day=TODAY) is not None
