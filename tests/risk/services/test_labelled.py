import gzip
from dataclasses import replace
from datetime import timedelta

import pytest

from risk.models import LabelledSet, WorkbenchRun
from risk.rules.workbench.reading import ClientFile
from risk.services.labelled import (
    ATTEMPTS_MAX,
    LEASE,
    labelled_check,
    labelled_create,
    labelled_load,
    run_request,
    runs_advance,
)
from risk.services.workbench import (
    LABELLED_PATH,
    card_load,
    champion_blind,
    clients_score,
    file_measure,
    print_of,
    seen_count,
)
from tests.risk.builders import AT, staff_create
from weilidai.lib.errors import FieldInvalid
from weilidai.lib.models import AuditEvent

SHIPPED = LABELLED_PATH
pytestmark = [pytest.mark.django_db, pytest.mark.req("R15", "R17")]


def content(people):
    with gzip.open(SHIPPED, "rb") as lines:
        return b"".join(line for line, _ in zip(lines, range(people + 1), strict=False))


def labelled(people=400, name="some"):
    return labelled_create(name=name, content=content(people), user=staff_create("ana"), at=AT)


def test_a_set_is_kept_once_and_read_back_whole():
    row = labelled()
    assert (row.row_count, row.rejected_count) == (400, 0)
    assert 0 < row.bad_count < 400
    assert labelled_load(row).clients == labelled_check(content(400)).clients
    again = labelled_create(name="other", content=gzip.compress(content(400)), user=None, at=AT)
    assert again == row
    assert LabelledSet.objects.count() == 1
    assert AuditEvent.objects.filter(action="labelled_set.create").count() == 1


@pytest.mark.parametrize("bad", [b"", b"a,b\n1,2\n", b"\x1f\x8bnothing", b"\xff\xfe\x00"])
def test_what_is_no_labelled_set_is_refused(bad):
    with pytest.raises(FieldInvalid):
        labelled_check(bad)


def test_a_set_needs_both_kinds_and_fits_the_size(monkeypatch):
    lines = content(400).splitlines(keepends=True)
    with pytest.raises(FieldInvalid):
        labelled_check(b"".join(line for line in lines if not line.rstrip().endswith(b",1")))
    monkeypatch.setattr("risk.services.labelled.UPLOAD_BYTES_MAX", 1000)
    with pytest.raises(FieldInvalid):
        labelled_check(gzip.compress(content(400)))
    with pytest.raises(FieldInvalid):
        labelled_check(content(400))


def test_a_measurement_is_asked_for_once_and_computed_once():
    row, user = labelled(), staff_create("bea")
    run = run_request(kind="measure", labelled_set=row, user=user, at=AT)
    assert run_request(kind="measure", labelled_set=row, user=user, at=AT) == run
    assert AuditEvent.objects.filter(action="workbench.request").count() == 1
    assert runs_advance(at=AT) == 1
    assert runs_advance(at=AT) == 0
    run.refresh_from_db()
    assert (run.state, run.attempts, run.error) == ("done", 1, "")
    assert run.report["auc"] > 0.7
    assert sum(run.report["band_counts"]) == 400
    assert run.report["roc"][0][0] == 0
    assert run.report["roc"][-1] == [1, 1]
    assert run_request(kind="measure", labelled_set=row, user=user, at=AT) != run


@pytest.fixture
def learned(monkeypatch, tmp_path):
    """What the shipped scorecard learned from, cut down to the first people of the file."""

    def cut(people):
        path = tmp_path / "learned.csv.gz"
        path.write_bytes(gzip.compress(content(people)))
        monkeypatch.setattr("risk.services.workbench.LABELLED_PATH", path)

    return cut


def test_the_champions_twin_never_saw_who_is_held_out(learned):
    learned(1500)
    outside = labelled_check(content(600))
    twin, seen = champion_blind(outside)
    assert (twin["name"], seen) == ("twin", 600)
    # Its bins hold the others only; who cannot be told from somebody held out counts as seen.
    prints = {print_of(client) for client in outside.clients}
    others = [client for client in labelled_check(content(1500)).clients if print_of(client) not in prints]
    assert 800 < len(others) < 900
    assert {sum(entry["count"] for entry in [*v["bins"], v["missing"]]) for v in twin["variables"]} == {len(others)}
    assert seen_count(outside) == 600


def test_a_champion_that_saw_nobody_stays_as_it_is(learned):
    learned(300)
    people = labelled_check(content(600)).clients
    prints = {print_of(client) for client in people[:300]}
    strangers = ClientFile((), [client for client in people if print_of(client) not in prints])
    assert len(strangers.clients) > 250
    assert champion_blind(strangers) == (card_load(), 0)
    assert seen_count(strangers) == 0


def test_one_row_without_a_label_does_not_blank_the_fairness_table():
    found = labelled_check(content(400))
    found.clients[0] = replace(found.clients[0], bad=None)
    report = file_measure(found, clients_score(card_load(), found.clients))
    assert (report["labelled"], report["unlabelled"]) == (399, 1)
    rows = [row for row in report["fairness"] if row["dimension"] == "sex"]
    assert sum(row["count"] for row in rows) == 400
    assert sum(row["labelled"] for row in rows) == 399
    assert all(row["default_rate"] == row["defaults"] / row["labelled"] and row["auc"] for row in rows)


def test_a_fit_is_compared_with_the_champion_on_the_same_people(learned):
    learned(2500)
    run = run_request(kind="fit", labelled_set=labelled(2500), user=staff_create("bea"), at=AT)
    assert runs_advance(at=AT) == 1
    run.refresh_from_db()
    assert run.state == "done"
    swap = run.report["comparison"]["swap"]
    held = run.card["holdout"]["clients"]
    assert 600 < held < 900
    # Measured only on people the measured scorecard never saw.
    assert sum(group["count"] for group in swap.values()) == run.report["clients"] == held
    assert run.report["auc"] == pytest.approx(run.card["holdout"]["auc"], abs=0.005)
    assert run.card["fitted_on"]["clients"] == 2500
    assert run.report["seen"] == {"people": held, "by_champion": held, "by_challenger": 0}
    # Fitted alike on nearly the same people, champion and challenger are nearly one.
    champion, challenger = run.report["comparison"]["champion"], run.report["comparison"]["challenger"]
    assert champion["auc"] == pytest.approx(challenger["auc"], abs=0.01)


def test_a_fit_on_too_few_fails_with_its_reason():
    run = run_request(kind="fit", labelled_set=labelled(), user=staff_create("bea"), at=AT)
    runs_advance(at=AT)
    run.refresh_from_db()
    assert run.state == "failed"
    assert "at least 2000" in run.error


@pytest.mark.parametrize(
    ("age", "attempts", "count", "state"),
    [(LEASE, 1, 0, "running"), (LEASE + timedelta(seconds=1), 1, 1, "done"),
     (LEASE + timedelta(seconds=1), ATTEMPTS_MAX, 1, "failed")],
)  # fmt: skip
def test_a_run_whose_worker_died_is_taken_up_again_but_not_for_ever(age, attempts, count, state):
    run = run_request(kind="measure", labelled_set=labelled(), user=staff_create("bea"), at=AT)
    WorkbenchRun.objects.filter(pk=run.pk).update(state="running", claimed_at=AT - age, attempts=attempts)
    assert runs_advance(at=AT) == count
    run.refresh_from_db()
    assert run.state == state
