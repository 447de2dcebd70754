"""What hangs below a customer's row carries the customer, and a difference is seen."""

from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from loans.books.owners import customers_agree
from loans.models import EntryKind, Instalment, JournalEntry, LoanEvent, LoanTally, Posting, RepaymentAllocation
from loans.services.journal import entry_post
from tests.loans.builders import NOW, Borrower
from tests.loans.life import active_loan, day, repay
from tests.support.corruption import unguarded
from weilidai.lib.ids import uuid7
from weilidai.lib.money import CENT

CHILDREN = (Instalment, LoanEvent, LoanTally, Posting, RepaymentAllocation)


@pytest.fixture
def lived(alice: Borrower, monkeypatch: pytest.MonkeyPatch) -> Borrower:
    """A loan partly repaid, a tally of it, and an accrual, which is nobody's."""
    monkeypatch.setattr("loans.services.figures.TALLY_FROM", 2)
    loan = active_loan(alice, days=2)
    repay(alice, loan, "300.00", day(1))
    lines = [("1132", Posting.Side.DEBIT, CENT), ("6011", Posting.Side.CREDIT, CENT)]
    entry_post(kind=EntryKind.ACCRUAL, reference="accrual:1", effective_date=day(1), at=NOW, lines=lines)
    return alice


def _accrual() -> JournalEntry:
    return JournalEntry.objects.get(kind=EntryKind.ACCRUAL)


def _seen() -> list[str]:
    found = list(customers_agree())
    assert {fault.check for fault in found} <= {"customers_agree"}
    return [fault.subject for fault in found]


@pytest.mark.django_db
def test_a_drawn_and_repaid_loan_leaves_its_customer_in_every_row(lived: Borrower):
    for model in CHILDREN:
        owners = set(model.objects.values_list("customer_id", flat=True))
        assert owners == {lived.customer.pk, None} if model is Posting else {lived.customer.pk}, model
    assert not _accrual().postings.exclude(customer_id=None).exists()
    assert _seen() == []


@pytest.mark.django_db
def test_a_child_with_no_or_another_customer_is_seen(lived: Borrower):
    with unguarded():
        for model in CHILDREN:
            row = QuerySet(model).filter(customer_id__isnull=False).order_by("pk")[0]
            for value in (None, UUID(int=7)):
                QuerySet(model).filter(pk=row.pk).update(customer_id=value)
                assert _seen() == [f"{model._meta.db_table} {row.pk}"]
            QuerySet(model).filter(pk=row.pk).update(customer_id=lived.customer.pk)
        assert _seen() == []


@pytest.mark.django_db
def test_a_customer_in_a_posting_of_an_entry_that_has_none_is_seen(lived: Borrower):
    with unguarded():
        row = _accrual().postings.order_by("pk")[0]
        Posting.objects.filter(pk=row.pk).update(customer_id=lived.customer.pk)
        assert _seen() == [f"loans_posting {row.pk}"]


@pytest.mark.django_db
def test_a_posting_without_an_entry_is_seen(lived: Borrower):
    with unguarded():
        row = _accrual().postings.order_by("pk")[0]
        Posting.objects.filter(pk=row.pk).update(entry_id=uuid7())
        assert _seen() == [f"loans_posting {row.pk}"]
        Posting.objects.filter(pk=row.pk).update(entry_id=row.entry_id)


@pytest.mark.django_db
@pytest.mark.parametrize("page", [2, 10_000])
def test_missing_customers_are_filled_page_by_page_and_nothing_else_is_touched(
    lived: Borrower, page: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("weilidai.lib.owner.PAGE", page)
    before = {model: list(QuerySet(model).order_by("pk").values_list()) for model in CHILDREN}
    with unguarded():
        missing = sum(QuerySet(model).filter(customer_id__isnull=False).update(customer_id=None) for model in CHILDREN)
        call_command("backfill_customers")
    assert capsys.readouterr().out == f"{missing} rows filled\n"
    assert {model: list(QuerySet(model).order_by("pk").values_list()) for model in CHILDREN} == before
    call_command("backfill_customers")
    assert capsys.readouterr().out == "0 rows filled\n"


@pytest.mark.postgres
@pytest.mark.django_db
def test_the_guard_of_evidence_is_awake_again_after_a_fill(lived: Borrower):
    with unguarded():
        Posting.objects.update(customer_id=None)
        call_command("backfill_customers")
    with pytest.raises(IntegrityError), transaction.atomic():
        Posting.objects.update(customer_id=None)
