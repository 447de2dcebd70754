"""The benchmark command runs each case beside its baseline and leaves nothing behind."""

import json

import pytest
import zen
from django.core.management import call_command

from loans.models import JournalEntry
from risk.rules.screening import program_of
from risk.services.presets import PRESETS
from weilidai.bench import measure
from weilidai.bench.layers import agree, customers, graph, layers


@pytest.mark.django_db
def test_each_case_is_measured_beside_its_baseline_and_leaves_no_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(measure, "SECONDS", 0.02)
    rows = {}
    for name in ("replay", "journal", "decision"):
        call_command("bench", name, "--json")
        rows |= {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {"replay", "journal", "decision"}
    assert rows["journal"]["per_second"] > 0
    assert rows["journal"]["baseline_per_second"] > 0
    assert JournalEntry.objects.count() == 0


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
