"""The made-up population: rows the feeds take, the same every time, people on both sides of each edge."""

import json
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from stdnum import luhn

from accounts.rules import card_number_faults, id_number_faults, phone_of
from risk.feeds.kinds import KINDS
from risk.feeds.parse import Rejection, parse_line
from weilidai.demo import assumptions as a
from weilidai.demo.people import RESERVED_ENDINGS, person
from weilidai.demo.population import FEEDS, write_population

THROUGH = date(2026, 11, 20)
CUSTOMERS = 30
Feeds = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("population")
    write_population(directory, customers=CUSTOMERS, through=THROUGH, seed=7)
    return directory


@pytest.fixture(scope="module")
def feeds(folder: Path) -> Feeds:
    return {kind: [json.loads(line) for line in (folder / f"{kind}.ndjson").open(encoding="utf-8")] for kind in FEEDS}


def _of(feeds: Feeds, kind: str, name: str) -> list[dict[str, Any]]:
    return [row for row in feeds[kind] if row["openid"] == f"edge-{name}"]


def _opens(feeds: Feeds, name: str, month: str) -> int:
    return sum(row["opens"] for row in _of(feeds, "activity", name) if row["date"].startswith(month))


def _amount(feeds: Feeds, name: str, kind: str) -> Decimal:
    return sum((Decimal(row["amount"]) for row in _of(feeds, "payments", name) if row["kind"] == kind), Decimal("0.00"))


def _holdings(feeds: Feeds, name: str) -> set[Decimal]:
    parts = ("current_fund_mean", "wealth_products", "deposits")
    return {sum((Decimal(row[part]) for part in parts), Decimal(0)) for row in _of(feeds, "assets", name)}


def _readings(feeds: Feeds, name: str, item: str) -> list[tuple[int, str]]:
    return [(row["months"], row["state"]) for row in _of(feeds, "auxiliary", name) if row["item"] == item]


# --- Format -----------------------------------------------------------------------------------------------------


def test_the_ten_kinds_are_those_of_the_feeds() -> None:
    assert set(FEEDS) == set(KINDS)


@pytest.mark.parametrize("kind", FEEDS)
def test_every_row_is_taken_by_the_feed(folder: Path, kind: str) -> None:
    lines = (folder / f"{kind}.ndjson").read_bytes().splitlines()
    parsed = [parse_line(KINDS[kind], line, number, THROUGH) for number, line in enumerate(lines, start=1)]
    assert [row for row in parsed if isinstance(row, Rejection)] == []
    assert len(parsed) >= CUSTOMERS


@pytest.mark.parametrize("kind", FEEDS)
def test_row_ids_are_unique_in_a_kind(feeds: Feeds, kind: str) -> None:
    assert len({row["id"] for row in feeds[kind]}) == len(feeds[kind])


def test_every_row_belongs_to_one_of_the_customers(feeds: Feeds) -> None:
    known = {row["openid"] for row in feeds["customers"]}
    assert {row["openid"] for kind in FEEDS for row in feeds[kind]} == known
    assert {row["friend"] for row in feeds["friends"]} <= known


def test_activity_covers_thirteen_months_without_a_gap(feeds: Feeds) -> None:
    days = sorted(row["date"] for row in feeds["activity"] if row["openid"] == "demo-00001")
    assert (days[0], days[-1], len(days)) == ("2025-10-13", "2026-11-19", 403)


def test_nobody_is_a_friend_of_oneself_or_twice(feeds: Feeds) -> None:
    pairs = [(row["openid"], row["friend"]) for row in feeds["friends"]]
    assert len(set(pairs)) == len(pairs)
    assert [pair for pair in pairs if pair[0] == pair[1]] == []


# --- The same every time ----------------------------------------------------------------------------------------


def test_the_same_seed_and_date_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_population(tmp_path, customers=CUSTOMERS, through=THROUGH, seed=7)
    assert [kind for kind in FEEDS if (tmp_path / f"{kind}.ndjson").read_bytes() != _bytes(folder, kind)] == []


def test_another_seed_gives_other_people(folder: Path, tmp_path: Path) -> None:
    write_population(tmp_path, customers=CUSTOMERS, through=THROUGH, seed=8)
    assert [kind for kind in FEEDS if (tmp_path / f"{kind}.ndjson").read_bytes() == _bytes(folder, kind)] == []


def _bytes(folder: Path, kind: str) -> bytes:
    return (folder / f"{kind}.ndjson").read_bytes()


def test_counts_and_progress_tell_the_rows_of_each_kind(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    counts = write_population(
        tmp_path, customers=5, through=THROUGH, seed=7, progress=lambda kind, rows: told.append((kind, rows))
    )
    assert told == list(counts.items())
    assert counts == {
        kind: len((tmp_path / f"{kind}.ndjson").read_text(encoding="utf-8").splitlines()) for kind in FEEDS
    }
    assert counts["customers"] == 5 + len(a.EDGES)


# --- Both sides of the edges ------------------------------------------------------------------------------------


@pytest.mark.req("R2")
@pytest.mark.parametrize(("name", "score"), [("score-599", 599), ("score-600", 600)])
def test_scores_stand_on_both_sides_of_the_minimum(feeds: Feeds, name: str, score: int) -> None:
    assert [row["score"] for row in _of(feeds, "scores", name) if row["name"] == "wechat_pay"] == [score]


@pytest.mark.req("R4")
def test_one_month_is_one_open_short_of_three_a_day(feeds: Feeds) -> None:
    assert _opens(feeds, "three-a-day", "2026-10") == 31 * 3
    assert _opens(feeds, "quiet-month", "2026-10") == 31 * 3 - 1
    assert _opens(feeds, "quiet-month", "2026-09") == 30 * 3


@pytest.mark.req("R24")
@pytest.mark.parametrize(("name", "held"), [("assets-500000", "500000.00"), ("assets-499999", "499999.99")])
def test_assets_stand_on_both_sides_of_the_vip_tier(feeds: Feeds, name: str, held: str) -> None:
    assert _holdings(feeds, name) == {Decimal(held)}


@pytest.mark.req("R6")
@pytest.mark.parametrize(
    ("name", "readings"),
    [("housing-12", [(12, "verified")]), ("housing-11", [(11, "verified")]), ("score-600", [])],
)
def test_housing_fund_stands_on_both_sides_of_twelve_months(
    feeds: Feeds, name: str, readings: list[tuple[int, str]]
) -> None:
    assert _readings(feeds, name, "housing_fund") == readings


@pytest.mark.req("R18")
@pytest.mark.parametrize(("name", "changes"), [("device-hopper", 12), ("score-600", 0)])
def test_one_changes_devices_twelve_times_others_never(feeds: Feeds, name: str, changes: int) -> None:
    devices = [row["device"] for row in _of(feeds, "logins", name)]
    assert sum(old != new for old, new in pairwise(devices)) == changes


@pytest.mark.req("R17")
def test_one_sends_far_more_red_packets_than_come_back(feeds: Feeds) -> None:
    sent, received = (_amount(feeds, "generous", f"red_packet_{way}") for way in ("sent", "received"))
    assert sent > received * 2 > 0


@pytest.mark.req("R50")
def test_one_is_a_student_with_a_high_score(feeds: Feeds) -> None:
    assert [row["occupation"] for row in _of(feeds, "customers", "student")] == ["student"]


@pytest.mark.req("R33")
def test_exactly_one_edge_is_on_the_deny_list(feeds: Feeds) -> None:
    denied = [row["openid"] for row in feeds["bureau"] if row["on_deny_list"] and row["openid"].startswith("edge-")]
    assert denied == ["edge-deny-listed"]


@pytest.mark.req("R5")
@pytest.mark.parametrize(("name", "state"), [("contradicted", "contradicted"), ("score-600", "verified")])
def test_one_has_a_contradicted_item(feeds: Feeds, name: str, state: str) -> None:
    assert [found for _, found in _readings(feeds, name, "employment")] == [state]


# --- People -----------------------------------------------------------------------------------------------------


@pytest.mark.req("R3")
@pytest.mark.parametrize("number", range(1, 40))
def test_a_person_has_valid_numbers_and_is_of_age(number: int) -> None:
    who = person(f"demo-{number:05d}")
    assert id_number_faults(who.id_number, THROUGH) == []
    assert card_number_faults(who.card_number) == []
    assert not who.card_number.endswith(RESERVED_ENDINGS)
    assert phone_of(who.phone) is not None


def test_a_person_is_the_same_every_time_and_differs_from_others() -> None:
    assert person("demo-00001") == person("demo-00001")
    assert person("demo-00001").id_number != person("demo-00002").id_number


@pytest.mark.parametrize("ending", RESERVED_ENDINGS)
def test_a_card_ends_as_asked_and_stays_valid(ending: str) -> None:
    card = person("demo-00001", card_ending=ending).card_number
    assert card.endswith(ending)
    assert luhn.is_valid(card)
