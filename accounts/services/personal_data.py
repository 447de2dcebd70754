"""A person's rights over personal data, and staff's recorded reads of full numbers (R55, I12)."""

import base64
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from accounts.errors import DeletionRefused
from accounts.models import BankCard, Consent, Customer, CustomerToken, Device, ErasedOpenid
from accounts.models.erased import erased_hash
from accounts.personal_data import erasers, exporters, is_blocked
from accounts.rules import fault
from accounts.services.stored_image import stored_image_read, stored_images_erase
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import FieldInvalid, ObjectNotFound

REVEALABLE = ("id_number", "phone", "name")


@transaction.atomic
def full_number_reveal(*, customer: Customer, field: str, actor: Actor, reason: str) -> str:
    """The plain value of one field; the reading is in the audit trail before anybody sees it."""
    if field not in REVEALABLE:
        raise ObjectNotFound
    if not reason.strip():
        raise FieldInvalid(field_errors=[fault("reason", "required", _("Please give a reason"))])
    audit_record(action=f"customer.read_{field}", actor=actor, subject=customer, reason=reason)
    plain: str = getattr(customer, field)
    return plain


@transaction.atomic
def customer_export(*, customer: Customer, at: datetime) -> dict[str, Any]:
    """Everything held about the customer, by the name of what holds it."""
    audit_record(action="customer.export", actor=Actor.of(customer), subject=customer, at=at)
    return {"profile": _profile(customer), **{name: export(customer) for name, export in exporters().items()}}


def _profile(customer: Customer) -> dict[str, Any]:
    return {
        "openid": customer.openid,
        "name": customer.name,
        "id_number": customer.id_number,
        "birth_date": customer.birth_date,
        "phone": customer.phone,
        "occupation": customer.occupation,
        "student": customer.is_student,
        "city": customer.city,
        "residence_since": customer.residence_since,
        "registered_on": customer.registered_on,
        "language": customer.language,
        "created_at": customer.created_at,
        "bank_cards": [
            {"number": card.number, "phone": card.phone, "verified_at": card.verified_at}
            for card in customer.bank_cards.all()
        ],
        "devices": list(customer.devices.values("fingerprint", "first_seen_at", "last_seen_at", "verified_at")),
        "consents": list(customer.consents.values("code", "granted_at", "withdrawn_at")),
        "notifications": list(customer.notifications.values("kind", "params", "created_at", "read_at")),
        "contacts": list(customer.contact_attempts.values("channel", "at", "state", "phone_tail", "result")),
        "verifications": list(customer.verification_attempts.values("purpose", "at", "passed")),
        "images": [
            {
                "id": image.pk,
                "purpose": image.purpose,
                "created_at": image.created_at,
                "sha256": image.sha256,
                "jpeg_base64": base64.b64encode(stored_image_read(image)).decode(),
            }
            for image in customer.images.filter(erased_at__isnull=True)
        ],
    }


@transaction.atomic
def customer_delete(*, customer: Customer, at: datetime) -> Customer:
    """Erases names, numbers, pictures, revokes every token; what the law makes a lender keep stays without a name.

    Raises DeletionRefused while a line or a debt is open.
    """
    row = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    if is_blocked(row):
        raise DeletionRefused
    ErasedOpenid.objects.get_or_create(openid_hash=erased_hash(row.openid))
    row.openid = f"erased-{get_random_string(24)}"
    row.name = row.id_number = row.phone = row.city = ""
    row.name_hash = row.phone_hash = row.payment_password_hash = row.identity_reference = ""
    row.id_number_hash, row.birth_date, row.residence_since = None, None, None
    row.deletion_requested_at = row.erased_at = at
    row.save()
    for card in BankCard.objects.select_for_update(no_key=True).filter(customer=row):
        card.number = card.holder = card.phone = card.verification_reference = ""
        card.number_hash, card.phone_hash, card.removed_at = str(card.pk), "", card.removed_at or at
        card.save()
    # The fingerprint stays: fraud rings are found by it. Where and with what the person surfed does not.
    Device.objects.filter(customer=row).update(user_agent="", last_ip=None)
    row.verification_attempts.update(ip=None)
    stored_images_erase(customer=row, at=at)
    for erase in erasers():
        erase(row)
    Consent.objects.filter(customer=row, withdrawn_at__isnull=True).update(withdrawn_at=at)
    CustomerToken.objects.filter(user=row).delete()
    audit_record(action="customer.erased", actor=Actor(kind="customer", id=str(row.pk), name=""), subject=row, at=at)
    return row
