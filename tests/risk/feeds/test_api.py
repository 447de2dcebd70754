"""`POST /api/v1/feeds/{kind}`: signed, streamed, answered by row, harmless when repeated."""

import time
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from risk.feeds import load
from risk.models import ActivityDay, FeedDelivery
from tests.risk.builders import AS_OF, AT
from tests.risk.feeds.builders import activity, people_create
from weilidai.lib.business_date import business_date_set
from weilidai.lib.models import MachineMessage
from weilidai.lib.signing import signed_headers

pytestmark = pytest.mark.django_db
ROWS = activity("1") + b"{\n" + activity("2", opens=-1) + activity("1")


@pytest.fixture(autouse=True)
def _house(settings: LazySettings) -> None:
    settings.MACHINE_KEYS = {"behaviour": "feed-secret", "behaviour-next": "next-secret"}
    business_date_set(AS_OF, at=AT)
    people_create("alice")


def post(kind: str, body: bytes, headers: dict[str, str]) -> Any:
    client = Client(raise_request_exception=False)
    return client.generic("POST", f"/api/v1/feeds/{kind}", body, "application/x-ndjson", headers=headers)


def deliver(body: bytes = ROWS, *, kind: str = "activity", message: str = "m1", key: str = "behaviour") -> Any:
    secret = {"behaviour": "feed-secret", "behaviour-next": "next-secret"}[key]
    return post(kind, body, signed_headers(key, secret, message, body))


def test_the_report_counts_and_names_rejected_rows() -> None:
    response = deliver()
    report = response.json()
    assert response.status_code == 200
    assert {name: report[name] for name in ("kind", "good", "bad", "repeated")} == {
        "kind": "activity", "good": 1, "bad": 2, "repeated": 1,
    }  # fmt: skip
    assert report["rejected"] == [
        {"line": 2, "field": "", "code": "broken_json", "detail": "not JSON"},
        {"line": 3, "field": "opens", "code": "out_of_range", "detail": "out of range"},
    ]


def test_only_the_first_thousand_rejected_rows_are_shown() -> None:
    report = deliver(b"{\n" * 1001).json()
    assert report["bad"] == 1001
    assert [row["line"] for row in report["rejected"]] == list(range(1, 1001))


def test_an_empty_body_is_an_empty_delivery() -> None:
    assert deliver(b"").json()["good"] == 0


def test_a_row_after_the_business_date_is_refused() -> None:
    report = deliver(activity("1", date="2026-11-21") + activity("2", date="2026-11-20")).json()
    assert [(row["line"], row["code"]) for row in report["rejected"]] == [(1, "after_business_date")]


def test_both_keys_are_valid_while_one_is_replaced() -> None:
    assert deliver(message="m1", key="behaviour").status_code == 200
    assert deliver(message="m1", key="behaviour-next").status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"X-Signature": "0" * 64},
        {"X-Signature": ""},
        {"X-Signature": "é"},
        {"X-Key-Id": "nobody"},
        {"X-Message-Id": "m2"},
        {"X-Message-Id": ""},
        {"X-Timestamp": "soon"},
        {"X-Timestamp": "²"},
    ],
)
def test_a_wrong_signature_is_refused(change: dict[str, str]) -> None:
    response = post("activity", ROWS, signed_headers("behaviour", "feed-secret", "m1", ROWS) | change)
    assert response.status_code == 401
    assert response.json()["code"] == "signature_invalid"
    assert not FeedDelivery.objects.exists()


def test_an_unsigned_body_another_body_and_an_old_one_are_refused() -> None:
    signed = signed_headers("behaviour", "feed-secret", "m1", ROWS)
    old = signed_headers("behaviour", "feed-secret", "m1", ROWS, now=time.time() - 310)
    answers = [post("activity", ROWS, {}), post("activity", ROWS + activity("9"), signed), post("activity", ROWS, old)]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert not ActivityDay.objects.exists()


def test_an_unknown_kind_is_not_found_and_unsigned_not_even_that() -> None:
    assert deliver(kind="weather").status_code == 404
    assert post("weather", ROWS, {}).status_code == 401


def test_reading_is_not_offered() -> None:
    assert Client().get("/api/v1/feeds/activity").status_code == 405


def test_a_recorded_message_cannot_be_sent_again() -> None:
    deliver()
    again = deliver()
    assert (again.status_code, again.json()["code"]) == (409, "message_replayed")
    assert FeedDelivery.objects.count() == MachineMessage.objects.count() == 1


def test_the_same_rows_in_a_new_message_are_repeated() -> None:
    deliver()
    report = deliver(message="m2").json()
    assert (report["good"], report["bad"], report["repeated"]) == (0, 2, 2)
    assert ActivityDay.objects.count() == 1


def test_a_message_that_broke_off_may_be_sent_again_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    writes = load._delivery_count
    lines_seen: list[int] = []

    def break_once(delivery: FeedDelivery, result: Any, lines_done: int) -> FeedDelivery:
        lines_seen.append(lines_done)
        if lines_seen == [2, 4]:
            raise RuntimeError("the process ended here")
        return writes(delivery, result, lines_done)

    monkeypatch.setattr(load, "BATCH", 2)
    monkeypatch.setattr(load, "_delivery_count", break_once)
    assert deliver().status_code == 500
    report = deliver().json()
    assert (report["good"], report["bad"], report["repeated"]) == (1, 2, 1)
    assert lines_seen == [2, 4, 4]
    assert deliver().status_code == 409


def test_the_same_message_with_another_body_or_kind_is_a_replay() -> None:
    FeedDelivery.objects.create(kind="activity", source="behaviour:m1", content_sha256="other", business_date=AS_OF)
    MachineMessage.objects.create(credential="behaviour", message_id="m1", received_at=AT)
    assert deliver().status_code == 409
    assert deliver(kind="scores").status_code == 409


@pytest.mark.parametrize(("size", "code"), [(len(ROWS), 200), (len(ROWS) - 1, 413)])
def test_the_size_has_a_limit(settings: LazySettings, size: int, code: int) -> None:
    settings.FEED_BYTES_MAX = size
    assert deliver().status_code == code
