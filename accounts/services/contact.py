"""Contacting people decently (R60): hours, number of attempts, own number only; every attempt is a row."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from accounts.errors import ContactDailyLimit, ContactNotOwnNumber, ContactQuietHours
from accounts.models import ContactAttempt, ContactChannel, ContactDay, ContactRule, Customer, Notification
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.crypto import keyed_hash
from weilidai.lib.errors import DomainError

PHONE_PURPOSE = "phone"
PRESET_FROM = date(2024, 1, 1)
PRESET_SOURCE = "Seed: no contact 22:00-08:00, at most six attempts a day and number"


def contact_rules_preset() -> bool:
    """The rule that ships, unless the house has rules already."""
    if ContactRule.objects.exists():
        return False
    ContactRule.objects.create(valid_from=PRESET_FROM, source=PRESET_SOURCE)
    return True


def is_quiet(rule: ContactRule, moment: time) -> bool:
    """Whether the hour is inside the quiet hours: their start belongs to them, their end does not."""
    if rule.quiet_from <= rule.quiet_to:
        return rule.quiet_from <= moment < rule.quiet_to
    return moment >= rule.quiet_from or moment < rule.quiet_to


def next_open(rule: ContactRule, local: datetime) -> datetime:
    """The end of the quiet hours that hold at `local`."""
    day = local.date() if local.time() < rule.quiet_to else local.date() + timedelta(days=1)
    return datetime.combine(day, rule.quiet_to, tzinfo=local.tzinfo)


def contact_reserve(
    *,
    customer: Customer,
    channel: ContactChannel,
    about_debt: bool,
    at: datetime,
    actor: Actor,
    phone: str | None = None,
    notification: Notification | None = None,
    note: str = "",
) -> ContactAttempt:
    """Counts an attempt before it is made, in the caller's transaction.

    Judged by the clock of the moment of sending, in Shanghai, not by the business date. Raises ContactNotOwnNumber,
    and for contacts about a debt ContactQuietHours and ContactDailyLimit, both with `next_at`.
    """
    number = customer.phone if phone is None else phone
    own = {customer.phone, *(card.phone for card in customer.bank_cards.filter(removed_at__isnull=True))} - {""}
    if not number or number not in own:
        raise ContactNotOwnNumber
    local = at.astimezone(ZoneInfo(settings.TIME_ZONE))
    number_hash = keyed_hash(number, PHONE_PURPOSE)
    if about_debt:
        _debt_contact_count(number_hash, local)
    return ContactAttempt.objects.create(
        customer=customer, channel=channel, is_about_debt=about_debt, phone_hash=number_hash, phone_tail=number[-4:],
        notification=notification, at=at, local_date=local.date(), actor_name=actor.name, result=note[:300],
    )  # fmt: skip


def _rule_on(day: date) -> ContactRule | None:
    return ContactRule.objects.filter(valid_from__lte=day).order_by("-valid_from").first()


@dataclass(frozen=True)
class Outlook:
    """What the guard would say to a contact about a debt at a moment; nothing is counted by asking."""

    refusal: DomainError | None
    attempts_left: int
    next_at: datetime | None = None


def contact_outlook(*, phone: str, at: datetime) -> Outlook:
    """Whether a number may be called at this moment, and otherwise from when on."""
    local = at.astimezone(ZoneInfo(settings.TIME_ZONE))
    rule = _rule_on(local.date())
    if rule is None:
        return Outlook(ContactQuietHours(), 0)
    days = ContactDay.objects.filter(phone_hash=keyed_hash(phone, PHONE_PURPOSE), local_date=local.date())
    left = max(0, rule.attempts_per_day_max - (days.values_list("attempts_count", flat=True).first() or 0))
    if is_quiet(rule, local.time()):
        return Outlook(ContactQuietHours(), left, next_open(rule, local))
    if not left:
        return Outlook(ContactDailyLimit(), 0, _tomorrow(rule, local))
    return Outlook(None, left)


def _tomorrow(rule: ContactRule, local: datetime) -> datetime:
    return datetime.combine(local.date() + timedelta(days=1), rule.quiet_to, tzinfo=local.tzinfo)


def _debt_contact_count(number_hash: str, local: datetime) -> None:
    rule = _rule_on(local.date())
    if rule is None:
        # Without a rule nobody can say that a contact is allowed.
        raise ContactQuietHours(next_at=(local + timedelta(days=1)).isoformat())
    if is_quiet(rule, local.time()):
        raise ContactQuietHours(next_at=next_open(rule, local).isoformat())
    ContactDay.objects.get_or_create(phone_hash=number_hash, local_date=local.date())
    day = ContactDay.objects.select_for_update(no_key=True).get(phone_hash=number_hash, local_date=local.date())
    if day.attempts_count >= rule.attempts_per_day_max:
        raise ContactDailyLimit(next_at=_tomorrow(rule, local).isoformat())
    day.attempts_count += 1
    day.save(update_fields=["attempts_count"])


@transaction.atomic
def call_record(*, customer: Customer, phone: str, result: str, actor: Actor, at: datetime) -> ContactAttempt:
    """A call that a collector is about to make: refused before the telephone is picked up, else recorded."""
    attempt = contact_reserve(
        customer=customer, channel=ContactChannel.CALL, about_debt=True, phone=phone, at=at, actor=actor,
        note=result,
    )  # fmt: skip
    attempt.state = ContactAttempt.State.DONE
    attempt.save(update_fields=["state"])
    audit_record(action="contact.call", actor=actor, subject=attempt, at=attempt.at, reason=result[:500])
    return attempt
