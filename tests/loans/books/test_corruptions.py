"""Whatever is changed by hand in a table of money is found (I7): one row of every column here, any number of rows by
`python -m tests.audit corruptions`.
"""

import pytest

from tests.audit.book import rich_book
from tests.audit.corruptions import UNSEEN, columns_of_money, corruptions, missed
from tests.loans.life import faults
from tests.support.corruption import unguarded


def test_what_goes_unseen_is_named_with_its_reason_and_exists():
    assert set(UNSEEN) <= set(columns_of_money())
    assert all(len(reason) > 20 for reason in UNSEEN.values())


@pytest.mark.django_db
@pytest.mark.req("R59")
def test_every_column_of_money_changed_by_hand_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loans.services.figures.TALLY_FROM", 3)
    rich_book()
    assert faults() == []
    with unguarded():
        assert missed(corruptions(rows=1)) == []
