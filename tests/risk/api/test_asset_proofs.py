"""Asset proofs as the app sends and reads them."""

import re
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connections
from rest_framework.test import APIClient

from accounts.models import StoredImage
from accounts.services.stored_image import stored_image_read
from risk.errors import ProofOpen
from risk.models import AssetProof, CreditLine, FreezeReason
from risk.services.asset_proof import asset_proof_accept, asset_proof_submit
from risk.services.credit_line import credit_line_close, credit_line_freeze
from tests.risk.api.client import Client, client_of
from tests.risk.api.test_application import refused
from tests.risk.api.uploads import FILE_NAMES, REFUSED_NAMES, files_kept, is_refused, named, raw_body, send, send_raw
from tests.risk.builders import AS_OF, AT, LAYERS, approved_line, staff_create
from tests.support.pictures import HOSTILE, POLYGLOT_TAIL, located_photo, photo
from weilidai.lib.audit import Actor

pytestmark = pytest.mark.req("R38")
EDGE = {"as_of": AS_OF, "at": AT}


@pytest.fixture
def line() -> CreditLine:
    return approved_line("charlie")


@pytest.fixture
def charlie(line: CreditLine) -> Client:
    return client_of(line.customer)


def path(line: CreditLine) -> str:
    return f"credit-lines/{line.pk}/asset-proofs"


def body(kind: str = "property", seed: int = 1) -> dict[str, object]:
    return {"kind": kind, **named({"image": photo(seed)})}


def test_a_proof_is_taken_reviewed_and_read_back(charlie: Client, line: CreditLine) -> None:
    answer = send(charlie, path(line), body())
    shown = answer.json()
    assert (answer.status_code, shown["state"], shown["kind"], shown["raised"]) == (
        201, "submitted", "property", "0.00",
    )  # fmt: skip
    assert charlie.get(path(line)).json()["results"] == [shown]
    asset_proof_accept(proof_id=shown["id"], reason="seen", user=staff_create("oscar"), **EDGE)
    (after,) = charlie.get(f"{path(line)}?state=accepted&kind=property").json()["results"]
    risen = CreditLine.objects.get(pk=line.pk).limit_amount - line.limit_amount
    assert (after["raised"], after["valid_until"]) == (str(risen), "2027-11-20")


@pytest.mark.dealt
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_their_reason(charlie: Client, line: CreditLine, name: str) -> None:
    (data, reason), before = HOSTILE[name], files_kept()
    answer = refused(send(charlie, path(line), body() | named({"image": data})), 422, "upload_rejected")
    assert [(item["field"], item["code"]) for item in answer["errors"]] == [("image", reason)]
    assert (AssetProof.objects.count(), StoredImage.objects.count(), files_kept() - before) == (0, 0, set())


def test_without_picture_or_with_another_kind(charlie: Client, line: CreditLine) -> None:
    answer = refused(send(charlie, path(line), {"kind": "vehicle"}), 422, "evidence_incomplete")
    assert [(item["field"], item["code"]) for item in answer["errors"]] == [("image", "required")]
    for kind in ("yacht", "", "property\x00"):
        assert refused(send(charlie, path(line), body(kind)), 400, "invalid")["errors"][0]["field"] == "kind"
    refused(charlie.post(path(line), {"kind": "property"}), 415, "unsupported_media_type")


def test_one_open_proof_of_a_kind(charlie: Client, line: CreditLine) -> None:
    assert send(charlie, path(line), body()).status_code == 201
    refused(send(charlie, path(line), body(seed=2)), 409, "proof_open")
    assert send(charlie, path(line), body("vehicle", seed=3)).status_code == 201


def test_a_frozen_or_closed_line_takes_none(charlie: Client, line: CreditLine) -> None:
    credit_line_freeze(line_id=line.pk, reason=FreezeReason.STAFF, actor=LAYERS, **EDGE)
    refused(send(charlie, path(line), body()), 409, "credit_line_frozen")
    credit_line_close(line_id=line.pk, reason="asked for", actor=LAYERS, **EDGE)
    refused(send(charlie, path(line), body()), 409, "credit_line_closed")
    assert (AssetProof.objects.count(), StoredImage.objects.count()) == (0, 0)


def test_strangers_see_and_send_nothing(alice: Client, line: CreditLine) -> None:
    assert APIClient().get(f"/api/v1/{path(line)}").status_code == 401
    assert APIClient().post(f"/api/v1/{path(line)}", body(), format="multipart").status_code == 401
    for where in (path(line), f"credit-lines/{uuid4()}/asset-proofs"):
        refused(alice.get(where), 404, "not_found")
        refused(send(alice, where, body()), 404, "not_found")


def test_the_same_key_is_the_same_proof(charlie: Client, line: CreditLine) -> None:
    answers = [send(charlie, path(line), body(), **{"Idempotency-Key": "p1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert AssetProof.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_proofs_at_once_one_is_taken(line: CreditLine) -> None:
    def submit(number: int) -> str:
        try:
            asset_proof_submit(
                line_id=line.pk, customer=line.customer, kind="property", image=photo(number + 1),
                actor=Actor.of(line.customer), **EDGE,
            )  # fmt: skip
        except ProofOpen:
            return "open"
        finally:
            connections.close_all()
        return "taken"

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(submit, range(6))) == ["open"] * 5 + ["taken"]
    assert (AssetProof.objects.count(), StoredImage.objects.count()) == (1, 1)


@pytest.mark.dealt
@pytest.mark.parametrize("name", FILE_NAMES.values(), ids=FILE_NAMES)
def test_the_senders_name_of_a_file_is_never_used(charlie: Client, line: CreditLine, name: bytes) -> None:
    answer = send_raw(charlie, path(line), raw_body({"image": photo()}, name, {"kind": "property"}))
    assert answer.status_code == 201
    kept = StoredImage.objects.values_list("file_name", flat=True)
    assert all(re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{32}", file) for file in kept)
    assert "passwd" not in answer.content.decode()


@pytest.mark.parametrize("name", REFUSED_NAMES.values(), ids=REFUSED_NAMES)
def test_a_name_that_no_file_has_keeps_nothing(charlie: Client, line: CreditLine, name: bytes) -> None:
    before = files_kept()
    assert is_refused(send_raw(charlie, path(line), raw_body({"image": photo()}, name, {"kind": "property"})))
    assert (StoredImage.objects.count(), files_kept() - before) == (0, set())


def test_what_is_kept_is_the_picture_alone(charlie: Client, line: CreditLine) -> None:
    assert send(charlie, path(line), body() | named({"image": located_photo() + POLYGLOT_TAIL})).status_code == 201
    for image in StoredImage.objects.all():
        content = stored_image_read(image)
        assert content.startswith(b"\xff\xd8\xff\xe0")
        assert not any(secret in content for secret in (b"SpyCam", b"secret", b"Exif", b"evil.jar", b"<script>"))
