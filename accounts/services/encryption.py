"""Rewriting personal data with the newest key, so that an older one can be thrown away (R55)."""

from typing import Any

from django.apps import apps
from django.db import models, transaction

from accounts.models import StoredImage
from accounts.services.stored_image import stored_images_rewrite
from weilidai.lib.crypto import EncryptedTextField

BATCH_ROWS = 500


def encrypted_fields() -> dict[type[models.Model], list[str]]:
    """Every table with ciphertext and its columns, whichever app it belongs to."""
    found = {
        model: [field.attname for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]
        for model in apps.get_models()
    }
    return {model: names for model, names in found.items() if names}


def personal_data_rewrite() -> dict[str, int]:
    """Encrypts every value and picture anew: rows written, by table. Safe to break off and repeat, and beside the
    running system.

    Raises InvalidTag at a row that no current key reads.
    """
    written = {model._meta.label: _table_rewrite(model, names) for model, names in encrypted_fields().items()}
    return {**written, StoredImage._meta.label: stored_images_rewrite(batch_rows=BATCH_ROWS)}


def _table_rewrite(model: type[models.Model], names: list[str]) -> int:
    count, last = 0, None
    while True:
        last, written = _batch_rewrite(model, names, last)
        if not written:
            return count
        count += written


@transaction.atomic
def _batch_rewrite(model: type[models.Model], names: list[str], after: Any) -> tuple[Any, int]:
    """Rows behind the key `after`, locked so that no change of theirs is lost: the last key, how many."""
    rows = model._default_manager.select_for_update(no_key=True).order_by("pk")
    batch = list((rows if after is None else rows.filter(pk__gt=after))[:BATCH_ROWS])
    for row in batch:
        row.save(update_fields=names)
    return (batch[-1].pk if batch else after), len(batch)
