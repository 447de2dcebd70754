"""Papers: the identity card and the bank card, each by rule first and then by the institution (R3)."""

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import BankCardNotOwn, BankCardRefused, IdentityFixed, IdentityNotVerified, IdentityRefused
from accounts.models import BankCard, Customer
from accounts.providers import provider
from accounts.providers.types import Check
from accounts.rules import (
    birth_date_of,
    card_number_faults,
    fault,
    id_number_faults,
    name_faults,
    phone_of,
)
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.crypto import keyed_hash
from weilidai.lib.errors import FieldInvalid


def identity_verify(
    *, customer: Customer, name: str, id_number: str, actor: Actor, as_of: date, at: datetime
) -> Customer:
    """Verifies name and number; the same again changes nothing.

    Raises FieldInvalid, IdentityFixed (another identity is verified), IdentityRefused, ProviderUnavailable.
    """
    name, id_number = name.strip(), id_number.strip().upper()
    faults = name_faults(name) + id_number_faults(id_number, as_of)
    if faults:
        raise FieldInvalid(field_errors=faults)
    if _is_known(customer, name, id_number):
        return customer
    check = provider("identity").check(name, id_number)
    if not check.passed:
        raise IdentityRefused
    try:
        return _identity_write(customer, name, id_number, check, actor, as_of, at)
    except IntegrityError as error:
        # Another customer holds this identity card; which one is nobody's business here.
        raise IdentityRefused from error


def _is_known(customer: Customer, name: str, id_number: str) -> bool:
    """Whether exactly this identity is verified; raises IdentityFixed where another one is."""
    if not customer.is_identity_verified:
        return False
    if (customer.name, customer.id_number) != (name, id_number):
        raise IdentityFixed
    return True


@transaction.atomic
def _identity_write(
    customer: Customer, name: str, id_number: str, check: Check, actor: Actor, as_of: date, at: datetime
) -> Customer:
    row = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    # A request at the same time may have been first while the institution was asked.
    if _is_known(row, name, id_number):
        return row
    row.name, row.name_hash = name, keyed_hash(name, "name")
    row.id_number, row.id_number_hash = id_number, keyed_hash(id_number, "id_number")
    row.birth_date = birth_date_of(id_number)
    row.identity_verified_at, row.identity_reference = at, check.reference
    row.save(
        update_fields=["name", "name_hash", "id_number", "id_number_hash", "birth_date", "identity_verified_at",
                       "identity_reference"]
    )  # fmt: skip
    audit_record(action="customer.identity_verified", actor=actor, subject=row, as_of=as_of, at=at)
    return row


def bank_card_add(
    *, customer: Customer, number: str, holder: str, phone: str, actor: Actor, as_of: date, at: datetime
) -> BankCard:
    """Binds a card in the customer's own name; the same card again is the same row.

    Raises FieldInvalid, IdentityNotVerified, BankCardNotOwn, BankCardRefused, ProviderUnavailable.
    """
    number, holder = number.replace(" ", ""), holder.strip()
    mobile = phone_of(phone)
    faults = card_number_faults(number)
    if mobile is None:
        faults.append(fault("phone", "invalid", _("Not a valid mobile number")))
    if faults or mobile is None:
        raise FieldInvalid(field_errors=faults)
    if not customer.is_identity_verified:
        raise IdentityNotVerified
    if holder != customer.name:
        raise BankCardNotOwn
    check = provider("bank_card").check(number, holder, customer.id_number, mobile)
    if not check.passed:
        raise BankCardRefused
    return _card_write(customer, number, mobile, check, actor, as_of, at)


@transaction.atomic
def _card_write(
    customer: Customer, number: str, mobile: str, check: Check, actor: Actor, as_of: date, at: datetime
) -> BankCard:
    row = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    number_hash = keyed_hash(number, "card")
    known = row.bank_cards.filter(number_hash=number_hash, removed_at__isnull=True).first()
    if known is not None:
        return known
    card = BankCard.objects.create(
        customer=row,
        number=number,
        number_hash=number_hash,
        last_four=number[-4:],
        holder=row.name,
        phone=mobile,
        phone_hash=keyed_hash(mobile, "phone"),
        verification_reference=check.reference,
        verified_at=at,
    )
    if not row.phone:
        row.phone, row.phone_hash = mobile, card.phone_hash
        row.save(update_fields=["phone", "phone_hash"])
    audit_record(
        action="bank_card.bound", actor=actor, subject=card, as_of=as_of, at=at, after={"last_four": card.last_four}
    )
    return card
