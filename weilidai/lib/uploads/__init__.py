"""Pictures that customers send: bounded, decoded, made anew and kept as ciphertext."""

from weilidai.lib.uploads.errors import UploadRejected, rejection
from weilidai.lib.uploads.images import CleanImage, image_clean, images_clean, look_distance
from weilidai.lib.uploads.parser import BoundedMultiPartParser, files_of
from weilidai.lib.uploads.storage import (
    PrivateStorage,
    private_delete,
    private_names,
    private_read,
    private_storage_in,
    private_write,
)

__all__ = [
    "BoundedMultiPartParser",
    "CleanImage",
    "PrivateStorage",
    "UploadRejected",
    "files_of",
    "image_clean",
    "images_clean",
    "look_distance",
    "private_delete",
    "private_names",
    "private_read",
    "private_storage_in",
    "private_write",
    "rejection",
]
