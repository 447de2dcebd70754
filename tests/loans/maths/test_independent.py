"""Random loans against a second calculator written from the specification: equal to the fen.

`python -m tests.audit lives` runs any number of them.
"""

import random

import pytest

from tests.loans.maths.lives import live_once, pair, schedules_agree


@pytest.mark.req("R41", "R54")
def test_schedules_and_their_price_agree():
    chance = random.Random(1)
    assert sum(schedules_agree(*pair(chance)) for _ in range(400)) > 8000


@pytest.mark.req("R26", "R42", "R43", "R54")
@pytest.mark.parametrize("seed", range(10))
def test_lives_agree_on_every_figure_of_every_day(seed: int):
    """Paid, paid ahead, settled, entered late, reversed, written off: on every day looked at, every figure."""
    chance = random.Random(1000 + seed)
    assert sum(live_once(chance) for _ in range(20)) > 10_000
