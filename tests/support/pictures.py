"""Pictures made on the spot: good ones that differ, and hostile ones of every kind."""

import io
import random
import struct
import zlib
from typing import Any

from PIL import Image, ImageDraw


def drawing(seed: int = 1, size: tuple[int, int] = (900, 600), mode: str = "RGB") -> Image.Image:
    """Coloured boxes with sharp edges, others for every seed."""
    dice = random.Random(seed)
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    for _ in range(120):
        x, y = dice.randrange(size[0]), dice.randrange(size[1])
        box = [x, y, x + dice.randrange(10, 120), y + dice.randrange(10, 120)]
        pen.rectangle(box, fill=tuple(dice.randrange(256) for _ in range(3)))
    return image if mode == "RGB" else image.convert(mode)


def saved(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photo(seed: int = 1, size: tuple[int, int] = (900, 600), kind: str = "JPEG", **options: Any) -> bytes:
    """What a phone sends."""
    return saved(drawing(seed, size), kind, **options)


def located_photo(seed: int = 1, orientation: int = 6) -> bytes:
    """With the camera's name, the place, and the picture lying on its side."""
    image = drawing(seed)
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SpyCam 3000"
    exif.get_ifd(0x8825)[2] = (39.0, 54.0, 26.0)
    return saved(image, exif=exif, icc_profile=b"secret profile" * 20, comment=b"secret comment")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_claiming(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG whose header says what it likes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(pixels)) + _chunk(b"IEND", b"")
    )


def bomb_png() -> bytes:
    """20 000 × 20 000 black pixels in less than half a megabyte."""
    return png_claiming(20_000, 20_000, bytes(20_001 * 20_000))


def jpeg_claiming(width: int, height: int) -> bytes:
    """A good JPEG with other dimensions written over its own."""
    data = bytearray(photo())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def jpeg_of_scans(count: int) -> bytes:
    """A progressive JPEG with its last scan, of a few bytes, repeated until there are so many."""
    data = saved(Image.new("RGB", (64, 64), "white"), progressive=True)
    starts = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\xda"]
    return data[:-2] + data[starts[-1] : -2] * (count - len(starts)) + data[-2:]


def webp_claiming(width: int, height: int) -> bytes:
    """A WebP whose canvas measures what it likes."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + (10).to_bytes(4, "little") + bytes(4) + canvas + photo(kind="WEBP")[12:]
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def png_of_text_bomb() -> bytes:
    """A good PNG behind a compressed remark of 100 MB."""
    data = photo(kind="PNG")
    return data[:33] + _chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(100_000_000), 9)) + data[33:]


def moving_webp() -> bytes:
    return saved(drawing(1), "WEBP", save_all=True, append_images=[drawing(2)], duration=100)


def moving_png() -> bytes:
    return saved(drawing(1), "PNG", save_all=True, append_images=[drawing(2)], duration=100)


SCRIPT = b"<script>alert(1)</script>"
POLYGLOT_TAIL = b"PK\x03\x04 evil.jar <?php system($_GET[0]); ?>" + SCRIPT

# Name → (bytes, reason for which it is refused).
HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "text": (b"hello, I am a picture", "type_not_accepted"),
    "gif": (saved(drawing(1), "GIF"), "type_not_accepted"),
    "bmp": (saved(drawing(1), "BMP"), "type_not_accepted"),
    "tiff": (saved(drawing(1), "TIFF"), "type_not_accepted"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>", "type_not_accepted"),
    "pdf": (b"%PDF-1.7\n" + photo(), "type_not_accepted"),
    "html": (b"<!doctype html>" + SCRIPT, "type_not_accepted"),
    "riff of another kind": (b"RIFF\x10\x00\x00\x00WAVEfmt ", "type_not_accepted"),
    "jpeg behind a byte": (b"\x00" + photo(), "type_not_accepted"),
    "magic only": (b"\xff\xd8\xff", "unreadable"),
    "png magic only": (b"\x89PNG\r\n\x1a\n", "unreadable"),
    "webp magic only": (b"RIFF\x04\x00\x00\x00WEBP", "unreadable"),
    "jpeg magic before a page": (b"\xff\xd8\xff\xe0" + SCRIPT * 50, "unreadable"),
    "truncated jpeg": (photo()[:2000], "unreadable"),
    "truncated png": (photo(kind="PNG")[:3000], "unreadable"),
    "truncated webp": (photo(kind="WEBP")[:2000], "unreadable"),
    "png without pixels": (png_claiming(100, 100), "unreadable"),
    "png of no width": (png_claiming(0, 100), "unreadable"),
    "bomb": (bomb_png(), "too_many_pixels"),
    "huge png": (png_claiming(2**31 - 1, 2**31 - 1), "too_many_pixels"),
    "huge jpeg": (jpeg_claiming(65_000, 65_000), "too_many_pixels"),
    "huge webp": (webp_claiming(16_384, 16_384), "too_many_pixels"),
    "png of a text bomb": (png_of_text_bomb(), "unreadable"),
    "jpeg of a thousand scans": (jpeg_of_scans(1000), "too_many_scans"),
    "moving webp": (moving_webp(), "animated"),
    "moving png": (moving_png(), "animated"),
}
