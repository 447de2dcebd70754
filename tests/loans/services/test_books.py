"""The continuous checker: what is broken becomes a row within a pass, what is mended is resolved by the next."""

from datetime import timedelta
from decimal import Decimal

import pytest

from loans.books import touched
from loans.models import BookFault, CostDisclosure, Instalment, Loan
from loans.services.books import REST, books_watch
from risk.models import CreditLine
from tests.loans.builders import NOW, TODAY, Borrower
from tests.loans.life import active_loan
from weilidai.lib.models import JobRun


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
    monkeypatch.setattr(touched, "_written", lambda _model, _mark: set())
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
    monkeypatch.setattr(touched, "_written", lambda _model, _mark: set())
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
def test_what_cannot_be_told_by_its_number_is_left_to_the_slices(lived: Borrower, monkeypatch: pytest.MonkeyPatch):
    mark = touched.mark_now()
    assert touched._written(Loan, mark) == {str(Loan.objects.get().pk)}
    assert touched._written(Loan, None) == set()
    monkeypatch.setattr(touched, "WRITTEN_MAX", 0)
    assert touched._written(Loan, mark) == set()
