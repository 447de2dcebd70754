from collections.abc import Iterable
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler
from rest_framework.parsers import MultiPartParser

from weilidai.lib.problems import BodyTooLarge
from weilidai.lib.uploads.errors import UploadRejected, rejection


class InMemoryHandler(MemoryFileUploadHandler):
    """Files stay in memory, whatever their size: identity papers are never written to a disk in the clear.

    The parser has bounded the whole body before the first byte is read.
    """

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: str | None = None
    ) -> None:
        self.activated = True


class BoundedMultiPartParser(MultiPartParser):
    """`multipart/form-data` up to `UPLOAD_BODY_BYTES_MAX`; raises `BodyTooLarge` before anything is read."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        request = (parser_context or {})["request"]
        declared = request.META.get("CONTENT_LENGTH") or "0"
        if not declared.isdigit() or int(declared) > settings.UPLOAD_BODY_BYTES_MAX:
            raise BodyTooLarge
        request.upload_handlers = [InMemoryHandler(request)]
        return super().parse(stream, media_type, parser_context)


def files_of(data: Any, names: Iterable[str]) -> dict[str, bytes]:
    """The bytes of the named files that were sent, the last one where a name came twice.

    Raises `UploadRejected` for a name that holds text instead of a file.
    """
    sent = {name: data[name] for name in names if name in data}
    wrong = [rejection(name, "not_a_file") for name, value in sent.items() if not isinstance(value, UploadedFile)]
    if wrong:
        raise UploadRejected(field_errors=wrong)
    return {name: value.read() for name, value in sent.items()}
