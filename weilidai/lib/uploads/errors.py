from typing import Any

from django.utils.translation import gettext_lazy as _

from weilidai.lib.errors import DomainError

# Why a file is not taken, by the code the problem document names.
REASONS: dict[str, Any] = {
    "empty": _("The file is empty"),
    "not_a_file": _("A file is expected here"),
    "too_large": _("The file is too large"),
    "type_not_accepted": _("Only JPEG, PNG and WebP pictures are accepted"),
    "animated": _("Moving pictures are not accepted"),
    "too_many_pixels": _("The picture has too many pixels"),
    "too_many_scans": _("The picture is built in too many steps; please take it again"),
    "unreadable": _("The picture cannot be read; please take it again"),
}


class UploadRejected(DomainError):
    """A file is not what it should be; `field_errors` names field and reason."""

    code = "upload_rejected"
    title = _("A picture cannot be accepted")
    http_state = 422


def rejection(field: str, reason: str) -> dict[str, Any]:
    """One entry of `field_errors`; `reason` is a key of `REASONS`."""
    return {"field": field, "code": reason, "detail": REASONS[reason]}
