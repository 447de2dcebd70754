"""The chain of seals shows whatever was changed, taken out or cut off after it was sealed."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from loans.books.chain import seals_hold
from loans.models import JournalChain, JournalEntry, JournalSeal, Posting
from loans.services.seal import journal_seal
from tests.loans.builders import NOW, Borrower
from tests.loans.life import active_loan, close_through, day, repay
from tests.support.corruption import unguarded
from weilidai.lib.ids import uuid7_floor
from weilidai.lib.models import AppendOnlyError

FEN = Decimal("0.01")


@pytest.fixture
def sealed(alice: Borrower) -> int:
    """A lived loan whose entries are all sealed; their number."""
    loan = active_loan(alice, days=2)
    close_through(day(1))
    repay(alice, loan, "300.00", day(2))
    close_through(day(2))
    return journal_seal(at=NOW)


def subjects() -> list[str]:
    return [fault.subject for fault in seals_hold()]


def nth(position: int) -> JournalEntry:
    seal = JournalSeal.objects.order_by("sequence")[position]
    return JournalEntry.objects.get(pk=seal.entry_id)


def test_each_entry_is_sealed_once_however_often_asked(sealed: int):
    assert sealed == JournalEntry.objects.count() > 2
    assert journal_seal(at=NOW) == 0
    assert list(JournalSeal.objects.order_by("sequence").values_list("sequence", flat=True)) == list(
        range(1, sealed + 1)
    )
    assert list(seals_hold()) == []


def test_in_small_rounds_the_chain_is_the_same(sealed: int):
    whole = list(JournalSeal.objects.order_by("sequence").values_list("entry_id", "sha256"))
    with unguarded(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM loans_journalseal")
    JournalChain.objects.all().delete()
    while journal_seal(at=NOW, limit=1):
        pass
    assert list(JournalSeal.objects.order_by("sequence").values_list("entry_id", "sha256")) == whole


def test_an_entry_committed_late_is_sealed_by_a_later_round(sealed: int):
    newest = JournalEntry.objects.order_by("-pk")[0]
    late = JournalEntry(
        pk=uuid7_floor(NOW).int and type(newest.pk)(int=newest.pk.int - 1),
        kind="repayment", reference="late", effective_date=day(2), posted_at=NOW, product=newest.product,
    )  # fmt: skip
    late.save(force_insert=True)
    for side in ("debit", "credit"):
        Posting.objects.create(entry=late, ledger_account_id="1002", side=side, amount=FEN)
    assert journal_seal(at=NOW) == 1
    assert list(seals_hold()) == []


def _amount() -> str:
    entry = nth(1)
    for posting in entry.postings.all():
        Posting.objects.filter(pk=posting.pk).update(amount=posting.amount + FEN)
    return entry.reference


def _date() -> str:
    entry = nth(0)
    JournalEntry.objects.filter(pk=entry.pk).update(effective_date=date(2020, 1, 1))
    return entry.reference


def _more_postings() -> str:
    entry = nth(0)
    for side in ("debit", "credit"):
        Posting.objects.create(entry=entry, ledger_account_id="1002", side=side, amount=FEN)
    return entry.reference


def _take_out() -> str:
    entry = JournalEntry.objects.get(kind="accrual", postings__ledger_account="1132", postings__side="debit",
                                     reference__contains=f":{day(1)}")  # fmt: skip
    with connection.cursor() as cursor:
        key = entry.pk.hex if connection.vendor == "sqlite" else str(entry.pk)
        cursor.execute("UPDATE loans_productaccrual SET entry_id = NULL WHERE entry_id = %s", [key])
        cursor.execute("DELETE FROM loans_posting WHERE entry_id = %s", [key])
        cursor.execute("DELETE FROM loans_journalentry WHERE id = %s", [key])
    return str(entry.pk)


def _lose_seal() -> str:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM loans_journalseal WHERE sequence = 2")
    return "seal 2"


def _cut_tail() -> str:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM loans_journalseal WHERE sequence = (SELECT max(sequence) FROM loans_journalseal)")
    return "chain"


@pytest.mark.parametrize("damage", [_amount, _date, _more_postings, _take_out, _lose_seal, _cut_tail])
def test_damage_shows(sealed: int, damage: Callable[[], str]):
    """Walking the whole chain, and looking at some entries only: that one among them."""
    with unguarded():
        subject = damage()
    assert subject in subjects()
    assert subject in [fault.subject for fault in seals_hold(JournalEntry.objects.all())]


def test_links_of_other_entries_are_not_looked_at(sealed: int):
    with unguarded():
        subject = _date()
    others = JournalEntry.objects.exclude(reference=subject)
    assert list(seals_hold(others)) == []
    assert list(seals_hold(JournalEntry.objects.none())) == []


def test_a_seal_is_written_once(sealed: int):
    seal = JournalSeal.objects.order_by("sequence")[0]
    with pytest.raises(AppendOnlyError):
        seal.save()
    with pytest.raises(AppendOnlyError):
        JournalSeal.objects.all().delete()


def sql(statement: str) -> Callable[[], Any]:
    def run() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    return run


@pytest.mark.postgres
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE loans_posting SET amount = amount + 1",
        "DELETE FROM loans_posting",
        "UPDATE loans_journalentry SET kind = 'fee'",
        "DELETE FROM loans_journalentry",
        "UPDATE loans_journalseal SET sha256 = ''",
        "DELETE FROM loans_journalseal",
    ],
)
def test_the_database_refuses_to_change_what_is_posted(sealed: int, statement: str):
    with pytest.raises(IntegrityError, match="never changed"):
        sql(statement)()


@pytest.mark.postgres
@pytest.mark.parametrize(
    "statement",
    [
        # An entry of its own without postings, one more posting on a balanced entry.
        "INSERT INTO loans_journalentry (id, kind, reference, effective_date, posted_at) "
        "VALUES (gen_random_uuid(), 'fee', 'alone', '2026-11-20', now())",
        "INSERT INTO loans_posting (id, entry_id, ledger_account_id, side, amount) "
        "SELECT gen_random_uuid(), id, '1002', 'debit', 0.01 FROM loans_journalentry LIMIT 1",
    ],
)
def test_the_database_refuses_an_entry_out_of_balance(sealed: int, statement: str):
    with pytest.raises(IntegrityError, match="not balanced"):
        sql(statement)()
