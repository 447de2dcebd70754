import pytest
from django.utils import translation

from accounts.notices import NOTICES, notice_text


@pytest.mark.parametrize(
    "kind",
    ["application_approved", "application_rejected", "application_referred", "contest_upheld", "contest_revised",
     "credit_line_frozen", "credit_line_unfrozen", "credit_line_closed", "loan_disbursed", "loan_failed",
     "repayment_received", "loan_settled", "due_soon", "due_today", "overdue"],
)  # fmt: skip
def test_every_kind_sent_has_a_text(kind: str) -> None:
    title, body = notice_text(kind, {})
    assert title != kind
    assert body


@pytest.mark.parametrize("kind", NOTICES)
def test_a_missing_parameter_leaves_a_dash(kind: str) -> None:
    assert "{" not in notice_text(kind, {})[1]


def test_parameters_stand_in_the_text() -> None:
    with translation.override("en"):
        body = notice_text("overdue", {"amount": "12.30", "due_date": "2026-11-01", "days": 3})[1]
    assert body == "12.30 yuan have been due since 2026-11-01 (3 days)."


def test_a_parameter_is_text_and_no_format() -> None:
    assert "{amount.__class__}" in notice_text("due_today", {"amount": "{amount.__class__}"})[1]


def test_an_unknown_kind_shows_its_name() -> None:
    assert notice_text("no_such_kind", {}) == ("no_such_kind", "")
