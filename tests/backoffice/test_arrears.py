"""R53: the page of a loan's past: what each evening told, the class of each month, who sees it."""

import json
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from django.test import Client

from loans.selectors.loan_history import EVENINGS_MAX, loan_standings
from tests.backoffice.test_pages import staff
from tests.loans.builders import NOW, Borrower
from tests.loans.life import active_loan
from tests.loans.tapes import told
from weilidai.lib.models import BusinessDay

pytestmark = [pytest.mark.django_db, pytest.mark.req("R53")]
DUE = date(2026, 7, 31)
START = date(2026, 7, 1)
UNTIL = date(2026, 11, 15)


def lived(borrower: Borrower, loan: UUID | None = None) -> UUID:
    """Unpaid since the end of July, paid up on 5 November."""
    key = told(borrower, START, loan=loan, owed="900.00", late=0, on=DUE)
    return told(borrower, date(2026, 11, 5), loan=key, owed="0.00", state="settled", start=START)


def closed(*days: date) -> None:
    BusinessDay.objects.all().delete()
    for day in days:
        BusinessDay.objects.create(date=day, state=BusinessDay.State.CLOSED, opened_at=NOW)
    BusinessDay.objects.create(date=days[-1] + timedelta(days=1), state=BusinessDay.State.OPEN, opened_at=NOW)


def page_of(loan: UUID) -> str:
    return f"/admin/loans/loan/{loan}/arrears/"


def test_each_month_has_the_class_of_its_last_evening(alice: Borrower):
    found = loan_standings(lived(alice), UNTIL)
    assert [(line.day.month, line.days, line.bucket, line.risk_class) for line in found.months] == [
        (7, 0, "0", "normal"),
        (8, 31, "31-60", "special_mention"),
        (9, 61, "61-90", "special_mention"),
        (10, 92, "91-180", "substandard"),
        (11, 0, "", ""),
    ]
    assert [line.state for line in found.months][-2:] == ["active", "settled"]


@pytest.mark.parametrize(
    ("until", "class_then"), [(date(2026, 10, 29), "special_mention"), (date(2026, 10, 30), "substandard")]
)
def test_ninety_days_are_not_yet_substandard_ninety_one_are(alice: Borrower, until: date, class_then: str):
    last = loan_standings(lived(alice), until).months[-1]
    assert (last.day, last.risk_class) == (until, class_then)


def test_a_class_is_held_down_until_its_day_and_no_longer(alice: Borrower):
    key = told(alice, START, floor=(91, date(2026, 8, 31)))
    classes = {line.day: line.risk_class for line in loan_standings(key, date(2026, 9, 1)).months}
    assert classes[date(2026, 8, 31)] == "substandard"
    assert classes[date(2026, 9, 1)] == "normal"


@pytest.mark.parametrize(("days", "count"), [(EVENINGS_MAX - 1, EVENINGS_MAX), (EVENINGS_MAX, EVENINGS_MAX // 2 + 1)])
def test_a_long_life_is_drawn_with_fewer_evenings_the_newest_among_them(alice: Borrower, days: int, count: int):
    until = START + timedelta(days=days)
    evenings = loan_standings(told(alice, START, late=0, on=START), until).evenings
    assert len(evenings) == count
    assert evenings[-1] == (until, days)


def test_nothing_is_known_before_the_first_night(alice: Borrower):
    assert loan_standings(lived(alice), START - timedelta(days=1)).months == []
    assert loan_standings(uuid4(), UNTIL).stretches == []


@pytest.mark.parametrize(("language", "word"), [("zh-hans", "次级"), ("en", "Substandard")])
def test_the_page_of_the_loan_leads_to_its_past(alice: Borrower, language: str, word: str):
    loan = active_loan(alice)
    lived(alice, loan.pk)
    closed(date(2026, 10, 31), UNTIL)
    client = staff("auditor")
    client.cookies["django_language"] = language
    change = client.get(f"/admin/loans/loan/{loan.pk}/change/").content.decode()
    assert f'href="{page_of(loan.pk)}"' in change
    answer = client.get(page_of(loan.pk))
    assert answer.context["worst"] == 96
    assert answer.content.decode().count("<canvas") == 2
    assert word in answer.content.decode()
    drawn = json.loads(answer.context["charts"][0]["data"])
    assert (drawn["labels"][-1], drawn["datasets"][0]["data"][-1]) == ("2026-11-15", 0)


def test_before_the_first_night_the_page_says_so(alice: Borrower):
    loan = active_loan(alice)
    answer = staff("auditor").get(page_of(loan.pk))
    assert answer.status_code == 200
    assert answer.context["months"] == []
    assert "<canvas" not in answer.content.decode()


def test_who_may_not_see_loans_sees_no_past(alice: Borrower):
    loan = active_loan(alice)
    assert Client().get(page_of(loan.pk)).status_code == 302
    assert staff("administrator").get(page_of(loan.pk)).status_code == 403
    auditor = staff("auditor")
    assert auditor.get(page_of(uuid4())).status_code == 404
    assert auditor.get("/admin/loans/loan/nonsense/arrears/", follow=True).status_code == 404
