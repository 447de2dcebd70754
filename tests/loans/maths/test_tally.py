"""A tally taken out as JSON and put back tells the same on every later day, and can be carried on."""

import json
import random
from datetime import timedelta
from decimal import Decimal

import pytest

from loans.maths.book import Book
from loans.maths.history import LoanHistory
from loans.maths.state import next_due_of, position_of, replay
from loans.maths.tally import Tally
from loans.maths.terms import EventKind, LoanEvent
from tests.loans.maths.test_history import random_events, random_terms


@pytest.mark.req("R26")
@pytest.mark.req("R41")
@pytest.mark.parametrize("seed", range(20))
def test_a_tally_put_back_is_the_tally(seed: int) -> None:
    chance = random.Random(900 + seed)
    for _ in range(10):
        terms = random_terms(chance)
        events = random_events(chance, terms)
        last = events[-1].effective_date
        history = replay(terms, events, last)
        tally = Tally.restored(terms, json.loads(json.dumps(history.tally.content())))
        assert tally.content() == history.tally.content()
        for days in (0, 1, 40, 400):
            on = last + timedelta(days=days)
            assert position_of(Book(terms, tally, on)) == position_of(history.book(on)), (terms, events, on)
            assert next_due_of(Book(terms, tally, on)) == next_due_of(history.book(on))
            assert Book(terms, tally, on).settlement_quote() == history.book(on).settlement_quote()
        carried = LoanHistory(terms)
        carried.tally = tally
        late = LoanEvent(last + timedelta(days=50), EventKind.REPAYMENT, Decimal("123.45"))
        assert carried.apply(late) == history.apply(late)
        assert carried.tally.content() == history.tally.content()
