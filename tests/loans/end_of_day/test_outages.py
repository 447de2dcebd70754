"""After any outage the books are what they would be without it (I11)."""

import pytest

from tests.audit.year import differences, lived


@pytest.mark.django_db
@pytest.mark.req("R53")
def test_a_life_with_outages_leaves_the_books_of_one_without():
    acts, calm = lived(25, 4, 3, outages=False)
    again, troubled = lived(25, 4, 3, outages=True)
    assert acts == again > 10
    assert differences(calm, troubled) == []
