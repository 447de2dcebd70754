"""The benchmark command runs each case beside its baseline and leaves nothing behind."""

import json

import pytest
from django.core.management import call_command

from loans.models import JournalEntry
from weilidai.bench import measure


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
