"""The shipped points scorecard of card clients, and the two commands a stranger runs."""

import csv
import gzip
import json
from decimal import Decimal

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from sklearn.metrics import roc_auc_score

from risk.rules.workbench.clients import FORBIDDEN
from risk.services.workbench import LABELLED_PATH, card_load, clients_read, clients_score, scorecard_fit

pytestmark = [pytest.mark.req("R15", "R17", "R25")]
PEOPLE = 300


@pytest.fixture(scope="module")
def rows():
    with gzip.open(LABELLED_PATH, "rt") as lines:
        return [row for row, _ in zip(csv.DictReader(lines), range(PEOPLE), strict=False)]


def write(path, rows, columns=None):
    with path.open("w", newline="") as target:
        writer = csv.DictWriter(target, columns or list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(capsys, *args):
    call_command("score_labelled", *args, "--json")
    return json.loads(capsys.readouterr().out)


def test_the_shipped_scorecard_separates_people_held_out_and_uses_no_personal_fact():
    card = card_load()
    assert card["holdout"]["auc"] >= 0.77
    assert card["cross_validation"]["auc_mean"] >= 0.77
    assert card["fitted_on"]["clients"] == 20000
    assert not {name for variable in card["variables"] for name in variable["of"]} & set(FORBIDDEN)


def test_scores_are_sums_of_the_bins_and_the_report_agrees_with_scikit_learn(tmp_path, capsys, rows):
    path = write(tmp_path / "in.csv", rows)
    report = run(capsys, str(path), "--out", str(tmp_path / "out.csv"))
    written = list(csv.DictReader((tmp_path / "out.csv").open()))
    bad = [int(row["default_next_month"]) for row in rows]
    assert report["clients"] == report["labelled"] == len(written) == PEOPLE
    assert report["auc"] == pytest.approx(roc_auc_score(bad, [-float(row["points"]) for row in written]), abs=1e-4)
    card, scores = card_load(), clients_score(card_load(), clients_read(path).clients)
    first = scores[0]
    assert first.points == Decimal(card["base_points"]) + sum(part.points for part in first.parts)
    assert str(first.points) == written[0]["points"]
    assert all(Decimal(0) <= score.capacity <= 20 for score in scores)
    assert {row["dimension"] for row in report["fairness"]} == {"sex", "age"}
    assert sum(row["count"] for row in report["fairness"] if row["dimension"] == "sex") == PEOPLE


def test_order_of_columns_personal_facts_and_the_label_change_no_score(tmp_path, capsys, rows):
    plain, other = tmp_path / "plain.csv", tmp_path / "other.csv"
    run(capsys, str(write(tmp_path / "a.csv", rows)), "--out", str(plain))
    columns = [name for name in reversed(rows[0]) if name not in (*FORBIDDEN, "default_next_month")]
    changed = [row | {"colour": "red"} for row in rows]
    report = run(capsys, str(write(tmp_path / "b.csv", changed, ["colour", *columns])), "--out", str(other))
    assert plain.read_bytes() == other.read_bytes()
    assert (report["auc"], report["fairness"], report["labelled"]) == (None, [], 0)


def test_holes_are_scored_and_malformed_rows_left_out(tmp_path, capsys, rows):
    people = [dict(row) for row in rows[:6]]
    people[0] |= {"status_09": "9", "bill_08": ""}
    people[1] |= {"bill_09": "-900", "limit": ""}
    people[2] |= {"paid_04": "some"}
    report = run(capsys, str(write(tmp_path / "in.csv", people)), "--out", str(tmp_path / "out.csv"))
    assert report["clients"] == 5
    assert report["rejected_rows"] == [{"line": 4, "field": "paid_04", "reason": "'some' is not a number"}]
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 6


def test_a_file_of_headers_only_measures_nothing(tmp_path, capsys, rows):
    report = run(capsys, str(write(tmp_path / "in.csv", rows[:1])))
    assert report["auc"] is None
    (tmp_path / "empty.csv").write_text(",".join(rows[0]) + "\n")
    assert run(capsys, str(tmp_path / "empty.csv"))["clients"] == 0


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
def test_no_clients_file_is_a_plain_error(tmp_path, text):
    (tmp_path / "in.csv").write_text(text)
    with pytest.raises(CommandError, match="columns missing"):
        call_command("score_labelled", str(tmp_path / "in.csv"))
    with pytest.raises(CommandError):
        call_command("score_labelled", str(tmp_path / "none.csv"))


def test_the_table_for_people(tmp_path, capsys, rows):
    broken = [dict(rows[0], limit="x"), *rows[1:]]
    call_command("score_labelled", str(write(tmp_path / "in.csv", broken)))
    shown = capsys.readouterr()
    assert "AUC 0." in shown.out
    assert "sex female" in shown.out
    assert "line 2: limit: 'x' is not a number" in shown.err


def test_a_fit_is_the_same_whatever_the_order_of_the_rows():
    clients = clients_read(LABELLED_PATH).clients[:2500]
    one = scorecard_fit(clients, name="a")
    order = np.random.default_rng(1).permutation(len(clients))
    assert scorecard_fit([clients[i] for i in order], name="a") == one
    assert one["holdout"]["auc"] > 0.7


def test_a_fit_needs_people_with_labels(tmp_path, rows):
    with pytest.raises(CommandError, match="at least 2000"):
        call_command("fit_scorecard", str(write(tmp_path / "in.csv", rows)), "--out", str(tmp_path / "card.json"))
    assert not (tmp_path / "card.json").exists()
