"""A picture from anybody becomes a plain JPEG of ours, or is refused.

What arrives is judged by its first bytes, never by its name or declared type. Size and pixels are bounded before
anything is decompressed. The pixels are turned upright and written anew, so that nothing else survives: no place,
no camera, no profile, no second file behind the picture.
"""

import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog
from django.conf import settings
from PIL import Image, ImageFilter, ImageOps, ImageStat

from weilidai.lib.uploads.errors import UploadRejected, rejection

log = structlog.get_logger(__name__)

# A progressive JPEG paints all its pixels once per scan. Phones write ten; a few bytes each are enough to ask for
# a hundred thousand, an hour of work in eight megabytes.
SCANS_MAX = 40
SCAN = b"\xda"
# A marker between two scans: neither a stuffed byte nor a restart nor a fill byte.
MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
SIDE_MAX = 2400  # pixels of the longer side of what is kept
JPEG_QUALITY = 88
# The side at which sharpness is measured, so that it means the same for every camera.
MEASURED_SIDE = 800
LAPLACE = ImageFilter.Kernel((3, 3), [0, 1, 0, 1, -4, 1, 0, 1, 0], scale=1, offset=128)
LOOK_SIDE = 8


@dataclass(frozen=True)
class CleanImage:
    """A JPEG without metadata, and what it looks like.

    `sha256` is of `content`: the same picture gives the same hash whatever metadata it came with. `sharpness` is the
    variance of its Laplacian, `brightness` its mean grey (0–255), `look` a hash that stays near for near pictures.
    """

    content: bytes
    sha256: str
    width: int
    height: int
    sharpness: int
    brightness: int
    look: str


class _Refused(Exception):
    """The reason travels as the argument."""


def images_clean(files: Mapping[str, bytes]) -> dict[str, CleanImage]:
    """All of them, or `UploadRejected` naming every field at fault."""
    cleaned: dict[str, CleanImage] = {}
    faults: list[dict[str, Any]] = []
    for field, data in files.items():
        try:
            cleaned[field] = _clean(data)
        except _Refused as refused:
            faults.append(rejection(field, str(refused)))
    if faults:
        raise UploadRejected(field_errors=faults)
    return cleaned


def image_clean(data: bytes, *, field: str) -> CleanImage:
    """One picture. Raises `UploadRejected` under the name of `field`."""
    return images_clean({field: data})[field]


def _clean(data: bytes) -> CleanImage:
    if not data:
        raise _Refused("empty")
    if len(data) > settings.UPLOAD_IMAGE_BYTES_MAX:
        raise _Refused("too_large")
    kind = _kind(data)
    if kind == "JPEG" and _scans(data) > SCANS_MAX:
        raise _Refused("too_many_scans")
    return _described(_decode(data, kind))


def _kind(data: bytes) -> str:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    raise _Refused("type_not_accepted")


def _scans(data: bytes) -> int:
    """How many scans the first picture of the file has; counting stops where it is enough to refuse it."""
    found, at = 0, 2
    while found <= SCANS_MAX and (marker := MARKER.search(data, at)) and marker[1] != b"\xd9":
        found += marker[1] == SCAN
        # Every segment but those of one byte says how long it is: what looks like a marker inside is none.
        at = marker.end() + (int.from_bytes(data[marker.end() : marker.end() + 2]) if marker[1] != b"\x01" else 0)
    return found


def _decode(data: bytes, kind: str) -> Image.Image:
    """Upright RGB pixels, at most `SIDE_MAX` wide and high."""
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as opened:
            if opened.width * opened.height > settings.UPLOAD_IMAGE_PIXELS_MAX:
                raise _Refused("too_many_pixels")
            # A JPEG with several frames is a phone's depth or preview picture: the first one is the photo.
            if kind != "JPEG" and getattr(opened, "n_frames", 1) > 1:
                raise _Refused("animated")
            opened.draft("RGB", (SIDE_MAX, SIDE_MAX))
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            shown = _rgb(upright)
            shown.thumbnail((SIDE_MAX, SIDE_MAX))
            return shown
    except _Refused:
        raise
    except Image.DecompressionBombError as error:
        raise _Refused("too_many_pixels") from error
    except Exception as error:
        # Decoders fail on hostile bytes in any way there is; each means that this is no picture.
        log.info("image_unreadable", kind=kind, error=type(error).__name__)
        raise _Refused("unreadable") from error


def _rgb(image: Image.Image) -> Image.Image:
    """Plain colours: sixteen bits scaled down, palettes looked up, transparency laid on white."""
    if image.mode.startswith(("I", "F")):
        wide = image.convert("I")
        is_deep = cast("tuple[int, int]", wide.getextrema())[1] > 255
        image = wide.point(lambda value: value / 256).convert("L") if is_deep else wide.convert("L")
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        paper = Image.new("RGB", picture.size, "white")
        paper.paste(picture, mask=picture.getchannel("A"))
        return paper
    return image.convert("RGB")


def _described(image: Image.Image) -> CleanImage:
    buffer = io.BytesIO()
    # A fresh picture of the pixels alone: nothing of the old one's `info` can be written.
    plain = Image.frombytes("RGB", image.size, image.tobytes())
    plain.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    content, grey = buffer.getvalue(), plain.convert("L")
    return CleanImage(
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        width=plain.width,
        height=plain.height,
        sharpness=_sharpness(grey),
        brightness=round(ImageStat.Stat(grey).mean[0]),
        look=_look(grey),
    )


def _sharpness(grey: Image.Image) -> int:
    small = grey.copy()
    small.thumbnail((MEASURED_SIDE, MEASURED_SIDE))
    # The filter leaves the outermost pixels as they were.
    edges = ImageOps.crop(small.filter(LAPLACE), 1) if min(small.size) > 2 else small
    return round(ImageStat.Stat(edges).var[0])


def _look(grey: Image.Image) -> str:
    """64 bits: whether each of 8 × 8 cells is brighter than its right neighbour."""
    tiny = grey.resize((LOOK_SIDE + 1, LOOK_SIDE), Image.Resampling.LANCZOS).tobytes()
    bits = 0
    for row in range(LOOK_SIDE):
        for column in range(LOOK_SIDE):
            cell = row * (LOOK_SIDE + 1) + column
            bits = bits << 1 | (tiny[cell] > tiny[cell + 1])
    return f"{bits:016x}"


def look_distance(one: str, other: str) -> int:
    """How many of 64 bits differ; a picture and its copy differ in very few."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
