from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisDown
from rest_framework.exceptions import Throttled

from tests.lib.conftest import Person, call
from tests.lib.test_problems import Echo
from weilidai.lib.throttling import count_hit, throttle_or_raise


@pytest.fixture(autouse=True)
def _rates(settings: Settings) -> None:
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "money": (3, 60), "customer": (2, 3600)}


def hits(times: int, key: str = "alice", now: float = 600.0) -> list[bool]:
    return [count_hit("money", key, now=now)[0] for _ in range(times)]


@pytest.mark.req("R37")
def test_three_pass_and_the_fourth_does_not() -> None:
    assert hits(4) == [True, True, True, False]


def test_everybody_has_a_count_of_their_own() -> None:
    hits(4)
    assert hits(1, "bob") == [True]


def test_the_next_window_counts_anew() -> None:
    assert hits(4, now=659.9)[3] is False
    assert hits(1, now=660.0) == [True]


@pytest.mark.parametrize(("now", "wait"), [(600.0, 61), (630.0, 31), (659.5, 1)])
def test_it_tells_how_long_to_wait(now: float, wait: int) -> None:
    assert count_hit("money", "alice", now=now)[1] == wait


@pytest.mark.req("R37")
def test_calls_at_once_never_slip_through() -> None:
    with ThreadPoolExecutor(16) as pool:
        passed = list(pool.map(lambda _: count_hit("money", "alice", now=600.0)[0], range(200)))
    assert passed.count(True) == 3


@pytest.mark.parametrize("error", [RedisDown(), OSError(), ValueError()])
def test_a_broken_counter_lets_calls_through(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def broken(name: str) -> int:
        raise error

    monkeypatch.setattr(cache, "incr", broken)
    assert hits(9) == [True] * 9


def test_outside_views_it_raises() -> None:
    for _ in range(3):
        throttle_or_raise("money", "alice")
    with pytest.raises(Throttled):
        throttle_or_raise("money", "alice")


def test_a_view_counts_per_person() -> None:
    alice, bob = Person(), Person()

    def answer(user: Any) -> Any:
        return call(Echo, body={}, format="json", user=user)

    answers = [answer(alice) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 0
    assert answer(bob).status_code == 200
