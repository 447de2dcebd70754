"""`me` and its papers: good input, then everything a client could send instead."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import BankCard, Customer
from tests.accounts.api.test_signing_in import code_of
from tests.accounts.builders import NAME, PHONE, Client, card_number_of, customer_make, id_number_of

pytestmark = pytest.mark.django_db
PAPERS = {"name": NAME, "id_number": id_number_of(3)}
CARD = {"number": card_number_of(8), "holder": NAME, "phone": PHONE}
# What is no text a field could hold, whatever the field.
NOT_TEXT: list[Any] = [None, True, [], ["a"], {}, {"a": 1}, "", "x" * 5000]


def test_profile_shows_masked_names_and_numbers(alice: Customer, alice_client: Client) -> None:
    assert alice_client.call("get", "me").json() == {
        "id": str(alice.pk),
        "openid": "alice",
        "name": "张*",
        "id_number": "110***********" + id_number_of(1)[-4:],
        "phone": "138****8000",
        "occupation": "",
        "student": False,
        "city": "",
        "language": "zh-hans",
        "identity_verified": True,
        "bank_card_verified": True,
        "payment_password_set": True,
        "verification": {"locked": False, "retry_at": None, "attempts_left": 4},
    }


def test_a_newcomers_profile_is_empty(newcomer_client: Client) -> None:
    body = newcomer_client.call("get", "me").json()
    assert (body["name"], body["id_number"], body["phone"]) == ("", "", "")
    assert (body["identity_verified"], body["bank_card_verified"], body["payment_password_set"]) == (
        False,
        False,
        False,
    )


def test_profile_takes_five_queries(
    alice_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    alice_client.call("get", "me")
    with django_assert_max_num_queries(5):
        alice_client.call("get", "me")


def test_profile_changes_what_is_the_customers_to_say(alice_client: Client) -> None:
    answer = alice_client.call("patch", "me", {"occupation": "micro_merchant", "student": True, "language": "en"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["occupation"], body["student"], body["language"]) == ("micro_merchant", True, "en")


def test_other_fields_are_left_alone(alice_client: Client) -> None:
    answer = alice_client.call("patch", "me", {"openid": "bob", "identity_verified": False, "city": "x", "id": "1"})
    assert answer.status_code == 200
    assert (answer.json()["openid"], answer.json()["identity_verified"], answer.json()["city"]) == ("alice", True, "")


@pytest.mark.dealt
@pytest.mark.parametrize(
    "body",
    [{"occupation": value} for value in ["pilot", *NOT_TEXT]]
    + [{"language": value} for value in ["fr", *NOT_TEXT]]
    + [{"student": value} for value in ["maybe", None, [], {}, 2]],
)
def test_values_the_profile_cannot_take(alice_client: Client, body: dict[str, Any]) -> None:
    answer = alice_client.call("patch", "me", body)
    assert code_of(answer) == (400, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == list(body)


@pytest.mark.dealt
@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b'"text"', b"null", b"{", b"\xff\xfe", b'{"student": NaN}', b'{"occupation": "a\\u0000b"}',
     b'{"occupation": "\\ud800"}', b"[" * 100_000, b'{"a":' * 1000 + b"1" + b"}" * 1000],
)  # fmt: skip
@pytest.mark.parametrize(("method", "path"), [("patch", "me"), ("post", "me/identity"), ("post", "me/bank-cards")])
def test_bodies_that_are_no_object(alice_client: Client, method: str, path: str, raw: bytes) -> None:
    answer = getattr(alice_client, method)(f"/api/v1/{path}", raw, content_type="application/json")
    assert answer.status_code in (200, 400)
    assert answer.status_code == 400 or raw == b""


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data"])
def test_other_media_types_are_refused(alice_client: Client, content_type: str) -> None:
    answer = alice_client.patch("/api/v1/me", b"student=1", content_type=content_type)
    assert code_of(answer) == (415, "unsupported_media_type")


# --- Identity -----------------------------------------------------------------------------------------------------


@pytest.mark.req("R3")
def test_identity_is_verified_and_may_be_sent_again(newcomer_client: Client) -> None:
    for _ in range(2):
        answer = newcomer_client.call("post", "me/identity", PAPERS)
        assert answer.status_code == 200
        assert (answer.json()["identity_verified"], answer.json()["name"]) == (True, "张*")


@pytest.mark.req("R3")
@pytest.mark.parametrize(
    ("name", "id_number", "code"),
    [
        (NAME, id_number_of(3)[:-1], (400, "invalid")),
        (NAME, id_number_of(3, "20101231"), (400, "invalid")),
        ("<script>", id_number_of(3), (400, "invalid")),
        ("查无此人", id_number_of(3), (422, "identity_refused")),
    ],
)
def test_identity_that_does_not_hold(newcomer_client: Client, name: str, id_number: str, code: Any) -> None:
    answer = newcomer_client.call("post", "me/identity", {"name": name, "id_number": id_number})
    assert code_of(answer) == code
    assert newcomer_client.call("get", "me").json()["identity_verified"] is False


@pytest.mark.req("R3")
def test_a_verified_identity_cannot_be_changed(alice_client: Client) -> None:
    assert code_of(alice_client.call("post", "me/identity", PAPERS)) == (409, "identity_already_verified")


@pytest.mark.dealt
@pytest.mark.parametrize("field", PAPERS)
@pytest.mark.parametrize("value", NOT_TEXT)
def test_identity_fields_that_are_no_text(newcomer_client: Client, field: str, value: Any) -> None:
    answer = newcomer_client.call("post", "me/identity", {**PAPERS, field: value})
    assert code_of(answer) == (400, "invalid")
    assert field in [error["field"] for error in answer.json()["errors"]]


# --- Bank cards ---------------------------------------------------------------------------------------------------


@pytest.mark.req("R3")
def test_a_card_is_bound_and_shows_its_last_four_digits_only(alice_client: Client) -> None:
    first, again = (alice_client.call("post", "me/bank-cards", CARD) for _ in range(2))
    assert (first.status_code, first.json()) == (201, again.json())
    assert set(first.json()) == {"id", "last_four", "verified_at"}
    listed = alice_client.call("get", "me/bank-cards")
    assert [card["last_four"] for card in listed.json()["results"]] == [CARD["number"][-4:], card_number_of(1)[-4:]]
    assert set(listed.json()) == {"results", "next", "previous"}
    assert CARD["number"] not in listed.content.decode()


def test_nobody_sees_anothers_cards(newcomer_client: Client) -> None:
    customer_make("bob")
    assert newcomer_client.call("get", "me/bank-cards").json()["results"] == []


def test_cards_come_in_pages(alice_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(10, 15):
        alice_client.call("post", "me/bank-cards", {**CARD, "number": card_number_of(number)})
    with django_assert_max_num_queries(4):
        page = alice_client.call("get", "me/bank-cards?page_size=4").json()
    rest = alice_client.get(page["next"]).json()
    assert (len(page["results"]), len(rest["results"]), rest["next"]) == (4, 2, None)


@pytest.mark.parametrize(
    "query",
    ["cursor=x", "cursor=%00", "cursor=cD1hYmM%3D", "cursor=bz0tMQ%3D%3D", "page_size=-1", "page_size=99999999999"],
)
def test_a_page_that_is_none_is_no_defect(alice_client: Client, query: str) -> None:
    assert alice_client.call("get", f"me/bank-cards?{query}").status_code in (200, 400, 404)


@pytest.mark.req("R3")
def test_a_card_in_another_name_is_refused(alice_client: Client) -> None:
    answer = alice_client.call("post", "me/bank-cards", {**CARD, "holder": "李四"})
    assert code_of(answer) == (422, "bank_card_not_own")


@pytest.mark.req("R3")
def test_a_card_needs_the_identity_first(newcomer_client: Client) -> None:
    assert code_of(newcomer_client.call("post", "me/bank-cards", CARD)) == (409, "identity_not_verified")


@pytest.mark.dealt
@pytest.mark.parametrize("field", CARD)
@pytest.mark.parametrize("value", NOT_TEXT)
def test_card_fields_that_are_no_text(alice_client: Client, field: str, value: Any) -> None:
    answer = alice_client.call("post", "me/bank-cards", {**CARD, field: value})
    assert code_of(answer) == (400, "invalid")
    assert BankCard.objects.count() == 1


# --- Payment password ---------------------------------------------------------------------------------------------


@pytest.mark.req("R11")
def test_password_is_set_and_replaced(newcomer_client: Client) -> None:
    call = newcomer_client.call
    assert call("post", "me/payment-password", {"new": "135790"}).status_code == 204
    assert call("get", "me").json()["payment_password_set"] is True
    assert call("post", "me/payment-password", {"new": "246802", "current": "135790"}).status_code == 204


@pytest.mark.req("R11")
@pytest.mark.parametrize("new", ["12345", "1234567", "abcdef", "１２３４５６", None, True, [], "x" * 5000])
def test_a_password_that_is_not_six_digits(newcomer_client: Client, new: Any) -> None:
    answer = newcomer_client.call("post", "me/payment-password", {"new": new})
    assert code_of(answer) == (400, "invalid")
    assert answer.json()["errors"][0]["field"] == "new"


@pytest.mark.req("R11")
def test_wrong_current_passwords_count_down_to_the_lock(alice_client: Client) -> None:
    body = {"new": "246802", "current": "000000"}
    answers = [alice_client.call("post", "me/payment-password", body) for _ in range(5)]
    assert [answer.json().get("attempts_left") for answer in answers] == [4, 3, 2, 1, None]
    assert code_of(answers[0]) == (422, "payment_password_wrong")
    assert code_of(answers[4]) == (423, "payment_password_locked")
    assert "retry_at" in answers[4].json()


@pytest.mark.req("R11")
def test_a_missing_current_password_is_named(alice_client: Client) -> None:
    answer = alice_client.call("post", "me/payment-password", {"new": "246802"})
    assert code_of(answer) == (400, "invalid")
    assert answer.json()["errors"][0]["field"] == "current"
