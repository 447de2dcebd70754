from decimal import Decimal as D

import pytest

from weilidai.lib.money import floor_money, round_money, round_rate, split_evenly


@pytest.mark.parametrize(
    ("amount", "rounded", "floored"),
    [
        ("0.004", "0.00", "0.00"),
        ("0.005", "0.01", "0.00"),
        ("0.015", "0.02", "0.01"),
        ("0.025", "0.03", "0.02"),
        ("2.999", "3.00", "2.99"),
        ("-0.005", "-0.01", "-0.00"),
        ("9999999999999999.995", "10000000000000000.00", "9999999999999999.99"),
        ("7", "7.00", "7.00"),
    ],
)
def test_half_a_fen_goes_up_and_floor_goes_towards_zero(amount: str, rounded: str, floored: str) -> None:
    assert (str(round_money(D(amount))), str(floor_money(D(amount)))) == (rounded, floored)


@pytest.mark.parametrize(("rate", "rounded"), [("0.0003335", "0.000334"), ("0.0003334", "0.000333")])
def test_rates_have_six_places_half_up(rate: str, rounded: str) -> None:
    assert str(round_rate(D(rate))) == rounded


@pytest.mark.parametrize(
    ("amount", "parts", "pieces"),
    [
        ("100.00", 3, ["33.33", "33.33", "33.34"]),
        ("1000.00", 12, ["83.33"] * 11 + ["83.37"]),
        ("0.02", 3, ["0.00", "0.00", "0.02"]),
        ("8000.00", 1, ["8000.00"]),
        ("0.00", 2, ["0.00", "0.00"]),
    ],
)
def test_the_last_part_takes_the_remainder(amount: str, parts: int, pieces: list[str]) -> None:
    assert [str(piece) for piece in split_evenly(D(amount), parts)] == pieces


@pytest.mark.parametrize("fen", [1, 7, 99, 100_01, 123_456_789])
@pytest.mark.parametrize("parts", [3, 6, 7, 12])
def test_parts_sum_to_the_whole_and_none_is_less_than_the_first(fen: int, parts: int) -> None:
    amount = D(fen) / 100
    pieces = split_evenly(amount, parts)
    assert (sum(pieces), len(pieces), min(pieces)) == (amount, parts, pieces[0])


@pytest.mark.parametrize("parts", [0, -1])
def test_nothing_is_split_into_no_part(parts: int) -> None:
    with pytest.raises(ValueError, match="at least one part"):
        split_evenly(D("1.00"), parts)
