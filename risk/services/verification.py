"""That it is the customer who applies: payment password, then liveness and voiceprint (R11, R12, R51)."""

from datetime import datetime, timedelta

from accounts.models import Device, VerificationPurpose
from accounts.rules import BiometricPolicy
from accounts.services.device import device_mark_verified
from accounts.services.verification import biometric_check, payment_password_check
from risk.models import CreditApplication, ProductTerms
from weilidai.lib.audit import Actor


def biometric_policy(terms: ProductTerms) -> BiometricPolicy:
    """The product's own figures."""
    return BiometricPolicy(
        error_rate_below=terms.face_error_rate_below,
        failures_allowed=terms.verification_failures_allowed,
        lock=timedelta(hours=terms.verification_lock_hours),
    )


def customer_verify(
    *,
    application: CreditApplication,
    payment_password: str,
    face_token: str,
    voice_token: str,
    ip: str | None,
    device: str,
    at: datetime,
) -> None:
    """Raises what the failed factor raises, after its count is committed; a success verifies the device too.

    Must not be called inside a transaction: the refusal would undo the count.
    """
    customer = application.customer
    payment_password_check(customer=customer, password=payment_password, at=at).require()
    biometric_check(
        customer=customer,
        face_token=face_token,
        voice_token=voice_token,
        policy=biometric_policy(application.terms),
        purpose=VerificationPurpose.APPLICATION,
        subject_id=str(application.pk),
        device_fingerprint=device,
        ip=ip,
        at=at,
    ).require()
    known = Device.objects.filter(customer=customer, fingerprint=device).first()
    if known is not None:
        device_mark_verified(device=known, actor=Actor.of(customer), at=at)
