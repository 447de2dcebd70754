import pytest

from accounts.models import Customer
from tests.accounts.builders import AS_OF, AT, Client, client_make, customer_make
from weilidai.lib.business_date import business_date_set


@pytest.fixture(autouse=True)
def _today(request: pytest.FixtureRequest) -> None:
    """Tests with a database stand on the builders' business date."""
    if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        business_date_set(AS_OF, at=AT)


@pytest.fixture
def alice(db: None) -> Customer:
    """Papers, card and payment password."""
    return customer_make("alice")


@pytest.fixture
def newcomer(db: None) -> Customer:
    """Logged in once, nothing else."""
    return customer_make("charlie", verified=False, password=None)


@pytest.fixture
def alice_client(alice: Customer) -> Client:
    return client_make(alice)


@pytest.fixture
def newcomer_client(newcomer: Customer) -> Client:
    return client_make(newcomer)


@pytest.fixture
def anonymous() -> Client:
    return Client(headers={"Accept-Language": "en"})
