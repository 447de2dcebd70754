"""The back office of credit used. Money rows are shown, never typed into."""

from loans.admin import journal, loan, payout

__all__ = ["journal", "loan", "payout"]
