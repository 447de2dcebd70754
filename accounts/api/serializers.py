from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import BankCard, Consent, Customer, Device, Notification, Occupation
from accounts.notices import notice_text
from accounts.rules import BiometricPolicy


class TokenRequest(serializers.Serializer[Any]):
    wechat_code = serializers.CharField(max_length=300)


class TokenAnswer(serializers.Serializer[Any]):
    access = serializers.CharField()
    expires_at = serializers.DateTimeField()


class VerificationStateSerializer(serializers.Serializer[Any]):
    locked = serializers.BooleanField()
    retry_at = serializers.DateTimeField(allow_null=True)
    attempts_left = serializers.IntegerField()


class MeSerializer(serializers.ModelSerializer[Customer]):
    """The profile; names and numbers masked."""

    name = serializers.CharField(source="masked_name")
    id_number = serializers.CharField(source="masked_id_number")
    phone = serializers.CharField(source="masked_phone")
    occupation = serializers.CharField()
    student = serializers.BooleanField(source="is_student")
    identity_verified = serializers.BooleanField(source="is_identity_verified")
    payment_password_set = serializers.BooleanField(source="has_payment_password")
    bank_card_verified = serializers.SerializerMethodField()
    verification = serializers.SerializerMethodField()

    class Meta:
        model = Customer
        fields = ("id", "openid", "name", "id_number", "phone", "occupation", "student", "city", "language",
                  "identity_verified", "bank_card_verified", "payment_password_set", "verification")  # fmt: skip

    def get_bank_card_verified(self, customer: Customer) -> bool:
        return bool(self.context["cards_count"])

    @extend_schema_field(VerificationStateSerializer)
    def get_verification(self, customer: Customer) -> dict[str, Any]:
        locked = customer.is_verification_locked(self.context["at"])
        allowed = BiometricPolicy(error_rate_below=0).failures_allowed + 1
        return {
            "locked": locked,
            "retry_at": customer.verification_locked_until if locked else None,
            "attempts_left": 0 if locked else max(allowed - customer.verification_failed_count, 0) or allowed,
        }


class MeRequest(serializers.Serializer[Any]):
    occupation = serializers.ChoiceField(choices=Occupation.choices, required=False)
    student = serializers.BooleanField(required=False)
    language = serializers.ChoiceField(choices=settings.LANGUAGES, required=False)


class IdentityRequest(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    id_number = serializers.CharField(max_length=30)


class BankCardRequest(serializers.Serializer[Any]):
    number = serializers.CharField(max_length=40)
    holder = serializers.CharField(max_length=60)
    phone = serializers.CharField(max_length=30)


class BankCardSerializer(serializers.ModelSerializer[BankCard]):
    class Meta:
        model = BankCard
        fields = ("id", "last_four", "verified_at")


class PaymentPasswordRequest(serializers.Serializer[Any]):
    new = serializers.CharField(max_length=20)
    current = serializers.CharField(max_length=20, required=False, allow_null=True)


class FactorsRequest(serializers.Serializer[Any]):
    """What proves that it is the customer."""

    payment_password = serializers.CharField(max_length=20)
    face_token = serializers.CharField(max_length=2000)
    voice_token = serializers.CharField(max_length=2000)


class DeviceSerializer(serializers.ModelSerializer[Device]):
    device_id = serializers.CharField(source="fingerprint")
    verified = serializers.BooleanField(source="is_verified")

    class Meta:
        model = Device
        fields = ("id", "device_id", "verified", "verified_at", "first_seen_at", "last_seen_at")


class ConsentSerializer(serializers.ModelSerializer[Consent]):
    class Meta:
        model = Consent
        fields = ("id", "code", "source", "granted_at", "withdrawn_at")


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    title = serializers.SerializerMethodField()
    body = serializers.SerializerMethodField()
    read = serializers.SerializerMethodField()

    class Meta:
        model = Notification
        fields = ("id", "kind", "title", "body", "params", "business_date", "created_at", "read", "read_at")

    def get_title(self, row: Notification) -> str:
        return notice_text(row.kind, row.params)[0]

    def get_body(self, row: Notification) -> str:
        return notice_text(row.kind, row.params)[1]

    def get_read(self, row: Notification) -> bool:
        return row.read_at is not None


class NotificationRequest(serializers.Serializer[Any]):
    read = serializers.BooleanField()


class EmptySerializer(serializers.Serializer[Any]):
    """A body with nothing in it."""
