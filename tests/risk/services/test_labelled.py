import gzip
from datetime import timedelta

import pytest

from risk.models import LabelledSet, WorkbenchRun
from risk.services.labelled import (
    ATTEMPTS_MAX,
    LEASE,
    labelled_check,
    labelled_create,
    labelled_load,
    run_request,
    runs_advance,
)
from risk.services.workbench import LABELLED_PATH
from tests.risk.builders import AT, staff_create
from weilidai.lib.errors import FieldInvalid
from weilidai.lib.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.req("R15", "R17")]


def content(people):
    with gzip.open(LABELLED_PATH, "rb") as lines:
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


def test_a_fit_is_compared_with_the_champion_on_the_same_people():
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
