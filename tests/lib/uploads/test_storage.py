import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from django.core.files.storage import storages

from weilidai.lib.uploads import private_delete, private_names, private_read, private_storage_in, private_write

pytestmark = pytest.mark.req("R39")
PLAIN = b"\xff\xd8\xff an identity card"


def path_of(name: str) -> Path:
    return Path(storages["private"].path(name))


def test_on_disk_there_is_ciphertext_that_only_we_may_read() -> None:
    name = private_write(PLAIN, bound_to="image:1")
    raw = path_of(name).read_bytes()
    assert b"identity" not in raw
    assert not raw.startswith(b"\xff\xd8")
    assert path_of(name).stat().st_mode & 0o777 == 0o600
    assert path_of(name).parent.stat().st_mode & 0o777 == 0o700
    assert private_read(name, bound_to="image:1") == PLAIN


def test_names_are_random_and_say_nothing() -> None:
    names = {private_write(PLAIN, bound_to="image:1") for _ in range(5)}
    assert len(names) == 5
    assert all(len(name) == 35 and name[:2] == name[3:5] for name in names)


def test_a_file_put_in_anothers_place_or_altered_is_noticed() -> None:
    name = private_write(PLAIN, bound_to="image:1")
    with pytest.raises(InvalidTag):
        private_read(name, bound_to="image:2")
    raw = bytearray(path_of(name).read_bytes())
    raw[-1] ^= 1
    os.chmod(path_of(name), 0o600)
    path_of(name).write_bytes(raw)
    with pytest.raises(InvalidTag):
        private_read(name, bound_to="image:1")


def test_no_address_leads_to_a_file() -> None:
    name = private_write(PLAIN, bound_to="image:1")
    with pytest.raises(ValueError, match="no address"):
        storages["private"].url(name)


def test_deleting_twice_is_deleting_once_and_old_names_are_listed() -> None:
    name = private_write(PLAIN, bound_to="image:1")
    now = datetime.now(UTC)
    assert name in set(private_names(before=now + timedelta(minutes=1)))
    assert name not in set(private_names(before=now - timedelta(minutes=1)))
    private_delete(name)
    private_delete(name)
    assert name not in set(private_names(before=now + timedelta(minutes=1)))
    with pytest.raises(FileNotFoundError):
        private_read(name, bound_to="image:1")


def test_a_file_that_another_process_deletes_meanwhile_is_passed_over() -> None:
    now = datetime.now(UTC)
    names = {private_write(PLAIN, bound_to="image:1") for _ in range(2)}
    folder = path_of(next(iter(names))).parent.parent
    dangling = folder / "zz" / "gone"
    dangling.parent.mkdir(exist_ok=True)
    dangling.symlink_to(folder / "nothing")
    try:
        assert names <= set(private_names(before=now + timedelta(minutes=1)))
    finally:
        dangling.unlink()


def test_inside_the_block_pictures_lie_in_another_folder(tmp_path: Path) -> None:
    outside = private_write(b"outside", bound_to="a")
    with private_storage_in(tmp_path):
        inside = private_write(b"inside", bound_to="b")
        assert private_read(inside, bound_to="b") == b"inside"
        with pytest.raises(FileNotFoundError):
            private_read(outside, bound_to="a")
    assert (tmp_path / inside).exists()
    assert private_read(outside, bound_to="a") == b"outside"
    with pytest.raises(FileNotFoundError):
        private_read(inside, bound_to="b")
