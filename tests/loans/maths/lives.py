"""Random lives of loans, lived by the product's arithmetic and by the second calculator, and compared to the fen."""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from loans.maths.cost import schedule_apr, schedule_irr
from loans.maths.errors import InstalmentPeriodsRefused
from loans.maths.state import position_of, prepayment_quote, replay
from loans.maths.terms import EventKind, LoanEvent, LoanTerms, Plan
from tests.loans.maths import calculator as second

# Days on which calendars go wrong.
STARTS = (date(2027, 1, 31), date(2028, 1, 31), date(2028, 2, 29), date(2027, 2, 28), date(2027, 12, 31),
          date(2027, 8, 30), date(2028, 1, 30), date(2027, 11, 30), date(2027, 1, 29), date(2026, 9, 15))  # fmt: skip
HALF_STEP = Decimal("0.0000005")
ACTS = ("pay", "pay", "pay", "pay", "ahead", "settle", "late", "late", "reverse", "write_off")


def yuan(fen: int) -> Decimal:
    return Decimal(fen) / 100


def pair(chance: random.Random) -> tuple[LoanTerms, second.Terms]:
    """The same random terms for both calculators."""
    start = chance.choice(STARTS) if chance.random() < 0.6 else date(2026, 1, 1) + timedelta(chance.randrange(1500))
    periods = chance.choice([0, 3, 6, 12])
    fen = chance.randint(100_000, 2_000_000) if periods else chance.randint(1, 2_000_000)
    rate = chance.choice(["0.000150", "0.000300", "0.000333", "0.000499", "0.000500", "0.000900"])
    fee = chance.choice(["0.025", "0.005", "0.0033"]) if periods else "0"
    less = chance.choice(["0.005", "0.001", "0.03"])
    share, cap = chance.choice(["0.5", "0.3", "0.2"]), chance.choice(["0.24", "0.2400", "0.36", None])
    uplift, on_loan, in_cap = chance.random() < 0.5, chance.random() < 0.3, chance.random() < 0.3
    with_interest, days = chance.random() < 0.5, chance.randint(1, 365)
    first = LoanTerms(
        plan=Plan.INSTALMENTS if periods else Plan.SINGLE,
        principal=yuan(fen),
        start=start,
        daily_rate=Decimal(rate),
        days=0 if periods else days,
        periods=periods,
        fee_rate=Decimal(fee),
        fee_base="loan_principal" if on_loan else "period_principal",
        with_interest=with_interest or not periods,
        prepaid_fee_reduction=Decimal(less) if periods else Decimal(0),
        settlement_fee_rate=Decimal("0.01"),
        penalty_method="rate_uplift" if uplift else "principal_share",
        penalty_share=Decimal(share),
        cost_cap_rate=Decimal(cap) if cap else None,
        early_fees_in_cap=in_cap,
    )
    other = second.Terms(
        principal=fen,
        start=start,
        rate=Fraction(rate),
        days=days,
        periods=periods,
        fee=Fraction(fee),
        reduction=Fraction(less),
        on_loan=on_loan,
        with_interest=with_interest,
        settlement=Fraction("0.01"),
        uplift=uplift,
        share=Fraction(share),
        cap=Fraction(cap) if cap else None,
        early_in_cap=in_cap,
    )
    return first, other


def schedules_agree(first: LoanTerms, other: second.Terms) -> int:
    """Every date and amount of the schedule, `apr`, and that `irr` is the root to six places; how many figures."""
    rows = second.schedule(other)
    interest = second.disclosed_interest(other, rows)
    assert [(row.start_date, row.due_date, row.principal, row.fee, row.interest) for row in first.schedule] == [
        (row.starts, row.due, yuan(row.principal), yuan(row.full_fee), yuan(amount))
        for row, amount in zip(rows, interest, strict=True)
    ], first
    rate = second.apr(other, rows)
    assert schedule_apr(first.start, first.schedule) * 1_000_000 == rate * 1_000_000, first
    found = schedule_irr(first.start, first.schedule)
    assert second.worth(other, rows, found - HALF_STEP) >= 0 >= second.worth(other, rows, found + HALF_STEP), first
    return 5 * len(rows) + 2


@dataclass
class Twin:
    """One loan lived twice; `kept` is what counts, in the order in which it became known."""

    first: LoanTerms
    other: second.Terms
    kept: list[LoanEvent] = field(default_factory=list)
    compared: int = 0

    def life(self) -> second.Life:
        """The second calculator's loan, from its first day, through everything that counts."""
        life = second.Life(self.other)
        self.log = {}
        for event in sorted(self.kept, key=lambda event: event.effective_date):
            on, fen = event.effective_date, int(event.amount * 100)
            match event.kind:
                case EventKind.WRITE_OFF:
                    life.write_off(on)
                case EventKind.SETTLEMENT:
                    self.log[event.key] = life.settle(on, fen)
                case _:
                    self.log[event.key] = life.pay(on, fen)
        return life

    def add(self, on: date, kind: EventKind, fen: int = 0) -> None:
        key = str(len(self.kept) + self.compared)
        self.kept.append(LoanEvent(on, kind, yuan(fen), key=key, may_fall_short=True))

    def last(self) -> date:
        return max((event.effective_date for event in self.kept), default=self.first.start)

    def compare(self, on: date) -> None:
        """Every figure of the loan on a day that does not lie before its last event."""
        life, history = self.life(), replay(self.first, self.kept, on)
        book, why = history.book(on), (self.first, self.kept, on)
        now = position_of(book)
        charged = life.penalties(on)
        for row, line, penalty in zip(life.rows, now.instalments, charged, strict=True):
            told = (line.penalty_claim, line.penalty_charged, line.penalty_paid, line.fee_charged, line.fee_paid,
                    line.interest_accrued, line.interest_paid, line.principal_paid)  # fmt: skip
            found = (life.claim(row, on), penalty, row.paid["penalty"], life.fee(row, on), row.paid["fee"],
                     life.interest(row, on), row.paid["interest"], row.paid["principal"])  # fmt: skip
            assert told == tuple(map(yuan, found)), why
        whole = (now.exposure, now.unapplied_amount, now.settlement_fee, book.settlement_quote().total)
        assert whole == tuple(map(yuan, (life.exposure(on), life.unapplied, life.early_fee, life.settlement(on)))), why
        assert now.oldest_unpaid_due_date == life.late_since(on), why
        for item in history.applied:
            lines = [(line.number, str(line.component), int(line.amount * 100)) for line in item.allocations]
            assert lines == self.log.get(item.event.key, []), why
        self.compared += 8 * len(life.rows) + 5

    def act(self, name: str, on: date, chance: random.Random) -> None:
        life = self.life()
        match name:
            case "settle":
                self.add(on, EventKind.SETTLEMENT, life.settlement(on))
            case "ahead":
                self.pay_ahead(life, on, chance.choice([1, 1, 2, 3]))
            case "late":
                self.pay(self.first.start + timedelta(chance.randint(0, (on - self.first.start).days)), chance)
            case "reverse" if self.kept:
                self.kept.remove(chance.choice(self.kept))
            case "write_off" if not life.settled:
                self.add(on, EventKind.WRITE_OFF)
            case _:
                self.pay(on, chance)

    def pay(self, on: date, chance: random.Random) -> None:
        """Some of what is owed on the day, all of it, or of an earlier day's view perhaps more."""
        then = Twin(self.first, self.other, [event for event in self.kept if event.effective_date <= on])
        debt = then.life().debt(on)
        if debt:
            fen = debt if chance.random() < 0.1 else chance.randint(1, max(1, debt // chance.choice([1, 2, 4, 8])))
            self.add(on, EventKind.REPAYMENT, fen)

    def pay_ahead(self, life: second.Life, on: date, periods: int) -> None:
        fen = None if life.settled or life.written_off else life.ahead(on, periods)
        try:
            total = prepayment_quote(self.first, self.kept, on, periods).total
        except InstalmentPeriodsRefused:
            assert fen is None or life.settled or life.written_off
            return
        if fen is not None:
            assert total == yuan(fen), (self.first, self.kept, on, periods)
            self.add(on, EventKind.REPAYMENT, fen)


def live_once(chance: random.Random) -> int:
    """Random acts on random days, some of them on days gone by; how many figures were found equal."""
    twin = Twin(*pair(chance))
    first = twin.first
    figures = schedules_agree(first, twin.other)
    end = (first.last_due_date - first.start).days + 200
    for number in sorted(chance.sample(range(end), min(6, end))):
        on = first.start + timedelta(days=number)
        twin.compare(on)
        twin.act(chance.choice(ACTS), on, chance)
        twin.compare(on)
    for later in (first.last_due_date, first.last_due_date + timedelta(days=1), first.start + timedelta(days=end + 99)):
        if later >= twin.last():
            twin.compare(later)
    return figures + twin.compared
