"""The figures of collections and relief: each within its bounds, none missing, none unknown (R60)."""

import json
from typing import Any

import pytest

from loans.maths.collection import DefinitionInvalid, strategies_read
from loans.maths.collection_figures import BOUNDS, FigureInvalid, figures_read
from loans.models import Outcome
from loans.selectors.collection_policy import PRESET

pytestmark = pytest.mark.req("R60")
SHIPPED: dict[str, Any] = json.loads(PRESET.read_text(encoding="utf-8"))["definition"]


def but(**values: Any) -> dict[str, Any]:
    return {**SHIPPED["figures"], **values}


def test_the_shipped_figures_are_read():
    figures = figures_read(SHIPPED["figures"])
    assert (figures.promise_days, figures.next_action_days, figures.wish_days) == (31, 90, 7)
    assert (figures.relief_periods, figures.relief_grace_months) == (60, 12)
    assert (figures.relief_begin_days, figures.relief_undo_days) == (31, 14)
    assert (figures.approval_days, figures.broken_raises, figures.message_late_days) == (7, 2, 7)


def test_every_outcome_but_a_promise_has_its_days():
    figures = figures_read(SHIPPED["figures"])
    days = {outcome.value: figures.after(outcome) for outcome in Outcome if outcome != Outcome.PROMISED}
    assert days == {"no_answer": 1, "wrong_number": 1, "paid": 1, "refused": 3, "disputed": 7}


@pytest.mark.parametrize("name", list(BOUNDS))
def test_each_figure_has_two_edges(name: str):
    low, high = BOUNDS[name]
    for value in (low, high):
        assert getattr(figures_read(but(**{name: value})), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(FigureInvalid, match=name):
            figures_read(but(**{name: value}))


@pytest.mark.parametrize("content", [None, [], {}, but(more=1), but(wish_days="7"), but(wish_days=True)])
def test_what_is_no_set_of_whole_numbers_is_refused_in_the_definition_too(content: Any):
    with pytest.raises(FigureInvalid):
        figures_read(content)
    with pytest.raises(DefinitionInvalid, match=r"\w"):
        strategies_read({**SHIPPED, "figures": content})
