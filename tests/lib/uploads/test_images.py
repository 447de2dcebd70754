"""Hostile and odd pictures: refused by their bytes, or made anew with nothing left but pixels."""

import io
import random
import resource
import time

import pytest
from PIL import Image, ImageFilter
from pytest_django import Settings

from tests.support.pictures import HOSTILE, POLYGLOT_TAIL, drawing, jpeg_of_scans, located_photo, photo, saved
from weilidai.lib.uploads import UploadRejected, image_clean, images_clean, look_distance
from weilidai.lib.uploads.images import SCANS_MAX

pytestmark = pytest.mark.req("R38", "R39")


def reasons(data: bytes) -> list[tuple[str, str]]:
    with pytest.raises(UploadRejected) as caught:
        image_clean(data, field="image")
    return [(item["field"], item["code"]) for item in caught.value.field_errors]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_picture_is_refused_with_its_reason(name: str) -> None:
    data, reason = HOSTILE[name]
    assert reasons(data) == [("image", reason)]


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    assert reasons(HOSTILE["bomb"][0]) == [("image", "too_many_pixels")]
    assert time.monotonic() - started < 0.5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB; unpacked it is 400 MB


def test_the_size_limit_counts_to_the_byte(settings: Settings) -> None:
    data = photo()
    settings.UPLOAD_IMAGE_BYTES_MAX = len(data)
    assert image_clean(data, field="image").width == 900
    settings.UPLOAD_IMAGE_BYTES_MAX = len(data) - 1
    assert reasons(data) == [("image", "too_large")]


def test_the_pixel_limit_counts_to_the_pixel(settings: Settings) -> None:
    settings.UPLOAD_IMAGE_PIXELS_MAX = 900 * 600
    assert image_clean(photo(), field="image").height == 600
    settings.UPLOAD_IMAGE_PIXELS_MAX = 900 * 600 - 1
    assert reasons(photo()) == [("image", "too_many_pixels")]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_three_kinds_become_jpeg(kind: str) -> None:
    clean = image_clean(photo(kind=kind), field="image")
    with Image.open(io.BytesIO(clean.content)) as kept:
        assert (kept.format, kept.mode, kept.size) == ("JPEG", "RGB", (900, 600))
        assert sorted(kept.info) == ["jfif", "jfif_density", "jfif_unit", "jfif_version"]


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("CMYK", "JPEG"), ("L", "JPEG"), ("L", "PNG"), ("P", "PNG"), ("RGBA", "PNG"), ("LA", "PNG"), ("1", "PNG"),
     ("RGBA", "WEBP")],
)  # fmt: skip
def test_every_colour_model_shows_the_same_picture(mode: str, kind: str) -> None:
    plain = image_clean(photo(kind="PNG"), field="image")
    other = image_clean(saved(drawing(mode=mode), kind), field="image")
    assert look_distance(plain.look, other.look) <= 2
    assert abs(plain.brightness - other.brightness) <= 3


def test_sixteen_bits_a_channel_are_scaled_and_not_cut() -> None:
    wide = drawing(mode="L").convert("I").point(lambda value: value * 257).convert("I;16")
    clean = image_clean(saved(wide, "PNG"), field="image")
    assert abs(clean.brightness - image_clean(photo(), field="image").brightness) <= 3


def test_transparency_is_laid_on_white() -> None:
    clean = image_clean(saved(Image.new("RGBA", (50, 50), (0, 0, 0, 0)), "PNG"), field="image")
    assert clean.brightness == 255


def test_place_camera_and_profile_are_gone_and_the_picture_is_upright() -> None:
    sent = located_photo(orientation=6)
    assert b"SpyCam" in sent
    clean = image_clean(sent, field="image")
    assert (clean.width, clean.height) == (600, 900)
    for secret in (b"SpyCam", b"secret", b"Exif", b"ICC_PROFILE"):
        assert secret not in clean.content
    with Image.open(io.BytesIO(clean.content)) as kept:
        assert dict(kept.getexif()) == {}
        upright = drawing().transpose(Image.Transpose.ROTATE_270)
        assert look_distance(clean.look, image_clean(saved(upright), field="image").look) <= 2


def test_broken_metadata_is_left_behind_like_any_other() -> None:
    data = bytearray(located_photo())
    start = data.index(b"Exif\x00\x00") + 6
    data[start : start + 40] = b"\xff" * 40
    assert image_clean(bytes(data), field="image").width == 900


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_second_file_behind_the_picture_is_not_kept(kind: str) -> None:
    clean = image_clean(photo(kind=kind) + POLYGLOT_TAIL, field="image")
    assert b"evil.jar" not in clean.content
    assert b"<script>" not in clean.content
    assert clean.sha256 == image_clean(photo(kind=kind), field="image").sha256


def test_a_phones_second_picture_is_left_behind() -> None:
    two = saved(drawing(1), "MPO", save_all=True, append_images=[drawing(2)])
    assert image_clean(two, field="image").sha256 == image_clean(photo(1), field="image").sha256


def test_large_photos_are_kept_at_a_readable_size() -> None:
    clean = image_clean(photo(size=(4000, 3000)), field="image")
    assert (clean.width, clean.height) == (2400, 1800)


def test_blur_and_darkness_are_measured() -> None:
    sharp = image_clean(photo(), field="image")
    blurred = image_clean(saved(drawing().filter(ImageFilter.GaussianBlur(8))), field="image")
    dark = image_clean(saved(drawing().point(lambda value: value // 20)), field="image")
    assert blurred.sharpness < 30 < 300 < sharp.sharpness
    assert dark.brightness < 20 < sharp.brightness


def test_different_pictures_look_different_and_copies_alike() -> None:
    first, second = image_clean(photo(1), field="a"), image_clean(photo(2), field="b")
    copy = image_clean(photo(1, quality=40), field="c")
    assert look_distance(first.look, second.look) > 10
    assert look_distance(first.look, copy.look) <= 2
    assert first.sha256 != copy.sha256


def test_every_field_at_fault_is_named() -> None:
    with pytest.raises(UploadRejected) as caught:
        images_clean({"one": photo(), "two": b"", "three": b"x"})
    assert [(item["field"], item["code"]) for item in caught.value.field_errors] == [
        ("two", "empty"),
        ("three", "type_not_accepted"),
    ]


def test_the_scans_of_a_jpeg_are_counted() -> None:
    assert image_clean(jpeg_of_scans(SCANS_MAX), field="image").width == 64
    assert reasons(jpeg_of_scans(SCANS_MAX + 1)) == [("image", "too_many_scans")]


def test_what_only_looks_like_a_scan_is_none() -> None:
    remark = saved(drawing(1), comment=b"\xff\xda\x00\x02" * 1000)
    assert image_clean(remark, field="image").sha256 == image_clean(photo(1), field="image").sha256


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_damaged_picture_is_refused_or_read_and_never_anything_else(kind: str) -> None:
    dice, whole = random.Random(kind), photo(size=(120, 80), kind=kind)
    outcomes = set()
    for _ in range(80):
        data = bytearray(whole)
        for _ in range(dice.randrange(1, 8)):
            data[dice.randrange(12, len(data))] = dice.randrange(256)
        outcomes |= outcome(bytes(data[: dice.choice([len(data), dice.randrange(20, len(data))])]))
    assert "unreadable" in outcomes
    assert outcomes <= {"JPEG", "unreadable", "too_many_pixels", "animated", "too_many_scans"}


def outcome(data: bytes) -> set[str]:
    """The format of what is kept, or why nothing is."""
    try:
        clean = image_clean(data, field="image")
    except UploadRejected as refused:
        return {item["code"] for item in refused.field_errors}
    with Image.open(io.BytesIO(clean.content)) as kept:
        return {str(kept.format)}
