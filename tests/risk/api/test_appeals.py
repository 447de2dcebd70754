"""Appeals as the app sends and reads them."""

import io
import re
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from accounts.models import StoredImage
from accounts.services.stored_image import stored_image_read
from risk.models import Appeal, CreditLine, FreezeReason
from risk.services.appeal_deadlines import appeals_check
from risk.services.credit_line import credit_line_close
from tests.risk.api.client import Client, client_of
from tests.risk.api.test_application import refused
from tests.risk.api.uploads import (
    FILE_NAMES,
    REFUSED_NAMES,
    appeal_body,
    files_kept,
    is_refused,
    named,
    raw_body,
    send,
    send_raw,
)
from tests.risk.builders import AS_OF, AT, LAYERS, appeal_files, approved_line, frozen_line
from tests.support.pictures import HOSTILE, POLYGLOT_TAIL, located_photo, photo

pytestmark = pytest.mark.req("R39")


@pytest.fixture
def frozen() -> CreditLine:
    return frozen_line("charlie")


@pytest.fixture
def charlie(frozen: CreditLine) -> Client:
    return client_of(frozen.customer)


def path(line: CreditLine) -> str:
    return f"credit-lines/{line.pk}/appeals"


def test_an_appeal_is_taken_and_read_back(charlie: Client, frozen: CreditLine) -> None:
    answer = send(charlie, path(frozen), appeal_body())
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["state"], shown["due_at"], shown["due_on"]) == (
        "submitted", "2026-11-25T18:00:00+08:00", "2026-11-25",
    )  # fmt: skip
    assert (shown["credit_line"], shown["frozen_reason"], shown["late"]) == (str(frozen.pk), "unusual_place", False)
    assert [(row["kind"], row["passed"], row["faults"]) for row in shown["images"]] == [
        ("id_front", None, []), ("id_back", None, []), ("holding_id", None, []),
    ]  # fmt: skip
    assert charlie.get(path(frozen)).json() == {"next": None, "previous": None, "results": [shown]}
    assert charlie.get(f"{path(frozen)}?state=granted").json()["results"] == []


def test_name_and_declared_type_mean_nothing(charlie: Client, frozen: CreditLine) -> None:
    body = {**named(appeal_files(), name="../../etc/passwd.exe", kind="text/html"), "statement": ""}
    assert send(charlie, path(frozen), body).status_code == 201
    assert all("passwd" not in name for name in StoredImage.objects.values_list("file_name", flat=True))


@pytest.mark.dealt
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_field_and_reason(charlie: Client, frozen: CreditLine, name: str) -> None:
    (data, reason), before = HOSTILE[name], files_kept()
    answer = refused(send(charlie, path(frozen), appeal_body(**named({"id_back": data}))), 422, "upload_rejected")
    assert [(item["field"], item["code"]) for item in answer["errors"]] == [("id_back", reason)]
    assert (Appeal.objects.count(), StoredImage.objects.count(), files_kept() - before) == (0, 0, set())


@pytest.mark.parametrize("kind", ["id_front", "id_back", "holding_id"])
def test_all_three_pictures_or_nothing(charlie: Client, frozen: CreditLine, kind: str) -> None:
    body = appeal_body()
    del body[kind]
    answer = refused(send(charlie, path(frozen), body), 422, "evidence_incomplete")
    assert [(item["field"], item["code"]) for item in answer["errors"]] == [(kind, "required")]


def test_nothing_at_all_names_all_three(charlie: Client, frozen: CreditLine) -> None:
    answer = refused(send(charlie, path(frozen), {}), 422, "evidence_incomplete")
    assert [item["field"] for item in answer["errors"]] == ["id_front", "id_back", "holding_id"]


def test_one_picture_three_times_is_not_three(charlie: Client, frozen: CreditLine) -> None:
    same = dict.fromkeys(("id_front", "id_back", "holding_id"), photo(7))
    answer = refused(send(charlie, path(frozen), named(same)), 422, "evidence_incomplete")
    assert {item["code"] for item in answer["errors"]} == {"same_picture"}


def test_text_where_a_file_belongs_is_told(charlie: Client, frozen: CreditLine) -> None:
    answer = refused(
        send(charlie, path(frozen), appeal_body(id_front="data:image/png;base64,AAAA")), 422, "upload_rejected"
    )
    assert [(item["field"], item["code"]) for item in answer["errors"]] == [("id_front", "not_a_file")]


@pytest.mark.parametrize(
    "statement", ["x" * 2001, "a\x00b", SimpleUploadedFile("s.txt", b"file")], ids=["long", "nul", "file"]
)
def test_a_bad_statement_is_told(charlie: Client, frozen: CreditLine, statement: Any) -> None:
    answer = refused(send(charlie, path(frozen), appeal_body(statement=statement)), 400, "invalid")
    assert answer["errors"][0]["field"] == "statement"


def test_a_file_or_body_too_large_is_a_coded_problem(charlie: Client, frozen: CreditLine, settings: Settings) -> None:
    settings.UPLOAD_IMAGE_BYTES_MAX = 1000
    answer = refused(send(charlie, path(frozen), appeal_body()), 422, "upload_rejected")
    assert {item["code"] for item in answer["errors"]} == {"too_large"}
    settings.UPLOAD_BODY_BYTES_MAX = 1000
    refused(send(charlie, path(frozen), appeal_body()), 413, "body_too_large")


def test_large_text_parts_and_thousands_of_parts_are_coded_problems(charlie: Client, frozen: CreditLine) -> None:
    big = appeal_body(statement="x" * (11 * 1024 * 1024))
    refused(send(charlie, path(frozen), big), 413, "body_too_large")
    many = {f"f{number}": "x" for number in range(1500)}
    refused(send(charlie, path(frozen), many), 400, "invalid")
    files = {f"f{number}": io.BytesIO(b"x") for number in range(150)}
    refused(send(charlie, path(frozen), files), 400, "invalid")
    assert (Appeal.objects.count(), StoredImage.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("body", "kind", "code", "name"),
    [
        (b"{}", "application/json", 415, "unsupported_media_type"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"junk", "multipart/form-data", 400, "parse_error"),
        (b"junk", "multipart/form-data; boundary=x", 422, "evidence_incomplete"),
        (
            b"--x\r\nContent-Disposition: form-data; name=",
            "multipart/form-data; boundary=x",
            422,
            "evidence_incomplete",
        ),
    ],
)
def test_other_and_broken_bodies(
    charlie: Client, frozen: CreditLine, body: bytes, kind: str, code: int, name: str
) -> None:
    refused(charlie.http.post(f"/api/v1/{path(frozen)}", body, content_type=kind), code, name)
    assert not Appeal.objects.exists()


def test_without_signing_in_there_is_nothing(frozen: CreditLine) -> None:
    stranger = APIClient()
    assert stranger.get(f"/api/v1/{path(frozen)}").status_code == 401
    assert stranger.post(f"/api/v1/{path(frozen)}", appeal_body(), format="multipart").status_code == 401


def test_somebody_elses_line_is_not_found(alice: Client, frozen: CreditLine) -> None:
    for where in (path(frozen), f"credit-lines/{uuid4()}/appeals"):
        refused(alice.get(where), 404, "not_found")
        refused(send(alice, where, appeal_body()), 404, "not_found")
        refused(send(alice, where, {}), 404, "not_found")
    assert not Appeal.objects.exists()


def test_only_a_frozen_line_and_one_appeal_at_a_time(charlie: Client, frozen: CreditLine) -> None:
    active = approved_line("dora")
    dora = client_of(active.customer)
    refused(send(dora, path(active), appeal_body()), 409, "transition_not_allowed")
    credit_line_close(line_id=active.pk, reason="asked for", actor=LAYERS, as_of=AS_OF, at=AT)
    refused(send(dora, path(active), appeal_body()), 409, "credit_line_closed")
    assert send(charlie, path(frozen), appeal_body()).status_code == 201
    refused(send(charlie, path(frozen), appeal_body()), 409, "appeal_open")


def test_a_key_is_honoured_and_not_asked_for(charlie: Client, frozen: CreditLine) -> None:
    first = send(charlie, path(frozen), appeal_body(), **{"Idempotency-Key": "a1"})
    again = send(charlie, path(frozen), appeal_body(), **{"Idempotency-Key": "a1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Appeal.objects.count() == 1
    other = appeal_body(**named({"id_front": photo(9)}))
    refused(send(charlie, path(frozen), other, **{"Idempotency-Key": "a1"}), 422, "idempotency_key_reused")


def test_what_would_help_fraud_is_not_told(charlie: Client, frozen: CreditLine) -> None:
    send(
        charlie, path(frozen), appeal_body(**named({"id_front": photo(1, (334, 500)), "id_back": photo(2, (333, 500))}))
    )
    appeals_check(at=AT, as_of=AS_OF)
    (shown,) = charlie.get(path(frozen)).json()["results"]
    assert shown["state"] == "doubtful"
    assert [(row["passed"], [fault["code"] for fault in row["faults"]]) for row in shown["images"]] == [
        (False, []), (False, ["unreadable"]), (True, []),
    ]  # fmt: skip


@pytest.mark.req("R9")
def test_the_entry_tells_how_to_appeal(charlie: Client, frozen: CreditLine) -> None:
    guide = charlie.get("entry?product=weilidai").json()["appeal"]
    assert guide == {
        "path": f"/api/v1/{path(frozen)}",
        "images": ["id_front", "id_back", "holding_id"],
        "working_days": 3,
        "open": None,
    }
    shown = send(charlie, path(frozen), appeal_body()).json()
    assert charlie.get("entry?product=weilidai").json()["appeal"]["open"] == shown
    dora = client_of(approved_line("dora").customer)
    assert dora.get("entry?product=weilidai").json()["appeal"] is None


def test_the_throttle_bounds_uploads_and_not_reading(charlie: Client, frozen: CreditLine, settings: Settings) -> None:
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "uploads": (1, 60)}
    assert send(charlie, path(frozen), {}).status_code == 422
    refused(send(charlie, path(frozen), {}), 429, "rate_limited")
    assert charlie.get(path(frozen)).status_code == 200


def test_the_list_takes_the_same_queries_however_long(
    charlie: Client, frozen: CreditLine, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    send(charlie, path(frozen), appeal_body())
    with django_assert_max_num_queries(8):
        charlie.get(path(frozen))


def test_the_reason_of_an_overdue_freeze_is_kept(charlie: Client) -> None:
    line = frozen_line("emil", reason=FreezeReason.OVERDUE)
    shown = send(client_of(line.customer), path(line), appeal_body()).json()
    assert shown["frozen_reason"] == "overdue"


@pytest.mark.dealt
@pytest.mark.parametrize("name", FILE_NAMES.values(), ids=FILE_NAMES)
def test_the_senders_name_of_a_file_is_never_used(charlie: Client, frozen: CreditLine, name: bytes) -> None:
    answer = send_raw(charlie, path(frozen), raw_body(appeal_files(), name, {"statement": "It was me."}))
    assert answer.status_code == 201
    kept = StoredImage.objects.values_list("file_name", flat=True)
    assert all(re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{32}", file) for file in kept)
    assert "passwd" not in answer.content.decode()


@pytest.mark.parametrize("name", REFUSED_NAMES.values(), ids=REFUSED_NAMES)
def test_a_name_that_no_file_has_keeps_nothing(charlie: Client, frozen: CreditLine, name: bytes) -> None:
    before = files_kept()
    assert is_refused(send_raw(charlie, path(frozen), raw_body(appeal_files(), name, {"statement": "It was me."})))
    assert (StoredImage.objects.count(), files_kept() - before) == (0, set())


def test_what_is_kept_is_the_picture_alone(charlie: Client, frozen: CreditLine) -> None:
    pictures = {"id_front": located_photo(1), "id_back": photo(2, kind="PNG"), "holding_id": photo(3, kind="WEBP")}
    body = appeal_body(**named({kind: picture + POLYGLOT_TAIL for kind, picture in pictures.items()}))
    assert send(charlie, path(frozen), body).status_code == 201
    for image in StoredImage.objects.all():
        content = stored_image_read(image)
        assert content.startswith(b"\xff\xd8\xff\xe0")
        assert not any(secret in content for secret in (b"SpyCam", b"secret", b"Exif", b"evil.jar", b"<script>"))
