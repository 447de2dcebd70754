"""How rows are called where staff see them."""

from datetime import UTC, datetime

from loans.models import CostDisclosure


def test_a_form_is_called_by_the_time_in_shanghai() -> None:
    form = CostDisclosure(form_version="2026-08", shown_at=datetime(2026, 9, 15, 20, 30, tzinfo=UTC))
    assert str(form) == "2026-08 2026-09-16 04:30"
