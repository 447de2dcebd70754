from datetime import date

import pytest

from tests.risk.api.client import Client, client_of
from tests.risk.builders import AS_OF, AT, customer_create
from weilidai.lib.business_date import business_date_set


@pytest.fixture(autouse=True)
def _today(policies: None) -> date:
    """The business date of the builders; the policies are loaded."""
    return business_date_set(AS_OF, at=AT)


@pytest.fixture
def alice() -> Client:
    return client_of(customer_create("alice"))


@pytest.fixture
def bob() -> Client:
    return client_of(customer_create("bob"))
