"""Proving it is the customer: payment password, liveness, voiceprint, each with its count of failures.

A failure must stay counted although the caller is refused. So these services commit what they saw and return a
`Verdict`; the edge raises its error afterwards, outside every transaction.
"""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import (
    PaymentPasswordLocked,
    PaymentPasswordMissing,
    PaymentPasswordWrong,
    VerificationFailed,
    VerificationLocked,
)
from accounts.models import Customer, VerificationAttempt
from accounts.providers import provider
from accounts.providers.types import Factor
from accounts.rules import BiometricPolicy, PaymentPasswordPolicy, fault, payment_password_faults
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import DomainError, FieldInvalid


@dataclass(frozen=True)
class Verdict:
    """Passed, or the error to raise once what was counted is committed."""

    error: DomainError | None = None

    @property
    def passed(self) -> bool:
        return self.error is None

    def require(self) -> None:
        """Raises the error. Call it outside the transaction that counted."""
        if self.error is not None:
            raise self.error


@transaction.atomic
def payment_password_check(
    *, customer: Customer, password: str, at: datetime, policy: PaymentPasswordPolicy | None = None
) -> Verdict:
    """Compares the payment password; the failure that reaches the limit locks it."""
    policy = policy or PaymentPasswordPolicy()
    row = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    if not row.has_payment_password:
        return Verdict(PaymentPasswordMissing())
    until = row.payment_password_locked_until
    if until is not None and at < until:
        return Verdict(PaymentPasswordLocked(retry_at=_told(until)))
    if until is not None:
        row.payment_password_failed_count, row.payment_password_locked_until = 0, None
    if check_password(password, row.payment_password_hash):
        row.payment_password_failed_count = 0
        _password_count_save(row)
        return Verdict()
    row.payment_password_failed_count += 1
    left = policy.failures_max - row.payment_password_failed_count
    if left <= 0:
        row.payment_password_locked_until = at + policy.lock
        audit_record(action="payment_password.locked", actor=Actor.of(row), subject=row, at=at)
    _password_count_save(row)
    if left <= 0:
        return Verdict(PaymentPasswordLocked(retry_at=_told(at + policy.lock)))
    return Verdict(PaymentPasswordWrong(attempts_left=left))


def _told(until: datetime | None) -> str | None:
    """The time in the lender's zone, the same however it was read."""
    return timezone.localtime(until).isoformat() if until else None


def _password_count_save(row: Customer) -> None:
    row.save(update_fields=["payment_password_failed_count", "payment_password_locked_until"])


def payment_password_set(*, customer: Customer, new: str, current: str | None, actor: Actor, at: datetime) -> Verdict:
    """Sets the payment password; replacing one needs the current one, whose failures are counted.

    Raises FieldInvalid, also where the current password is needed and missing.
    """
    faults = payment_password_faults(new)
    if faults:
        raise FieldInvalid(field_errors=faults)
    with transaction.atomic():
        # Under the lock: of two first passwords set at once the second must know the first.
        row = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
        if row.has_payment_password:
            if not current:
                raise FieldInvalid(field_errors=[fault("current", "required", _("Your current password is needed"))])
            verdict = payment_password_check(customer=row, password=current, at=at)
            if not verdict.passed:
                return verdict
        row.payment_password_hash = make_password(new)
        row.payment_password_failed_count, row.payment_password_locked_until = 0, None
        row.save(update_fields=["payment_password_hash"])
        _password_count_save(row)
        audit_record(action="payment_password.set", actor=actor, subject=row, at=at)
    return Verdict()


def biometric_check(
    *,
    customer: Customer,
    face_token: str,
    voice_token: str,
    policy: BiometricPolicy,
    purpose: str,
    subject_id: str,
    device_fingerprint: str,
    ip: str | None,
    at: datetime,
) -> Verdict:
    """Liveness and voiceprint, both must pass (R11, R12, R51).

    Failures allow another try as often as the policy says; one more locks verification from that failure on.
    Raises ProviderUnavailable, which counts as nothing.
    """
    if customer.is_verification_locked(at):
        return Verdict(_locked(customer))
    face = provider("face").liveness(face_token)
    voice = provider("face").voiceprint(voice_token)
    with transaction.atomic():
        row = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
        if row.is_verification_locked(at):
            return Verdict(_locked(row))
        passed = face.counts(policy.error_rate_below) and voice.counts(policy.error_rate_below)
        _attempt_write(row, purpose, subject_id, device_fingerprint, ip, at, (face, voice), passed=passed)
        return _count(row, passed, policy, at)


def _locked(customer: Customer) -> VerificationLocked:
    until = customer.verification_locked_until
    return VerificationLocked(retry_at=_told(until))


def _count(row: Customer, passed: bool, policy: BiometricPolicy, at: datetime) -> Verdict:
    if row.verification_locked_until is not None:
        # The lock is over: a new series of tries begins.
        row.verification_failed_count, row.verification_locked_until = 0, None
    row.verification_failed_count = 0 if passed else row.verification_failed_count + 1
    left = policy.failures_allowed + 1 - row.verification_failed_count
    if left <= 0:
        row.verification_locked_until = at + policy.lock
    row.save(update_fields=["verification_failed_count", "verification_locked_until"])
    if passed:
        return Verdict()
    return Verdict(_locked(row)) if left <= 0 else Verdict(VerificationFailed(attempts_left=left))


def _attempt_write(
    row: Customer,
    purpose: str,
    subject_id: str,
    device_fingerprint: str,
    ip: str | None,
    at: datetime,
    factors: tuple[Factor, Factor],
    *,
    passed: bool,
) -> None:
    face, voice = factors
    VerificationAttempt.objects.create(
        customer=row,
        purpose=purpose,
        subject_id=subject_id,
        at=at,
        device_fingerprint=device_fingerprint,
        ip=ip,
        liveness_passed=face.passed,
        liveness_error_rate=face.error_rate,
        liveness_reference=face.reference,
        voiceprint_passed=voice.passed,
        voiceprint_error_rate=voice.error_rate,
        voiceprint_reference=voice.reference,
        passed=passed,
    )
    audit_record(
        action="verification.passed" if passed else "verification.failed",
        actor=Actor.of(row),
        subject=row,
        at=at,
        ip=ip,
    )
