from datetime import date, datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from weilidai.lib.crypto import EncryptedTextField, mask
from weilidai.lib.ids import uuid7


class Occupation(models.TextChoices):
    SALARIED = "salaried", _("Salaried")
    BLUE_COLLAR = "blue_collar", _("Blue collar")
    MICRO_MERCHANT = "micro_merchant", _("Micro merchant")
    STUDENT = "student", _("Student")
    SELF_EMPLOYED = "self_employed", _("Self-employed")
    OTHER = "other", _("Other")


def _masked_name(name: str) -> str:
    return mask(name, head=1, tail=0) if name else ""


class Customer(models.Model):
    """A person known by a WeChat openid. Names and numbers are ciphertext; hashes beside them are for search."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    openid = models.CharField(_("openid"), max_length=128, unique=True)
    name = EncryptedTextField(_("name"), blank=True, default="")
    name_hash = models.CharField(max_length=64, blank=True, default="", db_index=True, editable=False)
    id_number = EncryptedTextField(_("identity number"), blank=True, default="")
    # One person, one customer: two openids cannot verify the same identity card.
    id_number_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)
    birth_date = models.DateField(_("birth date"), null=True, blank=True)
    phone = EncryptedTextField(_("phone"), blank=True, default="")
    phone_hash = models.CharField(max_length=64, blank=True, default="", db_index=True, editable=False)
    registered_occupation = models.CharField(
        _("occupation by feed"), max_length=20, choices=Occupation.choices, blank=True, default=""
    )
    declared_occupation = models.CharField(
        _("declared occupation"), max_length=20, choices=Occupation.choices, blank=True, default=""
    )
    declared_student = models.BooleanField(_("declared student"), default=False)
    city = models.CharField(_("city"), max_length=80, blank=True, default="")
    residence_since = models.DateField(_("residence since"), null=True, blank=True)
    registered_on = models.DateField(_("registered on"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=10, default="zh-hans")

    identity_verified_at = models.DateTimeField(_("identity verified at"), null=True, blank=True)
    identity_reference = models.CharField(_("identity check reference"), max_length=100, blank=True, default="")

    payment_password_hash = models.CharField(max_length=200, blank=True, default="", editable=False)
    payment_password_failed_count = models.PositiveSmallIntegerField(default=0)
    payment_password_locked_until = models.DateTimeField(null=True, blank=True)
    verification_failed_count = models.PositiveSmallIntegerField(default=0)
    verification_locked_until = models.DateTimeField(null=True, blank=True)

    deletion_requested_at = models.DateTimeField(_("deletion requested at"), null=True, blank=True)
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    # The API's authentication and permission classes ask these of every user object.
    is_authenticated = True
    is_anonymous = False
    is_staff = False

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["-id"]
        permissions = [("view_full_number", _("Can read a full name, identity or phone number"))]

    # What a file of many rows reads to name a customer.
    TOLD_BY = ("name", "openid")

    def __str__(self) -> str:
        return self.told(self.name, self.openid)

    @staticmethod
    def told(name: str, openid: str) -> str:
        return _masked_name(name) or openid

    @property
    def is_active(self) -> bool:
        return self.erased_at is None

    @property
    def masked_name(self) -> str:
        return _masked_name(self.name)

    @property
    def masked_id_number(self) -> str:
        return mask(self.id_number, head=3, tail=4) if self.id_number else ""

    @property
    def masked_phone(self) -> str:
        return mask(self.phone, head=3, tail=4) if self.phone else ""

    @property
    def occupation(self) -> str:
        """What the customer says of the work, else what the feed says."""
        return self.declared_occupation or self.registered_occupation

    @property
    def is_student(self) -> bool:
        """Either source is enough: nobody leaves the student limit by editing a profile (R50)."""
        return self.declared_student or Occupation.STUDENT in (
            self.registered_occupation,
            self.declared_occupation,
        )

    @property
    def is_identity_verified(self) -> bool:
        return self.identity_verified_at is not None

    @property
    def has_payment_password(self) -> bool:
        return bool(self.payment_password_hash)

    def age_on(self, day: date) -> int | None:
        """Completed years, or None while the birth date is unknown."""
        born = self.birth_date
        if born is None:
            return None
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    def is_verification_locked(self, at: datetime) -> bool:
        return self.verification_locked_until is not None and at < self.verification_locked_until

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Customers hold no staff permission."""
        return False
