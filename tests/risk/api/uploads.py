"""Multipart bodies as an app sends them."""

from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from tests.risk.api.client import Client
from tests.risk.builders import appeal_files
from weilidai.lib.uploads import private_names


def named(files: dict[str, bytes], name: str = "IMG_1.jpg", kind: str = "image/jpeg") -> dict[str, Any]:
    """Name and declared type are the sender's word and mean nothing."""
    return {field: SimpleUploadedFile(name, data, content_type=kind) for field, data in files.items()}


def send(client: Client, path: str, body: dict[str, Any], **headers: str) -> Any:
    return client.http.post(f"/api/v1/{path}", body, format="multipart", headers=headers)


def appeal_body(**more: Any) -> dict[str, Any]:
    return {**named(appeal_files()), "statement": "It was me, on holiday.", **more}


# What a sender may call a file, as it stands between the quotes of the part's head.
FILE_NAMES = {
    "path": b"../../../../etc/passwd.jpg",
    "windows path": b"..\\..\\boot.ini",
    "absolute": b"/etc/cron.d/x",
    "nul": b"a.jpg\x00.php",
    "long": b"x" * 900 + b".jpg",
    "right to left": "gpj.\u202eexe".encode(),
    "markup": b"<script>alert(1)</script>.svg",
    "device": b"CON",
    "line end": b"a%0d%0aSet-Cookie: x=1",
}

# Names with which the part is no file at all, or its head too long.
REFUSED_NAMES = {"very long": b"x" * 9000 + b".jpg", "not text": b"\xff\xfe\xfa.jpg", "one dot": b".", "nothing": b""}


def is_refused(answer: Any) -> bool:
    """By a code that says that no file was understood."""
    return (answer.status_code, answer.json()["code"]) in {
        (400, "parse_error"), (422, "evidence_incomplete"), (422, "upload_rejected"),
    }  # fmt: skip


def raw_body(files: dict[str, bytes], name: bytes, fields: dict[str, str]) -> bytes:
    """A multipart body with the boundary `x`, byte by byte as a hostile sender writes it."""
    parts = [
        b'Content-Disposition: form-data; name="%b"; filename="%b"\r\nContent-Type: image/svg+xml\r\n\r\n%b'
        % (field.encode(), name, data)
        for field, data in files.items()
    ]
    parts += [b'Content-Disposition: form-data; name="%b"\r\n\r\n%b' % (field.encode(), value.encode())
              for field, value in fields.items()]  # fmt: skip
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"


def send_raw(client: Client, path: str, content: bytes) -> Any:
    return client.http.post(f"/api/v1/{path}", content, content_type="multipart/form-data; boundary=x")


def files_kept() -> set[str]:
    """Names of all files in the private storage."""
    return set(private_names(before=timezone.now() + timedelta(days=1)))
