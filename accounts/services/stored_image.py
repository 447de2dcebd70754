"""Keeping, showing and erasing the pictures customers send.

A file is written before the row that names it and removed after the row let it go, so a crash leaves a file nobody
names and never a row without its file; `stored_images_sweep` removes what nobody names.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from django.db import transaction

from accounts.models import Customer, ImagePurpose, StoredImage
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.ids import uuid7
from weilidai.lib.uploads import CleanImage, private_delete, private_names, private_read, private_write

log = structlog.get_logger(__name__)
# A file younger than this may belong to a transaction that is still open.
SWEEP_AFTER = timedelta(days=1)
SWEEP_BATCH = 500


@contextmanager
def images_filed(
    *, customer: Customer, purpose: ImagePurpose, images: Mapping[str, CleanImage], at: datetime
) -> Iterator[dict[str, StoredImage]]:
    """Writes the files and gives rows to be saved inside the block; a block that fails takes its files back.

    Open it around the transaction, not inside: encryption and disk must not hold a row's lock.
    """
    rows: dict[str, StoredImage] = {}
    try:
        for name, image in images.items():
            rows[name] = _filed(customer, purpose, image, at)
        yield rows
    except BaseException:
        for row in rows.values():
            private_delete(row.file_name)
        raise


def _filed(customer: Customer, purpose: ImagePurpose, image: CleanImage, at: datetime) -> StoredImage:
    row = StoredImage(
        pk=uuid7(),
        customer=customer,
        purpose=purpose,
        sha256=image.sha256,
        size_bytes=len(image.content),
        width=image.width,
        height=image.height,
        measures={"sharpness": image.sharpness, "brightness": image.brightness, "look": image.look},
        created_at=at,
    )
    row.file_name = private_write(image.content, bound_to=row.bound_to)
    return row


def stored_image_read(image: StoredImage) -> bytes:
    """The JPEG, for jobs. Raises `ObjectNotFound` once erased; people see it through `stored_image_show`."""
    if not image.file_name:
        raise ObjectNotFound
    return private_read(image.file_name, bound_to=image.bound_to)


@transaction.atomic
def stored_image_show(*, image_id: UUID, actor: Actor, at: datetime, ip: str | None = None) -> bytes:
    """The JPEG for a person; the look is in the audit trail before anybody sees it. Raises `ObjectNotFound`."""
    image = StoredImage.objects.filter(pk=image_id).first()
    if image is None:
        raise ObjectNotFound
    content = stored_image_read(image)
    audit_record(action="stored_image.view", actor=actor, subject=image, at=at, ip=ip)
    return content


def stored_images_erase(*, customer: Customer, at: datetime) -> int:
    """Lets go of every picture of a person, in the caller's transaction; the rows stay as evidence."""
    rows = list(StoredImage.objects.select_for_update(no_key=True).filter(customer=customer, erased_at__isnull=True))
    for row in rows:
        name, row.file_name, row.erased_at = row.file_name, "", at
        row.measures = {}
        row.save(update_fields=["file_name", "erased_at", "measures"])
        transaction.on_commit(partial(private_delete, name))
    return len(rows)


def stored_images_sweep(*, at: datetime) -> int:
    """Removes files older than a day that no row names: what a crash between file and row left behind."""
    removed = 0
    batch: list[str] = []
    for name in private_names(before=at - SWEEP_AFTER):
        batch.append(name)
        if len(batch) == SWEEP_BATCH:
            removed, batch = removed + _unnamed_delete(batch), []
    return removed + _unnamed_delete(batch)


def _unnamed_delete(names: list[str]) -> int:
    named = set(StoredImage.objects.filter(file_name__in=names).values_list("file_name", flat=True))
    unnamed = [name for name in names if name not in named]
    for name in unnamed:
        private_delete(name)
    if unnamed:
        log.warning("stored_images_swept", count=len(unnamed))
    return len(unnamed)


def stored_images_rewrite(*, batch_rows: int = 100) -> int:
    """Encrypts every picture anew with the newest key, beside the running system; safe to break off and repeat."""
    count, last = 0, None
    while True:
        rows = StoredImage.objects.filter(erased_at__isnull=True).order_by("pk")
        page = list((rows if last is None else rows.filter(pk__gt=last))[:batch_rows].values_list("pk", flat=True))
        if not page:
            return count
        count += sum(_rewrite(pk) for pk in page)
        last = page[-1]


@transaction.atomic
def _rewrite(image_id: UUID) -> int:
    row = StoredImage.objects.select_for_update(no_key=True).filter(pk=image_id, erased_at__isnull=True).first()
    if row is None:
        return 0
    old = row.file_name
    row.file_name = private_write(private_read(old, bound_to=row.bound_to), bound_to=row.bound_to)
    row.save(update_fields=["file_name"])
    transaction.on_commit(lambda: private_delete(old))
    return 1
