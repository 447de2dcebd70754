"""The continuous checker: what is broken becomes a row within a pass, what is mended is resolved by the next."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError
from django.db.models import QuerySet

from loans.books import kept, touched
from loans.books.checks import BY_ROW, days_in_order, lines_match_loans, loans_match_events
from loans.books.fault import Fault
from loans.books.owners import customers_agree
from loans.books.rows_night import chart_as_declared
from loans.models import (
    BookFault,
    CostDisclosure,
    Instalment,
    JournalChain,
    LedgerAccount,
    Loan,
    Payout,
    Posting,
    RepaymentAllocation,
)
from loans.services import books
from loans.services.books import REST, books_watch
from risk.models import CreditLine
from tests.audit.corruptions import TABLES
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.life import active_loan, close_through
from tests.support.corruption import unguarded
from weilidai.lib.models import AuditEvent, BusinessDay, JobRun, StateChange


@pytest.fixture
def lived(alice: Borrower) -> Borrower:
    active_loan(alice, days=30)
    return alice


def test_a_pass_over_good_books_finds_nothing(lived: Borrower):
    result = books_watch(at=NOW, day=TODAY)
    assert result is not None
    assert result["faults"] == 0
    assert JobRun.objects.get(job="books_watch").state == "done"


def test_a_fault_is_one_row_until_it_is_mended(lived: Borrower):
    CreditLine.objects.update(used_amount=Decimal("1000.01"))
    books_watch(at=NOW, day=TODAY)
    books_watch(at=NOW + REST, day=TODAY)
    fault = BookFault.objects.get()
    assert (fault.check_name, fault.first_seen_at, fault.last_seen_at) == ("lines_match_loans", NOW, NOW + REST)
    CreditLine.objects.update(used_amount=Decimal("1000.00"))
    books_watch(at=NOW + 2 * REST, day=TODAY)
    assert BookFault.objects.get().resolved_at == NOW + 2 * REST
    CreditLine.objects.update(used_amount=Decimal("1000.01"))
    books_watch(at=NOW + 3 * REST, day=TODAY)
    assert BookFault.objects.count() == 2


def test_one_pass_at_a_time_with_a_rest_between(lived: Borrower):
    assert books_watch(at=NOW, day=TODAY) is not None
    assert books_watch(at=NOW + REST - timedelta(seconds=1), day=TODAY) is None
    assert books_watch(at=NOW + REST, day=TODAY) is not None
    JobRun.objects.filter(job="books_watch").update(state="running", heartbeat_at=NOW + REST)
    assert books_watch(at=NOW + 3 * REST, day=TODAY) is None
    assert books_watch(at=NOW + REST + timedelta(minutes=30), day=TODAY) is not None


def pass_at(number: int) -> dict[str, int]:
    """The rows each kind was looked at for in a pass."""
    result = books_watch(at=NOW + number * REST, day=TODAY)
    assert result is not None
    found: dict[str, int] = result["looked_at"]
    return found


@pytest.mark.postgres
def test_what_was_written_is_looked_at_by_the_next_pass_and_until_it_is_mended(
    lived: Borrower, monkeypatch: pytest.MonkeyPatch
):
    pass_at(0)
    monkeypatch.setattr(touched, "SLICE", 0)
    loan = Loan.objects.select_related("disclosure").get()
    CostDisclosure.objects.filter(loan=loan).update(form_version="bent")
    assert pass_at(1)["loans.loan"] == 1
    assert set(BookFault.objects.values_list("check_name", "subject")) == {
        ("loans_agree_with_their_rows", str(loan.pk))
    }
    # Nothing written since: it is looked at because it is at fault.
    monkeypatch.setattr(touched, "_written", lambda _table, _last, now: ([], {"mark": now}))
    assert pass_at(2)["loans.loan"] == 1
    assert BookFault.objects.get().resolved_at is None
    CostDisclosure.objects.filter(loan=loan).update(form_version=loan.disclosure.form_version)
    pass_at(3)
    assert BookFault.objects.get().resolved_at == NOW + 3 * REST
    assert pass_at(4)["loans.loan"] == 0


@pytest.mark.postgres
def test_the_others_are_looked_at_in_turn(lived: Borrower, monkeypatch: pytest.MonkeyPatch):
    active_loan(lived, days=30)
    first, second = Loan.objects.order_by("pk")
    monkeypatch.setattr(touched, "SLICE", 1)
    monkeypatch.setattr(touched, "_written", lambda _table, _last, now: ([], {"mark": now}))
    Instalment.objects.filter(loan=second).update(due_date=TODAY)
    assert (pass_at(0)["loans.loan"], BookFault.objects.count()) == (1, 0)
    pass_at(1)
    assert BookFault.objects.get(check_name="loans_agree_with_their_rows").subject == str(second.pk)
    Instalment.objects.filter(loan=first).update(due_date=TODAY)
    # The last slice was a full one: an empty one follows, and then it begins anew.
    pass_at(2)
    pass_at(3)
    assert str(first.pk) in BookFault.objects.values_list("subject", flat=True)


@pytest.mark.postgres
def test_what_cannot_be_told_by_its_number_is_left_to_the_slices(lived: Borrower):
    now = touched.mark_now()
    key = str(Loan.objects.get().pk)
    assert touched._written("loans_loan", {"mark": now}, now + 1) == ([key], {"mark": now + 1})
    assert touched._written("loans_loan", {"mark": now - touched.AGE_MAX + 1}, now)[0] == [key]
    assert touched._written("loans_loan", {"mark": now - touched.AGE_MAX}, now) == ([], {"mark": now})
    assert touched._written("loans_loan", {"mark": now + 1}, now) == ([], {"mark": now})
    assert touched._written("loans_loan", {}, now) == ([], {"mark": now})


@pytest.mark.postgres
def test_of_too_many_written_the_next_passes_look_at_the_others(lived: Borrower, monkeypatch: pytest.MonkeyPatch):
    active_loan(lived, days=30)
    first, second = (str(loan.pk) for loan in Loan.objects.order_by("pk"))
    monkeypatch.setattr(touched, "WRITTEN_MAX", 1)
    now = touched.mark_now()
    keys, left = touched._written("loans_loan", {"mark": now}, now + 1)
    assert (keys, left) == ([first], {"mark": now, "begun": now + 1, "after": first})
    # The last of them is looked at; what was written since the first look comes next, from then on.
    assert touched._written("loans_loan", left, now + 7) == ([second], {"mark": now + 1})


@pytest.mark.postgres
@pytest.mark.parametrize(
    "model", [CreditLine, Loan, Payout, StateChange, AuditEvent, Posting], ids=lambda m: m.__name__
)
def test_a_loan_is_looked_at_when_a_row_that_speaks_of_it_is_written(
    lived: Borrower, monkeypatch: pytest.MonkeyPatch, model: type[Any]
):
    loan = Loan.objects.get()
    monkeypatch.setattr(touched, "SLICE", 0)
    rows = QuerySet(model).order_by("pk")
    if model in (StateChange, AuditEvent):
        rows = rows.filter(subject_id=str(loan.pk))
    written = {model._meta.db_table: [str(row.pk) for row in rows]}
    for table in touched.TABLES:
        written.setdefault(table, [])
    assert touched._spoken_of(Loan, written) == {str(loan.pk)}


def test_what_is_told_by_its_check_is_told_while_the_pass_goes_on(lived: Borrower, monkeypatch: pytest.MonkeyPatch):
    def breaks() -> Iterator[Fault]:
        assert BookFault.objects.filter(check_name="lines_match_loans").exists()
        raise DatabaseError("the database went away")
        yield

    CreditLine.objects.update(used_amount=Decimal("1000.01"))
    monkeypatch.setattr(books, "CHECKS", (lines_match_loans, breaks))
    with pytest.raises(DatabaseError, match="went away"):
        books_watch(at=NOW, day=TODAY)


def test_what_looks_at_whole_tables_takes_turns_where_that_takes_long(monkeypatch: pytest.MonkeyPatch):
    one, two, three = ("days_in_order", "chart_as_declared", "customers_agree")
    monkeypatch.setattr(books, "CHECKS", (days_in_order, loans_match_events, chart_as_declared, customers_agree))
    assert books.whole_in_turn("", {}) == ({one, two, three}, "")
    assert books.whole_in_turn("", dict.fromkeys((one, two), 4.0)) == ({one, two, three}, "")
    assert books.whole_in_turn("", {one: 4.0, two: 4.0, three: 0.5}) == ({one, two}, three)
    assert books.whole_in_turn(three, {one: 4.0, two: 4.0, three: 0.5}) == ({one, three}, two)
    # What is quick is looked at each time, and one of the slow, however long it takes.
    assert books.whole_in_turn("", {one: 4.0, two: 4.0, three: 0.49}) == ({one, two, three}, "")
    assert books.whole_in_turn(two, {one: 99.0, two: 99.0, three: 0.49}) == ({two, three}, one)


def test_a_fault_seen_in_turn_stays_while_the_turn_is_anothers(lived: Borrower, monkeypatch: pytest.MonkeyPatch):
    LedgerAccount.objects.filter(pk="1002").update(name_en="Till")
    books_watch(at=NOW, day=TODAY)
    assert BookFault.objects.get().check_name == "chart_as_declared"
    monkeypatch.setattr(books, "whole_in_turn", lambda _first, _took: ({"days_in_order"}, ""))
    result = books_watch(at=NOW + REST, day=TODAY)
    assert result is not None
    assert (result["faults"], BookFault.objects.get().resolved_at) == (1, None)


@pytest.mark.parametrize("table", ["lib_auditevent", "lib_statechange", "loans_loanevent", "risk_loantape"])
def test_a_row_that_is_gone_is_missed_until_it_is_back(lived: Borrower, table: str):
    close_through(TODAY)
    books_watch(at=NOW, day=TODAY)
    rows = QuerySet(next(model for model in apps.get_models() if model._meta.db_table == table))
    with unguarded():
        lost = rows.order_by("pk")[0]
        rows.filter(pk=lost.pk)._raw_delete("default")
        books_watch(at=NOW + REST, day=TODAY)
        fault = BookFault.objects.get(check_name="rows_kept", resolved_at=None)
        assert fault.subject.startswith(table)
        rows.bulk_create([lost])
    books_watch(at=NOW + 2 * REST, day=TODAY)
    assert not BookFault.objects.filter(check_name="rows_kept", resolved_at=None).exists()


def test_counts_are_kept_from_day_to_day_and_never_fall(lived: Borrower):
    assert kept.counts_raised({"a": {"1": 3, "2": 1}}, {"a": {"1": 2, "3": 4}, "b": {"1": 1}}) == {
        "a": {"1": 3, "2": 1, "3": 4},
        "b": {"1": 1},
    }
    books_watch(at=NOW, day=TODAY)
    with unguarded():
        QuerySet(StateChange).filter(pk=StateChange.objects.order_by("pk")[0].pk)._raw_delete("default")
        for number in (1, 2):
            books_watch(at=NOW + timedelta(days=number), day=TODAY + timedelta(days=number))
    assert BookFault.objects.get(check_name="rows_kept").resolved_at is None
    assert JobRun.objects.filter(job=kept.COUNTS_JOB).count() == 1


def test_every_table_of_money_is_counted_or_is_written_anew_now_and_then():
    counted = {*kept.PAGED, *kept.BY_COLUMN, *kept.WHOLE}
    assert set(TABLES) - counted == {RepaymentAllocation, LedgerAccount, JournalChain, BusinessDay}


def test_whatever_a_check_can_be_narrowed_to_is_looked_at():
    assert set(touched.SPEAKING) == set(BY_ROW.values())
