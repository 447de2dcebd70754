"""The scorecard workbench on the pages: people uploaded, measured, compared."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from risk.models import LabelledSet, WorkbenchRun
from risk.services.labelled import runs_advance
from tests.backoffice.test_alerts import SENT
from tests.backoffice.test_evidence import staff
from tests.risk.services.test_labelled import content

pytestmark = [pytest.mark.django_db, pytest.mark.req("R15", "R25")]
UPLOAD = "/admin/risk/labelledset/upload-file/"


def upload(role: str, data: bytes, **form: Any) -> Any:
    return staff(role).post(UPLOAD, {"name": "spring", "file": SimpleUploadedFile("a.csv", data), **form})


def run_of(kind: str, people: int = 400) -> WorkbenchRun:
    assert upload("risk_analyst", content(people), confirmed="on").status_code == 302
    row = LabelledSet.objects.first()
    answer = staff("risk_analyst").post(reverse(f"admin:risk_labelledset_{kind}", args=[row.pk]), SENT)
    assert answer.status_code == 302
    runs_advance(at=timezone.now())
    return WorkbenchRun.objects.first()


def page(run: WorkbenchRun, query: str = "", role: str = "risk_analyst") -> Any:
    return staff(role).get(reverse("admin:risk_workbenchrun_change", args=[run.pk]) + query)


def test_an_upload_is_first_a_preview() -> None:
    lines = content(300) + b"1,2\n"
    answer = upload("risk_analyst", lines)
    assert (len(answer.context["found"].clients), len(answer.context["found"].rejected)) == (300, 1)
    assert not LabelledSet.objects.exists()
    assert upload("risk_analyst", lines, confirmed="on").status_code == 302
    row = LabelledSet.objects.get()
    assert (row.row_count, row.rejected_count) == (300, 1)


def test_what_is_no_table_is_told_on_the_page() -> None:
    answer = upload("risk_analyst", b"a,b\n1,2\n", confirmed="on")
    assert answer.status_code == 200
    assert "缺少列：client_id" in answer.content.decode()
    assert not LabelledSet.objects.exists()


def test_measures_charts_bins_fairness_and_psi() -> None:
    run = run_of("measure")
    context = page(run, f"?against={run.pk}").context
    assert [name for name, _value in context["measures"]] == ["AUC", "KS", "Gini"]
    assert len(json.loads(context["roc_chart"])["labels"]) == 51
    assert {row["count"] for row in context["fairness"]}
    assert len(context["variables"]) == len(run.card["variables"])
    assert context["comparison"] is None
    assert context["psi"]["value"] == "0.0000"
    assert page(run, "?against=nothing").context["psi"] is None
    assert staff("auditor").get(reverse("admin:risk_workbenchrun_changelist")).status_code == 200


def test_a_fitted_challenger_is_compared_with_the_champion() -> None:
    run = run_of("fit", 2200)
    comparison = page(run).context["comparison"]
    assert sum(count for _word, count, _rate in comparison["swap"]) == run.card["holdout"]["clients"]
    assert [name for name, _first, _second in comparison["measures"]] == ["AUC", "KS", "Gini"]


def test_a_failed_run_shows_its_reason() -> None:
    answer = page(run_of("fit"))
    assert "at least 2000" in answer.content.decode()


def test_who_may_not() -> None:
    run = run_of("measure")
    assert page(run, role="collector").status_code == 403
    assert upload("auditor", content(300), confirmed="on").status_code == 403
    url = reverse("admin:risk_labelledset_fit", args=[run.labelled_set_id])
    assert staff("auditor").post(url, SENT).status_code == 403
    assert WorkbenchRun.objects.count() == 1
