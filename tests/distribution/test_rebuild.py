"""Tables that become hash partitions keep their rows, keys, indexes, guards and rights."""

from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from accounts.models import Customer
from loans.models import EntryKind, JournalEntry, Posting
from loans.services.journal import entry_post
from tests.loans.builders import NOW, TODAY, Borrower, borrower, day_set, policy
from tests.loans.life import active_loan
from weilidai.distribution import plan, rebuild
from weilidai.lib.ids import uuid7
from weilidai.lib.money import CENT

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

TABLES = [JournalEntry, Posting]
LINES = [("1132", Posting.Side.DEBIT, CENT), ("6011", Posting.Side.CREDIT, CENT)]


def _sql(text: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(text, values or None)
        return cursor.fetchall() if cursor.description else []


def _rows() -> dict[str, list[Any]]:
    return {model._meta.db_table: list(model._default_manager.order_by("pk").values_list()) for model in TABLES}


def _accrual(reference: str = "accrual:1") -> JournalEntry:
    return entry_post(kind=EntryKind.ACCRUAL, reference=reference, effective_date=TODAY, at=NOW, lines=LINES)


def _constraints_check() -> None:
    """What would come at the commit."""
    _sql("SET CONSTRAINTS ALL IMMEDIATE")
    _sql("SET CONSTRAINTS ALL DEFERRED")


@transaction.atomic
def _posted(entry: JournalEntry, customer: UUID) -> None:
    Posting.objects.create(entry=entry, ledger_account_id="1132", side="debit", amount=CENT, customer_id=customer)
    _constraints_check()


@pytest.fixture
def alice() -> Borrower:
    day_set()
    policy()
    return borrower("alice")


@pytest.fixture
def before(alice: Borrower, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """A drawn loan's entries and an accrual, then the journal in three partitions; its rows as they were."""
    active_loan(alice)
    _accrual()
    _sql("GRANT SELECT ON loans_posting TO PUBLIC")
    _constraints_check()
    monkeypatch.setattr(plan, "spread", lambda: TABLES)
    monkeypatch.setattr(rebuild, "spread", lambda: TABLES)
    rows = _rows()
    rebuild.foreign_keys_drop()
    for model in TABLES:
        assert rebuild.table_spread(model, 3) == len(rows[model._meta.db_table])
    made = [key.name for key in rebuild.foreign_keys_make()]
    assert "loans_posting_entry_id_owner" in made
    return rows


def test_every_row_is_there_and_lies_in_a_partition(before: dict[str, list[Any]]):
    assert _rows() == before
    assert all(rebuild.is_spread(model) for model in TABLES)
    [(parts,)] = _sql("SELECT count(*) FROM pg_inherits WHERE inhparent = 'loans_posting'::regclass")
    assert parts == 3
    assert not _sql("SELECT 1 FROM pg_class WHERE relnamespace = 'whole'::regnamespace AND relkind = 'r'")


def test_a_balanced_entry_is_posted_and_an_unbalanced_one_refused(before: dict[str, list[Any]], alice: Borrower):
    entry_post(
        kind=EntryKind.FEE, reference="fee:1", effective_date=TODAY, at=NOW, lines=LINES, customer=alice.customer
    )
    _constraints_check()
    entry = JournalEntry.objects.get(reference="fee:1")
    with pytest.raises(IntegrityError, match="not balanced"):
        _posted(entry, alice.customer.pk)


def test_evidence_stays_evidence_and_rights_stay_rights(before: dict[str, list[Any]]):
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        Posting.objects.update(amount=2)
    [(rights,)] = _sql("SELECT relacl::text FROM pg_class WHERE relname = 'loans_posting'")
    assert "=r/" in rights


def test_the_applications_role_cannot_touch_evidence_by_the_name_of_a_part(before: dict[str, list[Any]]):
    _sql("CREATE ROLE weilidai_parts")
    call_command("database_roles", app="weilidai_parts", apply=True)
    for table in ("loans_posting", "loans_posting_p0"):
        [(may,)] = _sql("SELECT has_table_privilege('weilidai_parts', %s, 'UPDATE')", table)
        assert not may
    [(may,)] = _sql("SELECT has_table_privilege('weilidai_parts', 'loans_posting_p0', 'INSERT')")
    assert may


def test_a_reference_counts_once_for_a_customer_and_once_for_nobody(before: dict[str, list[Any]], alice: Borrower):
    other = Customer.objects.create(openid="other")
    values = {"kind": EntryKind.FEE, "reference": "fee:2", "effective_date": TODAY, "at": NOW, "lines": LINES}
    entry_post(**values, customer=alice.customer)
    entry_post(**values, customer=other)
    with pytest.raises(IntegrityError), transaction.atomic():
        entry_post(**values, customer=other)
    with pytest.raises(IntegrityError), transaction.atomic():
        _accrual()
    _accrual("accrual:2")


def test_a_posting_of_another_customer_than_its_entry_is_refused(before: dict[str, list[Any]], alice: Borrower):
    entry = JournalEntry.objects.filter(customer=alice.customer)[0]
    for customer in (uuid7(), Customer.objects.create(openid="other").pk):
        with pytest.raises(IntegrityError, match="loans_posting_entry_id_owner"):
            _posted(entry, customer)


def test_indexes_keep_their_names_and_keys_end_in_the_customer(before: dict[str, list[Any]]):
    found = dict(_sql("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'loans_journalentry'"))
    assert "(effective_date, kind)" in found["entry_by_day"]
    assert found["loans_journalentry_pkey"].endswith("(id, customer_id) NULLS NOT DISTINCT")
    assert sum("(reference, customer_id)" in text for text in found.values()) == 1


def test_a_second_run_finds_nothing_to_do(before: dict[str, list[Any]]):
    there = len(_sql("SELECT 1 FROM pg_constraint"))
    assert rebuild.foreign_keys_drop() == 0
    list(rebuild.foreign_keys_make())
    assert len(_sql("SELECT 1 FROM pg_constraint")) == there


def test_a_child_without_its_customer_stops_the_run_before_anything_is_touched(alice: Borrower):
    active_loan(alice)
    _constraints_check()
    alice_events = "UPDATE loans_loanevent SET customer_id = NULL"
    _sql(alice_events)
    with pytest.raises(CommandError, match="loans_loanevent has rows without their customer: run backfill_customers"):
        call_command("partition_tables", apply=True)
    assert not rebuild.is_spread(Posting)


@pytest.mark.parametrize("parts", [1, 257])
def test_a_number_of_partitions_out_of_range_is_refused(parts: int):
    with pytest.raises(CommandError, match="between 2 and 256"):
        call_command("partition_tables", partitions=parts)


def test_without_apply_it_only_tells(capsys: pytest.CaptureFixture[str]):
    call_command("partition_tables", partitions=2)
    told = capsys.readouterr().out
    assert "loans_posting: 2 partitions" in told
    assert "accounts.Customer stays whole" in told
    assert not rebuild.is_spread(Posting)
