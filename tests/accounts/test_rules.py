from datetime import date

import pytest

from accounts import rules

AS_OF = date(2026, 11, 20)


def codes(faults: list[rules.Fault]) -> list[str]:
    return [fault["code"] for fault in faults]


@pytest.mark.req("R3")
@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014"])
def test_numbers_of_the_national_standard_pass(number: str) -> None:
    assert rules.id_number_faults(number, AS_OF) == []


@pytest.mark.req("R3")
@pytest.mark.parametrize(
    "number",
    [
        "110105194912310021",  # wrong check digit
        "11010519491331002X",  # thirteenth month
        "11010519490230002X",  # 30 February
        "1101054912310",  # the old short form
        "",
        "1101051949123100２X",  # a full-width digit
        "01010519491231002X",
        "11010519491231002x",  # callers write it in capitals
        "1" * 5000,
    ],
)
def test_numbers_that_are_none_fail(number: str) -> None:
    assert codes(rules.id_number_faults(number, AS_OF)) == ["invalid"]


@pytest.mark.req("R3")
def test_adult_on_the_eighteenth_birthday_and_not_a_day_before() -> None:
    born_2008_11_20 = "110101200811200014"[:17] + "7"
    number = next(born_2008_11_20[:17] + end for end in "0123456789X" if _is_valid(born_2008_11_20[:17] + end))
    assert rules.id_number_faults(number, date(2026, 11, 20)) == []
    assert codes(rules.id_number_faults(number, date(2026, 11, 19))) == ["under_age"]


def _is_valid(number: str) -> bool:
    return rules.id_number_faults(number, date(2090, 1, 1)) == []


@pytest.mark.req("R3")
def test_born_after_today_is_refused() -> None:
    number = next("11010120270101001" + end for end in "0123456789X" if _is_valid("11010120270101001" + end))
    assert codes(rules.id_number_faults(number, AS_OF)) == ["under_age"]


@pytest.mark.parametrize("name", ["张三", "阿卜杜拉·买买提", "John A. Smith"])
def test_names_of_people_pass(name: str) -> None:
    assert rules.name_faults(name) == []


@pytest.mark.parametrize("name", ["", "张", "<b>张三</b>", "张\n三", "x" * 61, "张三;--"])
def test_names_of_nobody_fail(name: str) -> None:
    assert codes(rules.name_faults(name)) == ["invalid"]


@pytest.mark.req("R3")
@pytest.mark.parametrize("number", ["6222020200000000006", "4111111111111111"])
def test_card_numbers_by_luhn_pass(number: str) -> None:
    assert rules.card_number_faults(number) == []


@pytest.mark.req("R3")
@pytest.mark.parametrize(
    "number",
    [
        "6222020200000000007",
        "4111111111111112",
        "",
        "18",
        "0" * 20,
        "4111-1111-1111-1111",
        "４１１１１１１１１１１１１１１１",
    ],
)
def test_card_numbers_that_are_none_fail(number: str) -> None:
    assert codes(rules.card_number_faults(number)) == ["invalid"]


@pytest.mark.parametrize("raw", ["13800138000", "+86 138 0013 8000", "0086-13800138000"])
def test_a_mobile_number_is_eleven_digits_however_written(raw: str) -> None:
    assert rules.phone_of(raw) == "13800138000"


@pytest.mark.parametrize("raw", ["", "12", "010-12345678", "+1 650 253 0000", "phone", "1" * 400])
def test_other_numbers_are_no_mobile(raw: str) -> None:
    assert rules.phone_of(raw) is None


@pytest.mark.req("R11")
@pytest.mark.parametrize("password", ["12345", "1234567", "12345a", "", "１２３４５６", " 12345"])
def test_a_payment_password_is_six_digits(password: str) -> None:
    assert codes(rules.payment_password_faults(password)) == ["invalid"]
    assert rules.payment_password_faults("135790") == []
