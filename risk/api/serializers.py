"""Shapes of the credit-granting API. Field names are fixed by the contract."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from risk.api.evidence_serializers import AppealSerializer
from risk.models import (
    ApplicationState,
    CreditApplication,
    CreditLine,
    Decision,
    DecisionContest,
    LegalDocument,
    LimitRaise,
    LineState,
    Outcome,
    RaiseSource,
    RateReview,
    TierCode,
)
from risk.rules.reasons import reason_advice, reason_text
from risk.selectors.applications import decision_latest
from weilidai.lib.serializers import MoneyField, RateField

DIMENSION_NAMES: dict[str, str | Promise] = {
    "consumption": _("Consumption"),
    "social": _("Social activity"),
    "capacity": _("Capacity to perform"),
    "device_stability": _("Stability of use"),
    "external_credit": _("External credit report"),
}
STEPS = ("hidden", "apply", "sign_documents", "verify", "assess", "wait", "borrow", "frozen")


# --- What comes in ----------------------------------------------------------------------------------------------


class ProductQuery(serializers.Serializer[Any]):
    product = serializers.SlugField(max_length=40)


class ApplicationRequest(serializers.Serializer[Any]):
    product = serializers.SlugField(max_length=40)
    ecny_wallet_consent = serializers.BooleanField(default=False)


class SignatureRequest(serializers.Serializer[Any]):
    document = serializers.UUIDField()
    sha256 = serializers.RegexField(r"^[0-9a-fA-F]{64}$")


class VerificationRequest(serializers.Serializer[Any]):
    payment_password = serializers.CharField(max_length=100, trim_whitespace=False)
    face_token = serializers.CharField(max_length=500)
    voice_token = serializers.CharField(max_length=500)


class ContestRequest(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=2000)


# --- What goes out ----------------------------------------------------------------------------------------------


class ReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    text = serializers.SerializerMethodField()
    advice = serializers.SerializerMethodField(help_text="What the customer can do about it; may be empty.")

    def get_text(self, reason: dict[str, str]) -> str:
        return reason_text(reason["code"])

    def get_advice(self, reason: dict[str, str]) -> str:
        return reason_advice(reason["code"])


class DimensionSerializer(serializers.Serializer[Any]):
    """Points of one dimension. The variables behind them stay inside."""

    code = serializers.CharField()
    name = serializers.SerializerMethodField()
    weight = serializers.CharField()
    points = serializers.CharField()

    def get_name(self, dimension: dict[str, Any]) -> str:
        return str(DIMENSION_NAMES.get(dimension["code"], dimension["code"]))


class DecisionSerializer(serializers.Serializer[Decision]):
    id = serializers.UUIDField()
    decision = serializers.ChoiceField(choices=Outcome.choices, source="outcome")
    score = serializers.DecimalField(max_digits=7, decimal_places=2, coerce_to_string=True)
    dimensions = DimensionSerializer(many=True)
    reasons = ReasonSerializer(many=True)
    tier = serializers.ChoiceField(choices=TierCode.choices, allow_null=True)
    limit = MoneyField(source="limit_amount", allow_null=True)
    daily_rate = RateField(allow_null=True)
    decided_at = serializers.DateTimeField()
    by_person = serializers.SerializerMethodField()

    def get_by_person(self, decision: Decision) -> bool:
        return decision.decided_by_id is not None

    def to_representation(self, instance: Decision) -> dict[str, Any]:
        """No tier is null, not an empty word."""
        shown: dict[str, Any] = super().to_representation(instance)
        return {**shown, "tier": instance.tier or None}


class CreditLineSerializer(serializers.Serializer[CreditLine]):
    id = serializers.UUIDField()
    product = serializers.CharField(source="product_id")
    state = serializers.ChoiceField(choices=LineState.choices)
    tier = serializers.ChoiceField(choices=TierCode.choices)
    limit = MoneyField(source="limit_amount")
    used = MoneyField(source="used_amount")
    gifted = MoneyField(source="gifted_amount")
    received = MoneyField(source="received_amount")
    available = serializers.SerializerMethodField()
    daily_rate = RateField()
    frozen_reason = serializers.SerializerMethodField()
    opened_on = serializers.DateField(source="opened_date")

    def get_available(self, line: CreditLine) -> str:
        """What can be drawn now: nothing while the line is frozen or closed."""
        return str(line.available_amount) if line.state == LineState.ACTIVE else "0.00"

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_frozen_reason(self, line: CreditLine) -> str | None:
        return line.frozen_reason or None


class RateReviewSerializer(serializers.Serializer[RateReview]):
    id = serializers.UUIDField()
    quarter = serializers.DateField()
    reviewed_on = serializers.DateField(source="business_date")
    old_daily_rate = RateField()
    new_daily_rate = RateField()
    old_tier = serializers.CharField()
    new_tier = serializers.CharField()
    months_on_time = serializers.IntegerField()
    reasons = serializers.SerializerMethodField()

    @extend_schema_field(ReasonSerializer(many=True))
    def get_reasons(self, review: RateReview) -> Any:
        """Codes with their texts in the reader's language."""
        return ReasonSerializer([{"code": code} for code in review.reasons], many=True).data


class LimitRaiseSerializer(serializers.Serializer[LimitRaise]):
    id = serializers.UUIDField()
    month = serializers.DateField()
    raised_on = serializers.DateField(source="business_date")
    raised_for = serializers.ChoiceField(choices=RaiseSource.choices, source="source")
    amount = MoneyField()
    new_limit = MoneyField(source="new_limit_amount")
    reason = serializers.CharField(source="get_source_display", help_text="in the reader's language")


class ApplicationSerializer(serializers.Serializer[CreditApplication]):
    """`missing` in the context maps an application's id to its unsigned texts."""

    id = serializers.UUIDField()
    product = serializers.CharField(source="product_id")
    state = serializers.ChoiceField(choices=ApplicationState.choices)
    started_on = serializers.DateField(source="started_date")
    expires_on = serializers.DateField(source="expires_date")
    verified_at = serializers.DateTimeField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    missing_signatures = serializers.SerializerMethodField()
    decision = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_missing_signatures(self, application: CreditApplication) -> list[str]:
        return [str(document.pk) for document in self.context["missing"].get(application.pk, [])]

    @extend_schema_field(DecisionSerializer(allow_null=True))
    def get_decision(self, application: CreditApplication) -> Any:
        decision = decision_latest(application)
        return DecisionSerializer(decision).data if decision else None


class AppealGuideSerializer(serializers.Serializer[Any]):
    """How to appeal: where to send what, and the appeal that is open already."""

    path = serializers.CharField()
    images = serializers.ListField(child=serializers.CharField())
    working_days = serializers.IntegerField()
    open = AppealSerializer(allow_null=True)


class EntrySerializer(serializers.Serializer[Any]):
    available = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True)
    reason_text = serializers.SerializerMethodField()
    step = serializers.ChoiceField(choices=[(step, step) for step in STEPS])
    hints = serializers.ListField(child=serializers.CharField())
    application = ApplicationSerializer(allow_null=True)
    credit_line = CreditLineSerializer(allow_null=True)
    appeal = AppealGuideSerializer(allow_null=True)

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_reason_text(self, entry: dict[str, Any]) -> str | None:
        line: CreditLine | None = entry["credit_line"]
        if line is not None and line.frozen_reason:
            return str(line.get_frozen_reason_display())
        return reason_text(entry["reason"]) if entry["reason"] else None


class DocumentSerializer(serializers.Serializer[LegalDocument]):
    """Title, text and hash in the language asked for; that hash is the one to sign."""

    id = serializers.UUIDField()
    product = serializers.CharField(source="product_id")
    code = serializers.CharField()
    version = serializers.CharField()
    valid_from = serializers.DateField()
    title = serializers.CharField()
    sha256 = serializers.CharField()
    signed = serializers.SerializerMethodField()

    def get_signed(self, document: LegalDocument) -> bool:
        return document.pk in self.context["signed"]


class DocumentDetailSerializer(DocumentSerializer):
    body = serializers.CharField()


class ContestSerializer(serializers.Serializer[DecisionContest]):
    id = serializers.UUIDField()
    decision = serializers.UUIDField(source="decision_id")
    state = serializers.ChoiceField(choices=DecisionContest.State.choices)
    text = serializers.CharField()
    answer = serializers.CharField()
    created_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)


class TierSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField(source="get_code_display")
    limit_min = MoneyField(source="limit_min_amount")
    limit_max = MoneyField(source="limit_max_amount")
    daily_rate_min = RateField()
    daily_rate_max = RateField()
    penalty_share = RateField()


class ProductSerializer(serializers.Serializer[Any]):
    """A product as its terms of today show it."""

    code = serializers.CharField(source="product.code")
    name = serializers.CharField(source="product.name")
    score_name = serializers.CharField()
    score_minimum = serializers.IntegerField()
    limit_ceiling = MoneyField(source="limit_ceiling_amount")
    daily_rate_min = RateField()
    daily_rate_max = RateField()
    payout_target_seconds = serializers.IntegerField()
    loan_amount_min = MoneyField()
    single_days_min = serializers.IntegerField()
    single_days_max = serializers.IntegerField()
    instalment_amount_min = MoneyField()
    instalment_periods = serializers.ListField(child=serializers.IntegerField())
    fee_rate = RateField()
    tiers = TierSerializer(many=True, source="tiers.all")


class AuxiliaryItemSerializer(serializers.Serializer[Any]):
    item = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the documented name
    state = serializers.ChoiceField(choices=[(s, s) for s in ("verified", "unverified", "contradicted")])
    months = serializers.IntegerField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]  # the documented name
    as_of = serializers.DateField(allow_null=True)
    fresh_days = serializers.IntegerField()
    weight = serializers.CharField()
