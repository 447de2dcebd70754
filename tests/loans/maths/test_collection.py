"""R60: what a strategy asks for, on both edges of every bucket, and which definitions never come into force."""

import copy
import json
from decimal import Decimal
from typing import Any

import pytest

from accounts.notices import DEBT_KINDS, NOTICES, SMS_KINDS
from loans.maths.collection import (
    CALL,
    NOTICE,
    SMS,
    TEMPLATES,
    DefinitionInvalid,
    Plan,
    Step,
    plan,
    strategies_read,
)
from loans.maths.delinquency import BUCKETS
from loans.services.collection_policy import PRESET
from tests.loans.strategies import call, definition, message

pytestmark = pytest.mark.req("R60")

EDGES = [(1, 30), (31, 60), (61, 90), (91, 180), (181, 270), (271, 360), (361, None)]


def planned(given: dict[str, Any], days: int, *taken: str, late_days: int = 7) -> Plan:
    return plan(strategies_read(given), days=days, segment="all", taken=taken, late_days=late_days)


@pytest.mark.parametrize(("first", "last"), EDGES)
def test_a_bucket_begins_and_ends_on_its_edges(first: int, last: int | None):
    rows = [
        {"bucket": band.code, "segment": "all", "steps": [call(0, number)]}
        for number, band in enumerate(BUCKETS)
        if band.days_min
    ]
    strategies = strategies_read({"segments": [{"code": "all"}], "strategies": rows})
    own = EDGES.index((first, last)) + 1

    def priority(days: int) -> int:
        step = plan(strategies, days=days, segment="all", taken=(), late_days=7).call
        return step.priority if step else 0

    assert (priority(first - 1), priority(first)) == (own - 1, own)
    if last is not None:
        assert (priority(last), priority(last + 1)) == (own, own + 1)


def test_a_step_comes_on_its_day_and_not_the_day_before():
    given = definition(first=[message(4)])
    assert planned(given, 4) == Plan()
    assert planned(given, 5) == Plan(message=Step(5, SMS, "collection_reminder"))


def test_a_step_taken_is_not_taken_again():
    assert planned(definition(first=[message(4), call(4)]), 6, "5:sms", "5:call") == Plan()


@pytest.mark.parametrize("days", [0, 1, 7, 25])
def test_a_message_is_made_up_for_so_many_days_and_then_passed_over(days: int):
    given = definition(first=[message(4)])
    assert planned(given, 5 + days, late_days=days).message == Step(5, SMS, "collection_reminder")
    if days == 25:
        assert planned(given, 6 + days, late_days=days) == Plan()
        return
    late = planned(given, 6 + days, late_days=days)
    assert (late.message, late.passed) == (None, (Step(5, SMS, "collection_reminder"),))


def test_of_several_missed_messages_only_the_newest_is_sent():
    done = planned(definition(first=[message(4), message(6), message(8)]), 10)
    assert done.message == Step(9, SMS, "collection_reminder")
    assert [step.day for step in done.passed] == [5, 7]


def test_nothing_older_is_sent_after_a_newer_message():
    done = planned(definition(first=[message(4), message(6)]), 8, "7:sms")
    assert (done.message, [step.day for step in done.passed]) == (None, [5])


def test_a_call_is_never_too_late_in_its_bucket_and_several_are_the_most_urgent_one():
    done = planned(definition(first=[call(0, 3), call(9, 7), call(12, 2)]), 30)
    assert done.call == Step(10, CALL, priority=7)
    assert [step.day for step in done.passed] == [1, 13]
    assert planned(definition(first=[call(0, 3)]), 31).call is None


def test_nothing_is_asked_for_before_the_first_day():
    assert planned(definition(first=[message(0)]), 0) == Plan()


def test_the_first_segment_that_fits_holds_with_amounts_from_and_below():
    given = definition()
    given["segments"] = [
        {"code": "large", "amount_min": "20000.00"},
        {"code": "middle", "amount_min": "1000.00", "amount_max": "20000.00", "tiers": ["new"], "products": ["p"]},
        {"code": "all"},
    ]
    given["strategies"] = [
        {**row, "segment": code} for row in given["strategies"] for code in ("large", "middle", "all")
    ]
    of = strategies_read(given).segment_of
    assert of("p", "new", Decimal("20000.00")) == "large"
    assert of("p", "new", Decimal("19999.99")) == "middle"
    assert of("p", "new", Decimal("1000.00")) == "middle"
    assert of("p", "new", Decimal("999.99")) == "all"
    assert of("p", "vip", Decimal("1000.00")) == "all"
    assert of("q", "new", Decimal("1000.00")) == "all"


def broken() -> list[Any]:
    good = definition(first=[message(4)])

    def but(change: Any) -> dict[str, Any]:
        row = copy.deepcopy(good)
        change(row)
        return row

    first = "strategies"
    return [
        None,
        [],
        {},
        {"segments": []},
        {**good, "more": 1},
        but(lambda d: d.update(segments=[])),
        but(lambda d: d.update(segments=[{"code": "all"}, {"code": "all"}])),
        but(lambda d: d.update(segments=[{"code": "all", "tiers": ["new"]}])),
        but(lambda d: d.update(segments=[{"code": ""}])),
        but(lambda d: d["segments"].insert(0, {"code": "a", "amount_min": 5})),
        but(lambda d: d["segments"].insert(0, {"code": "a", "amount_min": "-1"})),
        but(lambda d: d["segments"].insert(0, {"code": "a", "amount_min": "5", "amount_max": "5"})),
        but(lambda d: d["segments"].insert(0, {"code": "a", "amount_min": "NaN"})),
        but(lambda d: d[first].pop()),
        but(lambda d: d[first].append(d[first][0])),
        but(lambda d: d[first][0].update(bucket="0")),
        but(lambda d: d[first][0].update(segment="nobody")),
        but(lambda d: d[first][0].update(steps=[message(30)])),
        but(lambda d: d[first][0].update(steps=[message(-1)])),
        but(lambda d: d[first][0].update(steps=[message(1), {**message(1), "channel": NOTICE}])),
        but(lambda d: d[first][0].update(steps=[message(1, "collection_help")])),
        but(lambda d: d[first][0].update(steps=[{"day": True, "channel": CALL, "priority": 1}])),
        but(lambda d: d[first][0].update(steps=[call(1, 0)])),
        but(lambda d: d[first][0].update(steps=[call(1, 10)])),
        but(lambda d: d[first][0].update(steps=[{**call(1), "template": "collection_help"}])),
        but(lambda d: d[first][0].update(steps=[{"day": 1, "channel": []}])),
        but(lambda d: d[first][0].update(steps=[1])),
    ]


@pytest.mark.parametrize("number", range(len(broken())))
def test_a_broken_definition_is_refused_in_words(number: int):
    with pytest.raises(DefinitionInvalid, match=r"\w"):
        strategies_read(broken()[number])


def test_the_last_day_of_a_bucket_may_have_a_step():
    assert planned(definition(first=[message(29)]), 30).message == Step(30, SMS, "collection_reminder")


def test_the_shipped_strategies_can_be_read_and_stay_away_from_the_days_of_the_reminders():
    strategies = strategies_read(json.loads(PRESET.read_text(encoding="utf-8"))["definition"])
    reminded = {1, 3, 7, 15, 30}
    messages = {s.day for steps in strategies.steps.values() for s in steps if s.channel != CALL}
    assert len(strategies.steps) == 21
    assert not messages & reminded


def test_the_texts_know_their_channel():
    assert set(TEMPLATES[SMS]) <= DEBT_KINDS <= SMS_KINDS
    assert not set(TEMPLATES[NOTICE]) & SMS_KINDS


@pytest.mark.parametrize("kind", sorted({kind for kinds in TEMPLATES.values() for kind in kinds}))
def test_a_text_tells_no_amount_and_threatens_nobody(kind: str):
    text = " ".join(str(part) for part in NOTICES[kind]).lower()
    told = text.format(days=40, due_date="2026-10-15")
    assert "{" not in told
    for word in ("police", "court", "lawsuit", "family", "employer", "relative", "friend", "arrest", "blacklist",
                 "immediately", "final", "last chance", "yuan", "http"):  # fmt: skip
        assert word not in told
