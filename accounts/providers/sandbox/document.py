import io

from PIL import Image

from accounts.providers.types import DocumentCheck

# The width of the picture in pixels decides.
ENDINGS = {333: "unreadable", 334: "other_person", 335: "expired"}


class Provider:
    """Every picture shows the right card unless it is exactly 333, 334 or 335 pixels wide."""

    def check(self, kind: str, image: bytes, name: str, id_number: str) -> DocumentCheck:
        with Image.open(io.BytesIO(image), formats=("JPEG",)) as picture:
            reason = ENDINGS.get(picture.width, "")
        return DocumentCheck(not reason, reason, f"sandbox-{kind}")
