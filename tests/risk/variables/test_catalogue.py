"""Two thousand variables and more: each named once, described in both languages, none of them from chats."""

import re
from datetime import date

import numpy as np
import pytest

from risk.rules.scorecard import DIMENSIONS
from risk.rules.variables import DERIVED_NAMES, VARIABLE_NAMES
from risk.variables.catalogue import by_name, catalogue, search, shape, variable_get
from risk.variables.compute import Values, compute
from risk.variables.frame import Packed, month_start
from risk.variables.measures import CODES, INDEX, PRESENCE, SOURCES
from risk.variables.packing import month_pack

pytestmark = pytest.mark.req("R16")
AS_OF = date(2026, 11, 20)


def test_there_are_more_than_two_thousand_different_ones():
    variables = catalogue()
    assert len(variables) >= 2000
    for column in ("name", "zh", "en"):
        assert len({getattr(variable, column) for variable in variables}) == len(variables), column


def test_each_says_what_it_is():
    for variable in catalogue():
        assert re.fullmatch(r"[a-z][a-z0-9_]+", variable.name), variable
        assert variable.dimension in DIMENSIONS, variable
        assert variable.source in SOURCES, variable
        assert (variable.unit, variable.scale) in {
            ("yuan", 100), ("count", 1), ("days", 1), ("months", 1), ("ratio", 1_000_000),
            ("yuan", 100_000_000), ("minutes", 1_000_000),
        }, variable  # fmt: skip
        assert re.search(r"[\u4e00-\u9fff]", variable.zh), variable
        assert variable.en.isascii() or "÷" in variable.en, variable


def test_every_dimension_and_source_has_its_share():
    assert set(shape().dimensions) == set(DIMENSIONS)
    assert set(shape().sources) == set(SOURCES)
    assert sum(shape().families.values()) == len(catalogue())


@pytest.mark.req("R19")
def test_none_is_derived_from_the_content_of_chats():
    forbidden = re.compile(r"chat|message|text|moments|聊天|消息|朋友圈|语音", re.I)
    assert [v.name for v in catalogue() if forbidden.search(f"{v.name} {v.zh} {v.en}")] == []
    assert [code for code in CODES if forbidden.search(code)] == []


@pytest.mark.req("R20", "R57")
def test_digital_rmb_is_a_family_that_needs_consent():
    found = [v for v in catalogue() if "ecny" in v.name and v.name != "ecny_of_payment"]
    assert len(found) > 50
    assert {v.consent for v in found} == {"ecny_wallet"}
    assert {v.dimension for v in found} == {"capacity"}


def test_names_of_the_facts_are_not_taken():
    assert not set(VARIABLE_NAMES + DERIVED_NAMES) & set(by_name())


def test_no_two_variables_are_the_same_by_definition():
    """On lives in which everything happens differently, any two columns differ somewhere."""
    values = lives(40)
    columns: dict[bytes, list[str]] = {}
    for number, name in enumerate(values.names):
        key = values.numbers[:, number].tobytes() + values.missing[:, number].tobytes()
        columns.setdefault(key, []).append(name)
    assert [names for names in columns.values() if len(names) > 1] == []


def lives(size: int) -> Values:
    """People of whom every measure has rows, at random."""
    dice = np.random.default_rng(5)
    months = [
        Packed(person, month_start(AS_OF, back), month_pack(random_month(dice, busy=person % 2 == 0)))
        for person in range(size)
        for back in range(14)
    ]
    return compute(size, AS_OF, months)


def random_month(dice: np.random.Generator, *, busy: bool) -> dict[tuple[int, int], int]:
    presence = {(day, INDEX[code]): 1 for day in range(28) for code in PRESENCE}
    happening = dice.permutation(len(CODES))[: len(CODES) if busy else 60]
    many = 3000 if busy else 700
    cells = zip(dice.integers(0, 28, many), dice.choice(happening, many), dice.integers(1, 10**6, many), strict=True)
    return presence | {(int(day), int(measure)): int(value) for day, measure, value in cells}


def test_variables_are_found_by_words_and_filters():
    names = [v.name for v in search("近90天 红包 合计")]
    assert names == ["red_packet_sent_amount_sum_90d", "red_packet_sent_count_sum_90d",
                     "red_packet_received_amount_sum_90d", "red_packet_received_count_sum_90d"]  # fmt: skip
    assert search("RED packets total 90", dimension="consumption") == []
    assert {v.source for v in search(source="bureau")} == {"bureau"}
    assert search("no such words") == []
    assert variable_get("card_utilisation").unit == "ratio"
    with pytest.raises(KeyError):
        variable_get("nonsense")
