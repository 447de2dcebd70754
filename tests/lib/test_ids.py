import time

import pytest

from weilidai.lib.ids import uuid7


def test_it_is_version_7_of_the_rfc_variant() -> None:
    made = [uuid7() for _ in range(1000)]
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    assert len(set(made)) == 1000


def test_later_ones_sort_after_earlier_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([1_000_000 * n for n in (1, 2, 255, 256, 1_795_000_000_000, 1_795_000_000_001)])
    monkeypatch.setattr(time, "time_ns", lambda: next(clock))
    made = [str(uuid7()) for _ in range(6)]
    assert made == sorted(made)


def test_the_first_48_bits_are_the_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 0x0123456789AB * 1_000_000 + 999_999)
    assert str(uuid7()).startswith("01234567-89ab-7")


def test_those_of_one_moment_sort_as_they_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_795_000_000_000 * 1_000_000)
    made = [uuid7() for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == 1000
