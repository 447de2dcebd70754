"""The benchmark command runs each case beside its baseline and leaves nothing behind."""

import json

import pytest
import zen
from django.core.management import call_command

from loans.models import JournalEntry, Posting
from loans.services.journal import ledger_accounts_load
from risk.models import CreditLine
from risk.rules.screening import program_of
from risk.services.presets import PRESETS
from tests.loans.builders import borrower, policy
from tests.support.corruption import unguarded
from weilidai.bench import measure, posting
from weilidai.bench.draw import _lines_check
from weilidai.bench.layers import agree, customers, graph, layers


@pytest.mark.django_db
def test_each_case_is_measured_beside_its_baseline_and_leaves_no_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(measure, "SECONDS", 0.02)
    rows = {}
    for name in ("replay", "decision"):
        call_command("bench", name, "--json")
        rows |= {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {"replay", "decision"}
    assert rows["replay"]["per_second"] > 0 < rows["replay"]["baseline_per_second"]
    assert JournalEntry.objects.count() == 0


@pytest.mark.django_db
def test_the_journal_and_its_baseline_write_the_same_rows() -> None:
    ledger_accounts_load()
    posting.post()
    posting.post_plainly()
    posting.entries_check()
    first, second = JournalEntry.objects.order_by("posted_at")
    rows = [
        list(row.postings.order_by("amount").values_list("ledger_account", "side", "amount")) for row in (first, second)
    ]
    assert rows[0] == rows[1]
    assert [str(amount) for _, _, amount in rows[0]] == ["3.00", "12.34", "84.66", "100.00"]
    with unguarded():
        Posting.objects.filter(entry=first, side="debit").delete()
    with pytest.raises(AssertionError, match="2 entries of 4 postings, 7 postings"):
        posting.entries_check()


@pytest.mark.req("R33")
def test_the_layers_and_the_rules_engine_beside_them_give_every_customer_the_same_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measure, "SECONDS", 0.02)
    [row] = layers((300,))
    assert row.size == 300
    assert row.per_second > 0 < row.baseline_per_second
    assert row.figures["conditions"] == 27
    given = {name.removeprefix("of which "): n for name, n in row.figures.items() if name.startswith("of which")}
    assert sum(given.values()) == 300
    assert set(given) >= {"pass", "alert", "refer", "freeze", "block"}


@pytest.mark.req("R33")
def test_a_difference_between_the_two_stops_the_case() -> None:
    definition = json.loads((PRESETS / "screening.json").read_text())["definition"]
    wrong = json.loads(json.dumps(definition))
    wrong["layers"][10]["verdicts"]["forbidden_purpose"] = "alert"
    decision = zen.ZenEngine().create_decision(json.dumps(graph(wrong)))
    people = [person for person in customers(300) if person["purpose"]["purpose"] == "gambling"]
    with pytest.raises(AssertionError, match="by zen-engine"):
        agree(program_of(definition), decision, people)


@pytest.mark.django_db
@pytest.mark.req("R14")
def test_a_line_that_holds_other_than_what_is_lent_stops_the_case() -> None:
    policy()
    alice = borrower()
    alice.draw("1000.00")
    _lines_check()
    CreditLine.objects.update(used_amount="999.00")
    with pytest.raises(AssertionError, match=r"used 999.00 of 8000.00, lent 1000.00"):
        _lines_check()
