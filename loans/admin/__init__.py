"""The back office of credit used. Money rows are shown, never typed into."""

from loans.admin import (
    books,
    collection,
    collection_policy,
    gift,
    journal,
    loan,
    money,
    payout,
    portfolio,
    relief,
    voucher,
    wish,
)

__all__ = [
    "books",
    "collection",
    "collection_policy",
    "gift",
    "journal",
    "loan",
    "money",
    "payout",
    "portfolio",
    "relief",
    "voucher",
    "wish",
]
