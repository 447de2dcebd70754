from tests.loans.conftest import alice

__all__ = ["alice"]
