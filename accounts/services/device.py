"""Devices: seen, then verified; money moves only from verified ones (R35)."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.checks import DEVICE_VERIFICATION, Act, act_check
from accounts.errors import DeviceNotVerified
from accounts.models import Customer, Device, VerificationPurpose
from accounts.rules import BiometricPolicy
from accounts.services.verification import Verdict, biometric_check, payment_password_check
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.business_date import SHANGHAI
from weilidai.lib.prepared import prepared

# A device that keeps calling is written at most this often.
SEEN_EVERY = timedelta(minutes=5)


@prepared
def _seen(customer: Any, fingerprint: Any) -> Any:
    return Device.objects.filter(customer=customer, fingerprint=fingerprint)


def device_touch(
    *,
    customer: Customer,
    fingerprint: str,
    user_agent: str,
    ip: str | None,
    at: datetime,
    seen: list[Device] | None = None,
) -> Device:
    """The row of the device this request came from, made at first sight. `seen` is it, where it was read already."""
    seen = _seen(customer.pk, fingerprint) if seen is None else seen
    device: Device
    device, created = (
        (seen[0], False)
        if seen
        else Device.objects.get_or_create(
            customer=customer,
            fingerprint=fingerprint,
            defaults={"user_agent": user_agent[:300], "first_seen_at": at, "last_seen_at": at, "last_ip": ip},
        )
    )
    if created:
        audit_record(action="device.seen", actor=Actor.of(customer), subject=device, at=at, ip=ip)
    elif at - device.last_seen_at > SEEN_EVERY or device.last_ip != ip:
        Device.objects.filter(pk=device.pk).update(last_seen_at=at, last_ip=ip)
    return device


def device_require_verified(device: Device | None) -> None:
    """Raises DeviceNotVerified for an unknown or new device."""
    if device is None or not device.is_verified:
        raise DeviceNotVerified


@transaction.atomic
def device_mark_verified(*, device: Device, actor: Actor, at: datetime) -> Device:
    """After a passed verification from this device."""
    row = Device.objects.select_for_update(no_key=True).get(pk=device.pk)
    if row.verified_at is None:
        row.verified_at = at
        row.save(update_fields=["verified_at"])
        audit_record(action="device.verified", actor=actor, subject=row, at=at)
    return row


@transaction.atomic
def device_doubt(*, device: Device, actor: Actor, at: datetime) -> Device:
    """The device must be verified again before money moves from it (R35)."""
    row = Device.objects.select_for_update(no_key=True).get(pk=device.pk)
    if row.verified_at is not None:
        row.verified_at = None
        row.save(update_fields=["verified_at"])
        audit_record(action="device.doubted", actor=actor, subject=row, at=at)
    return row


def device_verify(
    *,
    device: Device,
    payment_password: str,
    face_token: str,
    voice_token: str,
    policy: BiometricPolicy,
    ip: str | None,
    at: datetime,
    as_of: date | None = None,
) -> Verdict:
    """The second verification of a new device: payment password, then liveness and voiceprint, then the checks that
    apps above registered. `as_of` is the day of `at` where it is not told."""
    customer = device.customer
    verdict = payment_password_check(customer=customer, password=payment_password, at=at)
    if not verdict.passed:
        return verdict
    verdict = biometric_check(
        customer=customer,
        face_token=face_token,
        voice_token=voice_token,
        policy=policy,
        purpose=VerificationPurpose.DEVICE,
        subject_id=str(device.pk),
        device_fingerprint=device.fingerprint,
        ip=ip,
        at=at,
    )
    if not verdict.passed:
        return verdict
    act = Act(
        event=DEVICE_VERIFICATION, customer=customer, device=device, fingerprint=device.fingerprint,
        user_agent=device.user_agent, ip=ip, as_of=as_of or at.astimezone(SHANGHAI).date(), at=at,
    )  # fmt: skip
    with transaction.atomic():
        refusal = act_check(act)
        if refusal is None:
            device_mark_verified(device=device, actor=Actor.of(customer), at=at)
    return Verdict(refusal)
