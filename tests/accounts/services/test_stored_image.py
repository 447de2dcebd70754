"""Pictures of customers: kept once, shown with a trace, erased with their person, never left behind."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import Customer, ImagePurpose, StoredImage
from accounts.services.personal_data import customer_delete, customer_export
from accounts.services.stored_image import (
    images_filed,
    stored_image_read,
    stored_image_show,
    stored_images_sweep,
)
from tests.accounts.builders import AT, image_make
from tests.support.pictures import photo
from weilidai.lib.audit import Actor
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.models import AuditEvent
from weilidai.lib.uploads import image_clean, private_names

pytestmark = [pytest.mark.django_db, pytest.mark.req("R38", "R39", "R55")]
STAFF = Actor("staff", "1", "carol")


def files() -> set[str]:
    return set(private_names(before=datetime.now(UTC) + timedelta(minutes=1)))


def test_a_row_says_what_was_measured_and_its_file_holds_the_picture(alice: Customer) -> None:
    image = StoredImage.objects.get(pk=image_make(alice).pk)
    clean = image_clean(photo(1), field="x")
    assert (image.sha256, image.size_bytes, image.width, image.height) == (clean.sha256, len(clean.content), 900, 600)
    assert image.measures == {"sharpness": clean.sharpness, "brightness": clean.brightness, "look": clean.look}
    assert stored_image_read(image) == clean.content


def fail_later(customer: Customer) -> None:
    images: dict[str, Any] = {"a": image_clean(photo(1), field="a"), "b": image_clean(photo(2), field="b")}
    filed = images_filed(customer=customer, purpose=ImagePurpose.APPEAL, images=images, at=AT)
    with filed as rows, transaction.atomic():
        rows["a"].save()
        raise ValueError(f"later, with {len(files())} files")


def test_what_fails_takes_its_files_back(alice: Customer) -> None:
    before = files()
    with pytest.raises(ValueError, match=f"later, with {len(before) + 2} files"):
        fail_later(alice)
    assert files() == before
    assert not StoredImage.objects.exists()


def test_each_look_is_recorded_before_it_is_given(alice: Customer) -> None:
    image = image_make(alice)
    assert stored_image_show(image_id=image.pk, actor=STAFF, at=AT, ip="203.0.113.9").startswith(b"\xff\xd8")
    event = AuditEvent.objects.get(action="stored_image.view")
    assert (event.actor_name, event.subject_id, event.customer_id) == ("carol", str(image.pk), alice.pk)
    with pytest.raises(ObjectNotFound):
        stored_image_show(image_id=uuid4(), actor=STAFF, at=AT)
    assert AuditEvent.objects.filter(action="stored_image.view").count() == 1


def test_the_export_holds_the_pictures(alice: Customer) -> None:
    image = image_make(alice)
    (shown,) = customer_export(customer=alice, at=AT)["profile"]["images"]
    assert (shown["id"], shown["purpose"], shown["sha256"]) == (image.pk, "appeal", image.sha256)
    assert base64.b64decode(shown["jpeg_base64"]) == stored_image_read(image)


def test_an_erased_person_leaves_no_picture(
    alice: Customer, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    image = image_make(alice)
    name = image.file_name
    with django_capture_on_commit_callbacks(execute=True):
        customer_delete(customer=alice, at=AT)
    row = StoredImage.objects.get(pk=image.pk)
    assert (row.file_name, row.measures, row.erased_at) == ("", {}, AT)
    assert name not in files()
    with pytest.raises(ObjectNotFound):
        stored_image_show(image_id=image.pk, actor=STAFF, at=AT)
    assert customer_export(customer=Customer.objects.get(pk=alice.pk), at=AT)["profile"]["images"] == []


def test_the_sweep_removes_only_old_files_without_a_row(alice: Customer) -> None:
    kept = image_make(alice, seed=1)
    orphan = image_make(alice, seed=2)
    StoredImage.objects.filter(pk=orphan.pk).delete()
    now = datetime.now(UTC)
    stored_images_sweep(at=now)
    assert {kept.file_name, orphan.file_name} <= files()
    assert stored_images_sweep(at=now + timedelta(days=1, minutes=1)) >= 1
    assert kept.file_name in files()
    assert orphan.file_name not in files()
