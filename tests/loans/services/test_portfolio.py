"""R53, R54: the figures the night keeps of the portfolio are the tape, added up as it was known that evening."""

import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from loans.books.portfolio import portfolio_matches_tape
from loans.maths.delinquency import band_of, bucket_of, five_classes
from loans.models import Loan, PortfolioFigure, RollFigure, SegmentFigure, VintageFlow
from loans.selectors.portfolio import (
    bucket_lines,
    class_bands,
    class_lines,
    npl_lines,
    npl_trend,
    roll_cells,
    roll_months,
    rolls,
    segment_lines,
    vintage_curves,
    written_off,
)
from loans.selectors.portfolio_tape import loan_spans
from loans.services.correction import repayment_enter_late
from loans.services.history import Act
from loans.services.portfolio import npl_watch, portfolio_write
from risk.models import Alert, LoanTape, RegulationParameter
from risk.selectors.tape import tape_as_of
from tests.loans.builders import NOW, TODAY, Borrower, borrower, policy
from tests.loans.end_of_day.test_columns import act, draw_all, people
from tests.loans.life import active_loan, close_through, day, faults
from tests.loans.tapes import DAY, told
from weilidai.lib.audit import Actor

pytestmark = [pytest.mark.django_db, pytest.mark.req("R53")]
D = Decimal
TABLES: tuple[Any, ...] = (PortfolioFigure, VintageFlow, RollFigure, SegmentFigure)
MONTH_BEFORE = date(2026, 9, 30)


def stored() -> list[tuple[Any, ...]]:
    """Every figure there is, without the keys of its rows."""
    names = [[field.attname for field in model._meta.fields if not field.primary_key] for model in TABLES]
    return [row for model, of in zip(TABLES, names, strict=True) for row in sorted(model.objects.values_list(*of))]


@pytest.mark.req("R54")
@pytest.mark.parametrize(
    ("late", "code"),
    [(0, "normal"), (1, "special_mention"), (90, "special_mention"), (91, "substandard"), (270, "substandard"),
     (271, "doubtful"), (360, "doubtful"), (361, "loss"), (None, "normal")],
)  # fmt: skip
def test_the_database_classes_both_sides_of_each_edge(alice: Borrower, late: int | None, code: str):
    told(alice, DAY, late=late)
    portfolio_write(DAY)
    row = PortfolioFigure.objects.get()
    assert (row.risk_class, row.bucket) == (code, bucket_of(late or 0))
    assert (row.loans_count, row.outstanding_principal_amount) == (1, D("100.00"))


@pytest.mark.req("R54")
def test_the_law_of_the_day_makes_the_classes(alice: Borrower):
    told(alice, date(2026, 10, 1), late=70)
    RegulationParameter.objects.create(name="substandard_days", value=61, valid_from=DAY)
    eve = DAY - timedelta(days=1)
    portfolio_write(eve)
    portfolio_write(DAY)
    assert [(line.code, line.count) for line in class_lines(eve) if line.count] == [("special_mention", 1)]
    assert [(line.code, line.count) for line in class_lines(DAY) if line.count] == [("substandard", 1)]
    assert [line.code for line in bucket_lines(DAY) if line.count] == ["61-90"]
    assert [band.days_min for band in class_bands(eve)] == [0, 1, 91, 271, 361]


@pytest.mark.req("R54")
@pytest.mark.parametrize(
    ("floor", "late", "code"),
    [(91, 0, "substandard"), (1, 0, "special_mention"), (1, 91, "substandard"), (91, 300, "doubtful")],
)
def test_a_rearranged_loan_is_classed_no_better_than_its_floor_while_under_observation(
    alice: Borrower, floor: int, late: int, code: str
):
    told(alice, DAY, late=late, floor=(floor, DAY))
    portfolio_write(DAY)
    row = PortfolioFigure.objects.get()
    assert (row.risk_class, row.bucket) == (code, bucket_of(late))
    portfolio_write(DAY + timedelta(days=1))
    after = PortfolioFigure.objects.get(business_date=DAY + timedelta(days=1))
    assert after.risk_class == band_of(late + 1, five_classes())


@pytest.mark.parametrize(("bad", "alerts"), [("1200.00", 0), ("1200.10", 2), ("0.00", 0)])
def test_an_alert_past_the_limit_and_none_on_it(alice: Borrower, bad: str, alerts: int):
    """1.2 % of 100 000 is the limit; 1.2001 % is past it, for the product and for the whole book."""
    told(alice, DAY, late=91, owed=bad)
    told(alice, DAY, late=90, owed=str(D(100000) - D(bad)))
    portfolio_write(DAY)
    assert npl_watch(as_of=DAY, at=NOW) == alerts
    assert npl_watch(as_of=DAY, at=NOW) == 0
    assert Alert.objects.filter(rule="npl_ratio").count() == alerts
    assert [line.ratio for line in npl_lines(DAY)] == [D(bad) / 100000] * 2


def test_an_alert_is_raised_when_it_goes_past_and_at_month_ends_while_it_stays(alice: Borrower):
    told(alice, date(2026, 10, 1), late=91, on=date(2026, 10, 2))
    days = [date(2026, 10, 1) + timedelta(days=number) for number in range(31)]
    raised = []
    for on in days:
        portfolio_write(on)
        raised += [on.day] if npl_watch(as_of=on, at=NOW) else []
    assert raised == [2, 31]
    evidence = Alert.objects.get(dedupe_key="npl_ratio:all:2026-10-02").evidence
    assert (evidence["npl_ratio"], evidence["npl_principal"]) == ("1.000000", "100.00")


def test_loans_written_off_settled_or_returned_are_no_part_of_the_ratio(alice: Borrower):
    told(alice, DAY, late=91, owed="50.00")
    told(alice, DAY, late=0, owed="150.00")
    told(alice, DAY, late=400, owed="70.00", state="written_off")
    told(alice, DAY, owed="0.00", state="settled")
    told(alice, DAY, owed="0.00", state="failed")
    portfolio_write(DAY)
    product, whole = npl_lines(DAY)
    assert (product.product, whole.product) == ("weilidai", "")
    assert (whole.total, whole.bad, whole.overdue) == (D("200.00"), D("50.00"), D("50.00"))
    assert written_off(DAY) == (1, D("70.00"))
    assert written_off(DAY, "jiebei") == (0, D("0.00"))


def test_products_stand_apart_and_together(alice: Borrower):
    policy("jiebei")
    bob = borrower("bob", product="jiebei")
    told(alice, DAY, late=91)
    told(bob, DAY, late=0)
    portfolio_write(DAY)
    assert [(line.product, line.ratio) for line in npl_lines(DAY)] == [("jiebei", 0), ("weilidai", 1), ("", D("0.5"))]
    assert [line.product for line in npl_trend(DAY, DAY, "jiebei")] == ["jiebei"]
    assert [line.share for line in class_lines(DAY, "weilidai")] == [0, 0, 1, 0, 0]


def test_a_vintage_counts_each_loan_once_on_the_evening_it_went_past(alice: Borrower):
    first = date(2026, 9, 30)
    loan = told(alice, first, late=0, on=first, start=first)
    told(alice, first, owed="900.00", start=first)
    for number in range(95):
        portfolio_write(first + timedelta(days=number))
    rows = {row.kind: (row.business_date - first).days for row in VintageFlow.objects.all()}
    assert rows == {"paid_out": 0, "past_30": 31, "past_60": 61, "past_90": 91}
    told(alice, first + timedelta(days=95), late=2, on=first + timedelta(days=95), loan=loan, start=first)
    for number in range(95, 130):
        portfolio_write(first + timedelta(days=number))
    assert VintageFlow.objects.filter(kind="past_30").count() == 1
    [curve] = vintage_curves(date(2026, 12, 31), kind="past_30")
    assert curve.paid_out == D("2000.00")
    assert [share for *_, share in curve.points] == [0, D("0.05"), D("0.05"), D("0.05")]
    [now] = vintage_curves(date(2027, 1, 31), kind="past_30", ever=False)
    assert [share for *_, share in now.points] == [0, D("0.05"), D("0.05"), D("0.05"), 0]


def test_a_payout_sent_back_leaves_its_vintage_and_a_write_off_enters_the_curves(alice: Borrower):
    first = date(2026, 10, 1)
    back, gone = told(alice, first), told(alice, first)
    portfolio_write(first)
    told(alice, first + timedelta(days=1), loan=back, state="failed", owed="0.00", start=first)
    told(alice, first + timedelta(days=1), loan=gone, state="written_off", owed="400.00", start=first, late=0)
    portfolio_write(first + timedelta(days=1))
    [curve] = vintage_curves(first + timedelta(days=1), kind="written_off")
    assert (curve.paid_out, curve.points[0][2]) == (D("1000.00"), D("400.00"))
    [past] = vintage_curves(first + timedelta(days=1), kind="past_90")
    assert past.points == curve.points


def test_the_rolls_of_a_month_tell_where_every_loan_went(alice: Borrower):
    def before(**values: Any) -> Any:
        return told(alice, MONTH_BEFORE, on=MONTH_BEFORE, **values)

    before(late=0, owed="10.00")  # 31 days later: 31-60
    before(late=None, owed="20.00")
    before(late=30, owed="30.00")
    paid, cured, lost = before(late=1, owed="40.00"), before(late=60, owed="50.00"), before(late=91, owed="60.00")
    before(state="settled", owed="0.00")
    before(state="written_off", owed="5.00", late=400)
    told(alice, date(2026, 10, 10), loan=paid, state="settled", owed="0.00")
    told(alice, date(2026, 10, 11), loan=cured, late=0, owed="45.00")
    told(alice, date(2026, 10, 12), loan=lost, state="written_off", owed="60.00", late=122)
    told(alice, date(2026, 10, 20), late=1, owed="70.00")
    assert portfolio_write(DAY - timedelta(days=1))["rolls"] == 0
    portfolio_write(DAY)
    found = {(cell.source, cell.target): (cell.count, cell.amount) for cell in roll_cells([DAY])[DAY]}
    assert found == {
        ("0", "31-60"): (1, D("10.00")),
        ("0", "0"): (1, D("20.00")),
        ("1-30", "61-90"): (1, D("30.00")),
        ("1-30", "settled"): (1, D("40.00")),
        ("31-60", "0"): (1, D("50.00")),
        ("91-180", "written_off"): (1, D("60.00")),
        ("written_off", "written_off"): (1, D("5.00")),
        ("new", "1-30"): (1, D("70.00")),
    }
    assert roll_months(DAY) == [DAY]
    assert rolls([DAY], "jiebei") == []


def test_segments_hold_what_was_paid_out_and_at_which_price(alice: Borrower):
    alice.customer.declared_occupation = "blue_collar"
    alice.customer.save()
    told(alice, DAY)
    loan = told(alice, DAY)
    portfolio_write(DAY)
    told(alice, DAY + timedelta(days=1), loan=loan)
    portfolio_write(DAY + timedelta(days=1))
    [line] = segment_lines(DAY, DAY + timedelta(days=1), "occupation")
    assert (line.segment, line.loans, line.principal) == ("blue_collar", 2, D("2000.00"))
    assert (line.loan_rate_mean, line.approval_share) == (D("0.000400"), None)
    assert [row.segment for row in segment_lines(DAY, DAY, "month")] == ["2026-10"]
    assert [row.segment for row in segment_lines(DAY, DAY, "tier")] == ["new"]


def test_nights_run_late_or_twice_write_the_same(alice: Borrower):
    active_loan(alice, days=5)
    close_through(day(16))
    before = stored()
    assert len(before) > 16
    for number in (16, 3, 15):
        portfolio_write(day(number))
    assert stored() == before
    for model in TABLES:
        model.objects.all().delete()
    call_command("backfill_tape")
    assert stored() == before
    assert faults() == []


def test_what_is_entered_late_changes_today_and_no_day_before(alice: Borrower):
    loan = active_loan(alice, days=5)
    RegulationParameter.objects.create(name="substandard_days", value=31, valid_from=TODAY)
    close_through(day(37))
    as_of, today = day(37), day(38)
    asked = (class_lines, bucket_lines, lambda on: vintage_curves(on, kind="past_30"), npl_lines)
    before = [ask(as_of) for ask in asked]
    earlier = stored()
    assert npl_lines(as_of)[-1].ratio == 1
    paid = Act(actor=Actor.system("test"), as_of=today, at=NOW + timedelta(days=38), reason="arrived in time")
    repayment_enter_late(loan_id=loan.pk, amount=D("1002.00"), effective_date=day(5), act=paid)
    close_through(today)
    assert [ask(as_of) for ask in asked] == before
    assert [row for row in stored() if row in earlier] == earlier
    assert npl_lines(today) == []
    assert vintage_curves(today, kind="past_30")[0].points[-1][3] == 1
    assert vintage_curves(today, kind="past_30", ever=False)[0].points[-1][3] == 0
    assert faults() == []


def test_damage_to_a_figure_is_found(alice: Borrower):
    active_loan(alice, days=5)
    close_through(day(20))
    assert list(portfolio_matches_tape()) == []
    PortfolioFigure.objects.filter(business_date=day(19)).update(outstanding_principal_amount=D("999.99"))
    RollFigure.objects.update(loans_count=2)
    SegmentFigure.objects.create(business_date=day(20), product_id="weilidai", loans_count=1)
    found = {fault.subject for fault in portfolio_matches_tape()}
    assert found == {f"portfoliofigure {day(19)}", f"rollfigure {date(2026, 9, 30)}", f"segmentfigure {day(20)}"}


def plain_figures(on: date) -> dict[tuple[str, str], Decimal]:
    """The book by bucket and class of one day, loan by loan."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(D)
    for row in tape_as_of(on).filter(state="active"):
        late = max(0, (on - row.unpaid_due_date).days) if row.unpaid_due_date else 0
        sums[bucket_of(late), row.product_id] += row.outstanding_principal_amount
    return {key: amount for key, amount in sums.items() if amount}


def test_random_lives_add_up_the_same_loan_by_loan():
    dice = random.Random(31)
    loans = draw_all(people())
    for number in range(48):
        close_through(day(number))
        for person, loan in dice.sample(loans, 2):
            act(dice, person, loan, day(number + 1))
    for on in (TODAY, day(15), day(31), day(46)):
        found: dict[tuple[str, str], Decimal] = defaultdict(D)
        for row in PortfolioFigure.objects.filter(business_date=on).exclude(bucket="written_off"):
            found[row.bucket, row.product_id] += row.outstanding_principal_amount
        assert {key: amount for key, amount in found.items() if amount} == plain_figures(on)
    end = date(2026, 10, 31)
    ends = {row.loan_id: row for row in tape_as_of(end)}
    count = sum(cell.count for cell in roll_cells([end])[end])
    assert count == sum(row.state != "failed" and _was_open(row) for row in ends.values())
    assert loan_spans(Loan.objects.earliest("pk").pk, end)
    assert list(portfolio_matches_tape()) == []


def _was_open(row: LoanTape) -> bool:
    """Owes at the end of October, or owed at the end of September, or was told of for the first time between."""
    former = tape_as_of(MONTH_BEFORE).filter(loan_id=row.loan_id).first()
    return row.state == "active" or former is None or former.state == "active"
