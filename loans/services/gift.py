"""Credit gifts (R44): offered, accepted or refused, revoked while unused, expired; limits are conserved (I3).

Lock order: gift, lines by key, recipient's person; the order of drawing (lines, then the person) is the same.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from accounts.models import Customer, Device
from accounts.services.device import device_require_verified
from accounts.services.notification import notification_send
from loans.errors import (
    FriendshipTooShort,
    GiftLimit,
    GiftNotOpen,
    HouseholdLimitExceeded,
    RecipientNotVerified,
)
from loans.maths.dates import add_months
from loans.models import CreditGift, GiftState, Loan, LoanState
from risk.models import BureauReport, CreditLine, Friendship, ProductTerms
from risk.selectors.facts import limits_open_sum
from risk.selectors.policy import regulation, terms_current
from risk.services.credit_line import credit_line_lock
from risk.services.gift_line import (
    gift_line_open,
    gift_returnable,
    line_gift_give,
    line_gift_receive,
    line_gift_return,
)
from risk.services.screening import lines_lock
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.fsm import take_step
from weilidai.lib.money import ZERO

SYSTEM = Actor.system("gifts")
PAGE = 500


@transaction.atomic
def gift_offer(
    *,
    customer: Customer,
    credit_line_id: UUID,
    openid: str,
    amount: Decimal,
    device: Device | None,
    as_of: date,
    at: datetime,
    actor: Actor,
) -> CreditGift:
    """Raises DeviceNotVerified, GiftLimit, RecipientNotVerified, FriendshipTooShort, LimitExceeded, CreditLineFrozen,
    CreditLineClosed. Somebody unknown is told like somebody not verified.
    """
    device_require_verified(device)
    line = credit_line_lock(credit_line_id, customer=customer)
    terms = terms_current(line.product_id, as_of)
    if amount > terms.gift_amount_max:
        raise GiftLimit(amount_max=str(terms.gift_amount_max))
    if Loan.objects.filter(customer=customer, state=LoanState.ACTIVE, next_due_date__lt=as_of).exists():
        raise GiftLimit(amount_max=str(ZERO))
    recipient = Customer.objects.filter(openid=openid, erased_at__isnull=True).exclude(pk=customer.pk).first()
    if recipient is None:
        raise RecipientNotVerified
    friendship_check(customer, recipient, terms, as_of)
    recipient_check(recipient, terms, as_of)
    line_gift_give(line, amount)
    gift = CreditGift.objects.create(
        customer=customer, credit_line=line, recipient=recipient, amount=amount, offered_date=as_of, offered_at=at,
        accept_until_date=as_of + timedelta(days=terms.gift_offer_days),
    )  # fmt: skip
    state_change_record(subject=gift, old="", new=gift.state, actor=actor, as_of=as_of, at=at)
    audit_record(
        action="gift.offer", actor=actor, subject=gift, at=at, as_of=as_of,
        after={
            "amount": str(amount), "recipient": str(recipient.pk), "gifted": str(line.gifted_amount),
            "until": str(gift.accept_until_date),
        },
    )  # fmt: skip
    _tell(gift, recipient, "gift_offered", as_of, until=gift.accept_until_date.isoformat())
    return gift


def friendship_check(customer: Customer, recipient: Customer, terms: ProductTerms, as_of: date) -> None:
    """Friends for more than the months of the terms, and still: exactly the months are too short."""
    both = Q(customer=customer, friend_openid=recipient.openid) | Q(customer=recipient, friend_openid=customer.openid)
    living = Friendship.objects.filter(both).filter(Q(until_date__isnull=True) | Q(until_date__gte=as_of))
    since = living.order_by("since_date").values_list("since_date", flat=True).first()
    if since is None or add_months(since, terms.gift_friendship_months) >= as_of:
        raise FriendshipTooShort(months=terms.gift_friendship_months)


def recipient_check(recipient: Customer, terms: ProductTerms, as_of: date) -> None:
    """The recipient's own checks: verified, of age, not on the deny list. Raises RecipientNotVerified."""
    has_card = recipient.bank_cards.filter(removed_at__isnull=True).exists()
    age = recipient.age_on(as_of)
    newest = BureauReport.objects.filter(customer=recipient, as_of__lte=as_of).order_by("-as_of", "-id").first()
    denied = newest is not None and newest.on_deny_list
    if not (recipient.is_identity_verified and has_card) or age is None or age < terms.age_minimum or denied:
        raise RecipientNotVerified


@transaction.atomic
def gift_accept(
    *, gift_id: UUID, recipient: Customer, device: Device | None, as_of: date, at: datetime, actor: Actor
) -> CreditGift:
    """Raises GiftNotOpen, RecipientNotVerified, HouseholdLimitExceeded, CreditLineFrozen, DeviceNotVerified."""
    device_require_verified(device)
    gift = _gift_lock(Q(pk=gift_id, recipient=recipient))
    if gift.state != GiftState.OFFERED or gift.accept_until_date < as_of:
        raise GiftNotOpen(state=str(gift.state))
    terms = terms_current(gift.credit_line.product_id, as_of)
    lines_lock(recipient)
    person = Customer.objects.select_for_update(no_key=True).get(pk=recipient.pk)
    recipient_check(person, terms, as_of)
    line = gift_line_open(customer=person, terms=terms, actor=actor, as_of=as_of, at=at)
    _room_check(person, line, gift.amount, terms, as_of)
    line_gift_receive(line, gift.amount)
    gift.recipient_line, gift.accepted_at = line, at
    gift.use_until_date = as_of + timedelta(days=terms.gift_use_days)
    _step(gift, "accept", actor, as_of, at, "recipient_line", "accepted_at", "use_until_date")
    _tell(gift, gift.customer, "gift_accepted", as_of)
    return gift


def _room_check(person: Customer, line: CreditLine, amount: Decimal, terms: ProductTerms, as_of: date) -> None:
    """The household cap counts gifts (R54); a student's line stays within the student limit, gifts included (R50)."""
    room = regulation("household_credit_amount", as_of) - limits_open_sum(person)
    if person.is_student:
        room = min(room, terms.student_limit_amount - line.limit_amount - line.received_amount)
    if amount > room:
        raise HouseholdLimitExceeded(available=str(max(room, ZERO).quantize(ZERO)))


@transaction.atomic
def gift_refuse(*, gift_id: UUID, recipient: Customer, as_of: date, at: datetime, actor: Actor) -> CreditGift:
    """The limit goes back to the giver. Raises GiftNotOpen."""
    gift = _gift_lock(Q(pk=gift_id, recipient=recipient))
    if gift.state != GiftState.OFFERED:
        raise GiftNotOpen(state=str(gift.state))
    _return(gift, gift.amount)
    _step(gift, "refuse", actor, as_of, at, "returned_amount")
    _tell(gift, gift.customer, "gift_refused", as_of)
    return gift


@transaction.atomic
def gift_revoke(*, gift_id: UUID, customer: Customer, as_of: date, at: datetime, actor: Actor) -> CreditGift:
    """While nothing of it is used. Raises GiftNotOpen."""
    gift = _gift_lock(Q(pk=gift_id, customer=customer))
    if gift.state not in (GiftState.OFFERED, GiftState.ACCEPTED):
        raise GiftNotOpen(state=str(gift.state))
    _giver, recipient = _lines_lock(gift)
    if recipient is not None and gift_returnable(recipient, gift.amount) < gift.amount:
        raise GiftNotOpen(state=str(gift.state))
    _return(gift, gift.amount)
    _step(gift, "revoke", actor, as_of, at, "returned_amount")
    _tell(gift, gift.recipient, "gift_revoked", as_of)
    return gift


def gifts_expire(*, as_of: date, at: datetime) -> int:
    """Ends what is past its day and takes back what the friend of an ended gift repaid; how many gifts moved."""
    over = Q(state=GiftState.OFFERED, accept_until_date__lt=as_of) | Q(
        state=GiftState.ACCEPTED, use_until_date__lt=as_of
    )
    in_use = Q(state=GiftState.EXPIRED) & ~Q(returned_amount=F("amount"))
    moved, last = 0, None
    while True:
        rows = CreditGift.objects.filter(over | in_use).order_by("pk")
        keys = list((rows.filter(pk__gt=last) if last else rows).values_list("pk", flat=True)[:PAGE])
        if not keys:
            return moved
        moved += sum(_gift_end(key, as_of, at) for key in keys)
        last = keys[-1]


@transaction.atomic
def _gift_end(key: UUID, as_of: date, at: datetime) -> bool:
    gift = _gift_lock(Q(pk=key))
    _giver, recipient = _lines_lock(gift)
    standing = gift.standing_amount
    back = gift_returnable(recipient, standing) if recipient is not None else standing
    if back:
        _return(gift, back)
    until = gift.use_until_date if gift.state == GiftState.ACCEPTED else gift.accept_until_date
    if gift.state in (GiftState.OFFERED, GiftState.ACCEPTED) and until is not None and until < as_of:
        _step(gift, "expire", SYSTEM, as_of, at, "returned_amount")
        _tell(gift, gift.customer, "gift_expired", as_of)
        return True
    gift.save(update_fields=["returned_amount"])
    return bool(back)


def _gift_lock(found: Q) -> CreditGift:
    gift = (
        CreditGift.objects.select_for_update(no_key=True, of=("self",))
        .select_related("credit_line")
        .filter(found)
        .first()
    )
    if gift is None:
        raise ObjectNotFound
    return gift


def _lines_lock(gift: CreditGift) -> tuple[CreditLine, CreditLine | None]:
    """Both lines by key, so that two gifts between the same lines never wait for each other."""
    keys = {gift.credit_line_id} | ({gift.recipient_line_id} if gift.recipient_line_id else set())
    lines = {key: credit_line_lock(key) for key in sorted(keys)}
    return lines[gift.credit_line_id], lines[gift.recipient_line_id] if gift.recipient_line_id else None


def _return(gift: CreditGift, amount: Decimal) -> None:
    line_gift_return(*_lines_lock(gift), amount)
    gift.returned_amount += amount


def _step(gift: CreditGift, step: str, actor: Actor, as_of: date, at: datetime, *fields: str) -> None:
    take_step(gift, step, actor=actor, as_of=as_of, at=at, update_fields=fields)
    until = {"until": str(gift.use_until_date)} if step == "accept" else {}
    audit_record(
        action=f"gift.{step}", actor=actor, subject=gift, at=at, as_of=as_of,
        after={"amount": str(gift.amount), "returned": str(gift.returned_amount), **until},
    )  # fmt: skip


def _tell(gift: CreditGift, person: Customer, kind: str, as_of: date, **params: str) -> None:
    notification_send(
        customer=person, kind=kind, params={"amount": str(gift.amount), **params}, dedupe_key=f"{kind}:{gift.pk}",
        business_date=as_of,
    )  # fmt: skip
