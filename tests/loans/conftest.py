import pytest

from tests.loans.builders import Borrower, borrower, day_set, policy


@pytest.fixture
def alice(db: None) -> Borrower:
    """A line of 8 000 at 0.04 % a day on an open day; her card is paid within a second."""
    day_set()
    policy()
    return borrower()
