"""Credit gifts: to verified friends of more than three months, never more than the own free limit, conserved (R44)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zlib import crc32

import pytest
from django.db import connection

from accounts.models import Customer, Notification
from loans.errors import (
    FriendshipTooShort,
    GiftLimit,
    GiftNotOpen,
    HouseholdLimitExceeded,
    RecipientNotVerified,
)
from loans.models import CreditGift, Loan
from loans.services.gift import gift_accept, gift_offer, gift_refuse, gift_revoke, gifts_expire
from loans.services.repayment import settlement_make
from risk.errors import CreditLineFrozen, LimitExceeded
from risk.models import BureauReport, CreditLine, FreezeReason, Friendship, ProductTerms
from risk.services.credit_line import credit_line_freeze
from tests.loans.builders import NOW, TODAY, Borrower, borrower, card_for, turns
from tests.loans.life import active_loan, close_through, day, faults
from weilidai.lib.audit import Actor
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.req("R44")]
D = Decimal


def friend(openid: str = "bob", *, verified: bool = True, since: date = date(2026, 6, 14)) -> Customer:
    """A grown-up friend of alice since a day, with a card that the bank pays at once, without a line."""
    person = Customer.objects.create(
        openid=openid, name="李雷", birth_date=date(1990, 1, 1), identity_verified_at=NOW if verified else None
    )
    # The last two digits tell the sandbox bank what to do with a payout: never left to chance.
    card_for(person, number=f"622202020000{crc32(openid.encode()) % 10000:04}00")
    giver = Customer.objects.get(openid="alice")
    Friendship.objects.create(row_id=f"f-{openid}", customer=giver, friend_openid=openid, since_date=since)
    return person


@pytest.fixture
def bob(alice: Borrower) -> Customer:
    return friend()


def offer(alice: Borrower, amount: str = "3000.00", to: str = "bob", as_of: date = TODAY) -> CreditGift:
    return gift_offer(
        customer=alice.customer, credit_line_id=alice.line.pk, openid=to, amount=D(amount), device=alice.device,
        as_of=as_of, at=NOW, actor=Actor.of(alice.customer),
    )  # fmt: skip


def accept(gift: CreditGift, as_of: date = TODAY, device: Any = None) -> CreditGift:
    from accounts.models import Device

    device = device or Device.objects.get_or_create(
        customer=gift.recipient, fingerprint="friend-phone",
        defaults={"first_seen_at": NOW, "last_seen_at": NOW, "verified_at": NOW},
    )[0]  # fmt: skip
    return gift_accept(
        gift_id=gift.pk, recipient=gift.recipient, device=device, as_of=as_of, at=NOW, actor=Actor.of(gift.recipient)
    )


def revoke(gift: CreditGift) -> CreditGift:
    return gift_revoke(gift_id=gift.pk, customer=gift.customer, as_of=TODAY, at=NOW, actor=Actor.of(gift.customer))


def line_of(person: Customer | Borrower) -> CreditLine:
    owner = person.customer if isinstance(person, Borrower) else person
    return CreditLine.objects.get(customer=owner)


def figures(alice: Borrower, bob: Customer) -> tuple[str, str, str]:
    """Alice's gifted and available, bob's received."""
    mine, theirs = line_of(alice), CreditLine.objects.filter(customer=bob).first()
    return str(mine.gifted_amount), str(mine.available_amount), str(theirs.received_amount if theirs else "-")


def as_borrower(person: Customer) -> Borrower:
    from accounts.models import BankCard, Device

    device = Device.objects.get(customer=person)
    return Borrower(person, line_of(person), BankCard.objects.get(customer=person), device)


def test_a_gift_leaves_the_givers_limit_at_once_and_can_be_drawn_by_the_friend(alice: Borrower, bob: Customer):
    gift = offer(alice)
    assert figures(alice, bob) == ("3000.00", "5000.00", "-")
    accept(gift)
    assert figures(alice, bob) == ("3000.00", "5000.00", "3000.00")
    line = line_of(bob)
    assert (line.limit_amount, line.available_amount, line.application) == (D(0), D("3000.00"), None)
    loan = active_loan(as_borrower(bob), "3000.00", days=10)
    assert loan.customer == bob
    with pytest.raises(LimitExceeded):
        as_borrower(bob).draw("100.00", days=10)
    assert faults() == []
    assert set(Notification.objects.filter(kind__startswith="gift_").values_list("kind", "customer__openid")) == {
        ("gift_offered", "bob"), ("gift_accepted", "alice"),
    }  # fmt: skip
    assert AuditEvent.objects.filter(action__in=["gift.offer", "gift.accept"]).count() == 2


@pytest.mark.parametrize(("amount", "good"), [("5000.00", True), ("5000.01", False), ("0.01", True)])
def test_a_gift_is_at_most_five_thousand(alice: Borrower, bob: Customer, amount: str, good: bool):
    if good:
        assert offer(alice, amount).amount == D(amount)
    else:
        with pytest.raises(GiftLimit):
            offer(alice, amount)


def test_a_line_gives_no_more_than_it_has_free(alice: Borrower, bob: Customer):
    offer(alice, "5000.00")
    with pytest.raises(LimitExceeded) as refusal:
        offer(alice, "3000.01")
    assert refusal.value.extra == {"available": "3000.00"}
    offer(alice, "3000.00")
    with pytest.raises(LimitExceeded):
        alice.draw("100.00", days=10)


@pytest.mark.parametrize(
    ("since", "good"), [(date(2026, 6, 14), True), (date(2026, 6, 15), False), (date(2026, 9, 1), False)]
)
def test_friends_of_exactly_three_months_are_too_new(alice: Borrower, since: date, good: bool):
    friend(since=since)
    if good:
        assert offer(alice).state == "offered"
    else:
        with pytest.raises(FriendshipTooShort):
            offer(alice)


def test_who_is_no_friend_any_more_gets_nothing(alice: Borrower, bob: Customer):
    Friendship.objects.update(until_date=TODAY - timedelta(days=1))
    with pytest.raises(FriendshipTooShort):
        offer(alice)
    Friendship.objects.update(until_date=TODAY)
    assert offer(alice).state == "offered"


def test_a_friendship_told_from_the_other_side_counts(alice: Borrower, bob: Customer):
    Friendship.objects.update(customer=bob, friend_openid="alice")
    assert offer(alice).state == "offered"


def test_unverified_unknown_denied_young_and_oneself_are_refused(alice: Borrower):
    for openid, changes in {
        "carol": {"identity_verified_at": None},
        "dora": {"birth_date": date(2008, 9, 16)},
        "emil": {"birth_date": None},
    }.items():
        Customer.objects.filter(pk=friend(openid).pk).update(**changes)
        with pytest.raises(RecipientNotVerified):
            offer(alice, to=openid)
    frank = friend("frank")
    frank.bank_cards.all().delete()
    for openid in ("frank", "nobody", "alice"):
        with pytest.raises(RecipientNotVerified):
            offer(alice, to=openid)
    gina = friend("gina")
    BureauReport.objects.create(
        row_id="b1", customer=gina, as_of=TODAY, open_accounts=1, debts_amount=0, monthly_due_amount=0,
        worst_dpd_24m=0, inquiries_6m=0, on_deny_list=True,
    )  # fmt: skip
    with pytest.raises(RecipientNotVerified):
        offer(alice, to="gina")


def test_eighteen_today_is_old_enough(alice: Borrower, bob: Customer):
    Customer.objects.filter(pk=bob.pk).update(birth_date=date(2008, 9, 15))
    assert offer(alice).state == "offered"


def test_who_is_overdue_gives_nothing(alice: Borrower, bob: Customer):
    active_loan(alice, days=2)
    assert offer(alice, "100.00", as_of=day(2)).state == "offered"
    with pytest.raises(GiftLimit):
        offer(alice, "100.00", as_of=day(3))


def test_a_refused_gift_comes_back_once(alice: Borrower, bob: Customer):
    gift = offer(alice)
    edge: dict[str, Any] = {"gift_id": gift.pk, "recipient": bob, "as_of": TODAY, "at": NOW, "actor": Actor.of(bob)}
    gift_refuse(**edge)
    assert figures(alice, bob) == ("0.00", "8000.00", "-")
    with pytest.raises(GiftNotOpen):
        gift_refuse(**edge)
    with pytest.raises(GiftNotOpen):
        accept(gift)
    with pytest.raises(GiftNotOpen):
        revoke(gift)
    assert faults() == []


def test_other_peoples_gifts_do_not_exist(alice: Borrower, bob: Customer):
    gift, carol = offer(alice), friend("carol")
    edge: dict[str, Any] = {"gift_id": gift.pk, "as_of": TODAY, "at": NOW, "actor": Actor.of(carol)}
    for act in (
        lambda: gift_refuse(recipient=carol, **edge),
        lambda: gift_accept(recipient=alice.customer, device=alice.device, **edge),
        lambda: gift_revoke(customer=bob, **edge),
    ):
        with pytest.raises(ObjectNotFound):
            act()


def test_revoking_works_while_nothing_is_used(alice: Borrower, bob: Customer):
    gift = accept(offer(alice))
    loan = active_loan(as_borrower(bob), "100.00", days=10)
    with pytest.raises(GiftNotOpen):
        revoke(gift)
    settlement_make(loan_id=loan.pk, customer=bob, expected=None, as_of=TODAY, at=NOW, actor=Actor.of(bob))
    revoke(gift)
    assert figures(alice, bob) == ("0.00", "8000.00", "0.00")
    assert faults() == []


@pytest.mark.parametrize(("on", "open_still"), [(day(7), True), (day(8), False)])
def test_an_offer_lasts_seven_days(alice: Borrower, bob: Customer, on: date, open_still: bool):
    gift = offer(alice)
    if open_still:
        assert accept(gift, as_of=on).state == "accepted"
        return
    with pytest.raises(GiftNotOpen):
        accept(gift, as_of=on)
    assert gifts_expire(as_of=day(7), at=NOW) == 0
    assert gifts_expire(as_of=day(8), at=NOW) == 1
    assert gifts_expire(as_of=day(8), at=NOW) == 0
    assert figures(alice, bob) == ("0.00", "8000.00", "-")


def test_of_an_ended_gift_the_used_part_comes_back_as_it_is_repaid(alice: Borrower, bob: Customer):
    gift = accept(offer(alice))
    person = as_borrower(bob)
    loan = active_loan(person, "1200.00", days=200)
    last = gift.use_until_date
    assert last == TODAY + timedelta(days=90)
    assert gifts_expire(as_of=last, at=NOW) == 0
    assert gifts_expire(as_of=last + timedelta(days=1), at=NOW) == 1
    assert figures(alice, bob) == ("1200.00", "6800.00", "1200.00")
    assert CreditGift.objects.get().state == "expired"
    assert gifts_expire(as_of=last + timedelta(days=2), at=NOW) == 0
    settlement_make(loan_id=loan.pk, customer=bob, expected=None, as_of=TODAY, at=NOW, actor=Actor.of(bob))
    assert gifts_expire(as_of=last + timedelta(days=2), at=NOW) == 1
    assert figures(alice, bob) == ("0.00", "8000.00", "0.00")
    assert faults() == []


def test_what_was_received_is_not_given_on(alice: Borrower, bob: Customer):
    accept(offer(alice))
    friend("carol")
    Friendship.objects.create(row_id="bc", customer=bob, friend_openid="carol", since_date=date(2026, 1, 1))
    with pytest.raises(LimitExceeded):
        offer(as_borrower(bob), "0.01", to="carol")


def test_the_household_cap_counts_gifts(alice: Borrower):
    bob = borrower("bob", limit="198000.00")
    Customer.objects.filter(pk=bob.customer.pk).update(birth_date=date(1990, 1, 1), identity_verified_at=NOW)
    Friendship.objects.create(row_id="ab", customer=alice.customer, friend_openid="bob", since_date=date(2026, 1, 1))
    gift = offer(alice, "2000.01")
    with pytest.raises(HouseholdLimitExceeded):
        accept(gift)
    accept(offer(alice, "2000.00"))
    assert line_of(bob).received_amount == D("2000.00")


@pytest.mark.req("R50")
def test_a_student_receives_no_more_than_the_student_limit(alice: Borrower, bob: Customer):
    Customer.objects.filter(pk=bob.pk).update(declared_student=True)
    with pytest.raises(HouseholdLimitExceeded):
        accept(offer(alice, "1000.01"))
    assert accept(offer(alice, "1000.00")).state == "accepted"


def test_a_frozen_line_neither_gives_nor_receives(alice: Borrower, bob: Customer):
    gift = accept(offer(alice))
    second = offer(alice, "100.00")
    edge: dict[str, Any] = {"reason": FreezeReason.STAFF, "actor": Actor.system("test"), "as_of": TODAY, "at": NOW}
    credit_line_freeze(line_id=line_of(bob).pk, note="x", **edge)
    with pytest.raises(CreditLineFrozen):
        accept(second)
    credit_line_freeze(line_id=alice.line.pk, note="x", **edge)
    with pytest.raises(CreditLineFrozen):
        offer(alice, "100.00")
    revoke(gift)
    assert figures(alice, bob) == ("100.00", "7900.00", "0.00")


def test_the_terms_of_the_product_decide(alice: Borrower, bob: Customer):
    ProductTerms.objects.update(gift_amount_max=D("10.00"), gift_friendship_months=12)
    with pytest.raises(GiftLimit):
        offer(alice, "10.01")
    with pytest.raises(FriendshipTooShort):
        offer(alice, "10.00")


def test_the_night_ends_gifts(alice: Borrower, bob: Customer):
    offer(alice)
    close_through(day(7))
    assert CreditGift.objects.get().state == "expired"
    assert faults() == []


def test_damage_to_a_gift_is_found(alice: Borrower, bob: Customer):
    accept(offer(alice))
    CreditGift.objects.update(returned_amount=D("0.01"))
    assert {fault.check for fault in faults()} == {"gifts_conserve"}


@pytest.mark.django_db(transaction=True)
def test_gifts_and_draws_at_once_never_pass_the_line(alice: Borrower):
    friend()

    def act(number: int) -> str:
        try:
            if number % 2:
                return offer(alice, "500.00").state
            return Loan.objects.get(pk=alice.draw("500.00", days=10).pk).state
        except LimitExceeded:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(act, range(30)))
    assert answers.count("refused") == 30 - 16
    line = line_of(alice)
    assert line.used_amount + line.gifted_amount == D("8000.00")
    turns(1)
    assert [fault for fault in faults() if fault.check in ("gifts_conserve", "lines_match_loans")] == []
