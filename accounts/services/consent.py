"""Consents: given one by one, taken back one by one (R55)."""

from datetime import datetime

from django.db import transaction

from accounts.models import Consent, ConsentCode, Customer
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import ObjectNotFound


@transaction.atomic
def consent_grant(*, customer: Customer, code: str, source: str, actor: Actor, at: datetime) -> Consent:
    """A live consent; the one that is live already stays."""
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    live = Consent.objects.filter(customer=customer, code=code, withdrawn_at__isnull=True).first()
    if live is not None:
        return live
    row = Consent.objects.create(customer=customer, code=ConsentCode(code), source=source, granted_at=at)
    audit_record(action="consent.granted", actor=actor, subject=row, at=at, after={"code": code})
    return row


@transaction.atomic
def consent_withdraw(*, customer: Customer, code: str, actor: Actor, at: datetime) -> Consent:
    """Takes it back from now on; what was done under it stays lawful. Raises ObjectNotFound without a live one."""
    row = (
        Consent.objects.select_for_update(no_key=True)
        .filter(customer=customer, code=code, withdrawn_at__isnull=True)
        .first()
    )
    if row is None:
        raise ObjectNotFound
    row.withdrawn_at = at
    row.save(update_fields=["withdrawn_at"])
    audit_record(action="consent.withdrawn", actor=actor, subject=row, at=at, after={"code": code})
    return row
