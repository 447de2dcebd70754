import base64
import json
from datetime import date
from typing import Any

import pytest
from rest_framework import generics, serializers

from tests.lib.conftest import Person, call
from weilidai.lib.models import JobRun

pytestmark = pytest.mark.django_db


class Row(serializers.ModelSerializer[JobRun]):
    class Meta:
        model = JobRun
        fields = ("id", "job")


class Rows(generics.ListAPIView[JobRun]):
    queryset = JobRun.objects.all()
    serializer_class = Row


@pytest.fixture
def ids() -> list[str]:
    """Newest first."""
    day = date(2026, 11, 20)
    made = [JobRun.objects.create(job=f"job {n}", business_date=day) for n in range(130)]
    return sorted((str(row.pk) for row in made), reverse=True)


def get(query: str) -> tuple[int, Any]:
    answer = call(Rows, "get", path=f"/rows?{query}", user=Person())
    return answer.status_code, json.loads(answer.content)


def test_pages_follow_each_other_without_gap_or_repeat(ids: list[str]) -> None:
    seen: list[str] = []
    body = get("page_size=50")[1]
    for _ in range(3):
        seen += [row["id"] for row in body["results"]]
        body = get((body["next"] or "?").split("?")[1])[1]
    assert seen == ids


def test_a_row_written_meanwhile_moves_no_page(ids: list[str]) -> None:
    following = get("")[1]["next"].split("?")[1]
    JobRun.objects.create(job="late", business_date=date(2026, 11, 20))
    second = get(following)[1]
    assert [row["id"] for row in second["results"]] == ids[20:40]
    assert [row["id"] for row in get(second["previous"].split("?")[1])[1]["results"]] == ids[:20]


@pytest.mark.dealt
@pytest.mark.parametrize(
    ("query", "count"),
    [("", 20), ("page_size=1", 1), ("page_size=100", 100), ("page_size=101", 100), ("page_size=0", 20),
     ("page_size=-1", 20), ("page_size=x", 20), ("page_size=", 20), ("page_size=%00", 20)],
)  # fmt: skip
def test_a_page_has_20_rows_and_at_most_100(ids: list[str], query: str, count: int) -> None:
    assert len(get(query)[1]["results"]) == count


def cursor(text: str) -> str:
    return base64.b64encode(text.encode()).decode().replace("=", "%3D")


@pytest.mark.parametrize(
    "forged",
    [
        "x",
        "张",
        cursor("p=x"),
        cursor("p=\x00"),
        cursor("p=1"),
        cursor("p=' OR 1=1"),
        cursor("p=" + "9" * 5000),
        cursor("o=-1"),
    ],
)
def test_a_forged_cursor_is_not_found(ids: list[str], forged: str) -> None:
    state, body = get(f"cursor={forged}")
    assert (state, body["code"]) == (404, "not_found")


@pytest.mark.parametrize("forged", ["", "%00", "====", "A" * 5000, cursor("q=1")])
def test_a_cursor_that_names_no_place_is_the_first_page(ids: list[str], forged: str) -> None:
    state, body = get(f"cursor={forged}")
    assert (state, [row["id"] for row in body["results"]]) == (200, ids[:20])
