"""Where uploads lie: ciphertext under random names, in a storage that no address serves."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages

from weilidai.lib.crypto import decrypt_bytes, encrypt_bytes


class PrivateStorage(FileSystemStorage):
    """`MEDIA_ROOT/private`. A file that was saved has reached the disk: the row that names it comes after."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("location", Path(settings.MEDIA_ROOT) / "private")
        super().__init__(**options)

    def url(self, name: str | None) -> str:
        raise ValueError("private files have no address")

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        saved = super().save(name, content, max_length)
        for path in (Path(self.path(saved)), Path(self.path(saved)).parent):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        return saved


_elsewhere: ContextVar[Storage | None] = ContextVar("private_storage", default=None)


@contextmanager
def private_storage_in(folder: str | Path) -> Iterator[None]:
    """Inside the block everything private lies in another folder."""
    token = _elsewhere.set(PrivateStorage(location=folder))
    try:
        yield
    finally:
        _elsewhere.reset(token)


def _storage() -> Storage:
    return _elsewhere.get() or storages["private"]


def private_write(plain: bytes, *, bound_to: str) -> str:
    """Encrypts and saves; returns the name. The ciphertext opens for `bound_to` alone, so files cannot be swapped."""
    name = uuid.uuid4().hex
    sealed = encrypt_bytes(plain, bound_to=bound_to.encode())
    return _storage().save(f"{name[:2]}/{name}", ContentFile(sealed))


def private_read(name: str, *, bound_to: str) -> bytes:
    """Raises `FileNotFoundError`, and `InvalidTag` for a file that was altered or belongs to something else."""
    with _storage().open(name) as file:
        return decrypt_bytes(file.read(), bound_to=bound_to.encode())


def private_delete(name: str) -> None:
    """Also where it is gone already."""
    _storage().delete(name)


def private_names(*, before: datetime) -> Iterator[str]:
    """Names of everything written before an instant; what another process deletes meanwhile is passed over."""
    store = _storage()
    try:
        folders = store.listdir("")[0]
    except FileNotFoundError:
        return
    for folder in folders:
        for file in store.listdir(folder)[1]:
            name = f"{folder}/{file}"
            try:
                old = store.get_modified_time(name) < before
            except FileNotFoundError:
                continue
            if old:
                yield name
