"""Multipart bodies as an app sends them."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.risk.api.client import Client
from tests.risk.builders import appeal_files


def named(files: dict[str, bytes], name: str = "IMG_1.jpg", kind: str = "image/jpeg") -> dict[str, Any]:
    """Name and declared type are the sender's word and mean nothing."""
    return {field: SimpleUploadedFile(name, data, content_type=kind) for field, data in files.items()}


def send(client: Client, path: str, body: dict[str, Any], **headers: str) -> Any:
    return client.http.post(f"/api/v1/{path}", body, format="multipart", headers=headers)


def appeal_body(**more: Any) -> dict[str, Any]:
    return {**named(appeal_files()), "statement": "It was me, on holiday.", **more}
