from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import CustomerToken
from tests.loans.builders import Borrower, borrower, day_set, policy


@pytest.fixture
def alice(db: None) -> Borrower:
    """A line of 8 000 at 0.04 % a day on an open day; her card is paid within a second."""
    day_set()
    policy()
    return borrower()


@pytest.fixture
def clients(alice: Borrower) -> Callable[[], APIClient]:
    """Clients of alice for threads; the token is made once."""
    token = CustomerToken.objects.create(user=alice.customer)[1]

    def make() -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_X_DEVICE_ID=alice.device.fingerprint)
        return client

    return make
