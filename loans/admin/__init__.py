"""The back office of credit used. Money rows are shown, never typed into."""

from loans.admin import books, gift, journal, loan, money, payout, relief, voucher

__all__ = ["books", "gift", "journal", "loan", "money", "payout", "relief", "voucher"]
