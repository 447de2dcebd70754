"""A bell asked for by many rings once, and never before the last of them asked."""

import time
from threading import Event

import pytest
from django.conf import LazySettings

from weilidai.lib.bell import Bell


class Heard:
    """What a bell rings: when it did."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self._rung = Event()

    def __call__(self) -> None:
        self.at.append(time.monotonic())
        self._rung.set()

    def wait(self) -> None:
        assert self._rung.wait(5)
        self._rung.clear()


@pytest.fixture
def _paused(settings: LazySettings) -> None:
    settings.BELL_PAUSE_SECONDS = 0.2


@pytest.mark.usefixtures("_paused")
def test_many_who_ask_within_a_moment_are_one_ring_after_the_last() -> None:
    heard = Heard()
    bell = Bell(heard)
    for _ in range(5):
        bell.ring_soon()
    last = time.monotonic()
    heard.wait()
    assert [at > last for at in heard.at] == [True]


@pytest.mark.usefixtures("_paused")
def test_who_asks_after_a_ring_is_rung_for_again() -> None:
    heard = Heard()
    bell = Bell(heard)
    for _ in range(2):
        bell.ring_soon()
        heard.wait()
    assert len(heard.at) == 2


def test_without_a_pause_it_rings_at_once(settings: LazySettings) -> None:
    settings.BELL_PAUSE_SECONDS = 0
    heard = Heard()
    Bell(heard).ring_soon()
    assert len(heard.at) == 1
