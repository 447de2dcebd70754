from tests.loans.conftest import alice
from tests.risk.conftest import policies

__all__ = ["alice", "policies"]
