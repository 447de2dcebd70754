import pytest

from tests.risk.builders import setup_policies


@pytest.fixture
def policies(db: None) -> None:
    """The shipped products, scorecard, regulation and documents."""
    setup_policies()
