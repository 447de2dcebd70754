"""`import_feeds`: the sample's own figures, the file of rejected rows, clear refusals."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from risk.models import FeedDelivery
from tests.risk.builders import AS_OF, AT
from tests.risk.feeds.builders import SAMPLE, activity, customer
from weilidai.lib.business_date import business_date_set

pytestmark = pytest.mark.django_db
EXPECTED = json.loads((SAMPLE / "expected.json").read_text())["feeds"]
OUTCOMES = ("good", "bad", "repeated")


@pytest.fixture(autouse=True)
def _house(settings: LazySettings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "var"
    business_date_set(AS_OF, at=AT)


def run(*args: Any) -> str:
    out = StringIO()
    call_command("import_feeds", *map(str, args), stdout=out)
    return out.getvalue()


def test_the_sample_comes_in_as_its_sender_counted_and_a_second_time_changes_nothing() -> None:
    first = json.loads(run(SAMPLE, "--json"))["feeds"]
    assert first == {kind: {name: row[name] for name in OUTCOMES} for kind, row in EXPECTED.items()}
    second = json.loads(run(SAMPLE, "--json"))["feeds"]
    assert second == {
        kind: {"good": 0, "bad": row["bad"], "repeated": row["good"] + row["repeated"]}
        for kind, row in EXPECTED.items()
    }


def test_rejected_rows_are_written_to_the_file_that_is_named() -> None:
    report = json.loads(run(SAMPLE, "--json"))
    rows = [json.loads(text) for text in Path(report["rejected"]).read_text(encoding="utf-8").splitlines()]
    assert len(rows) == sum(row["bad"] for row in EXPECTED.values())
    found = {(row["kind"], row["field"], row["code"]) for row in rows}
    assert found >= {
        ("payments", "amount", "negative"),
        ("payments", "amount", "decimals"),
        ("payments", "at", "after_business_date"),
        ("payments", "openid", "unknown_openid"),
        ("customers", "occupation", "unknown_value"),
        ("logins", "ip", "invalid"),
        ("bureau", "debts", "out_of_range"),
    }
    assert all(row["line"] > 0 and row["reason"] for row in rows)


def test_the_table_names_every_kind_and_the_file(tmp_path: Path) -> None:
    (tmp_path / "activity.ndjson").write_bytes(activity("1") + b"{\n")
    (tmp_path / "customers.ndjson").write_bytes(customer("1"))
    lines = run(tmp_path).splitlines()
    assert [text.split() for text in lines[:3]] == [
        ["kind", "good", "bad", "repeated"],
        ["customers", "1", "0", "0"],
        ["activity", "1", "1", "0"],
    ]
    assert lines[3].startswith("rejected rows: ")


def test_one_kind_only() -> None:
    assert list(json.loads(run(SAMPLE, "--kind", "customers", "--json"))["feeds"]) == ["customers"]
    assert FeedDelivery.objects.get().kind == "customers"


def test_without_bad_rows_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "customers.ndjson").write_bytes(customer("1"))
    assert json.loads(run(tmp_path, "--json"))["rejected"] is None


def test_what_cannot_be_imported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not a directory"):
        run(tmp_path / "absent")
    with pytest.raises(CommandError, match="holds no feed file"):
        run(tmp_path)
    with pytest.raises(CommandError, match="invalid choice: 'weather'"):
        run(SAMPLE, "--kind", "weather")
