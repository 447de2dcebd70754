"""Shapes of what customers prove with pictures: appeals and asset proofs."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from risk.models import Appeal, AppealImage, AppealState, AssetProof, ProofKind, ProofState
from risk.rules.appeals import FAULTS, INTERNAL_FAULTS
from weilidai.lib.serializers import MoneyField


class AppealRequest(serializers.Serializer[Any]):
    """JPEG, PNG or WebP, at most 8 MB each; all three, and three different ones."""

    id_front = serializers.FileField()
    id_back = serializers.FileField()
    holding_id = serializers.FileField()
    statement = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class StatementRequest(serializers.Serializer[Any]):
    """The text beside the pictures; those are judged by their bytes."""

    statement = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class AppealFaultSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    text = serializers.CharField()


class AppealImageSerializer(serializers.Serializer[AppealImage]):
    """What the automatic checks said of one picture; `passed` is null until they did."""

    kind = serializers.ChoiceField(choices=AppealImage.Kind.choices)
    passed = serializers.BooleanField(allow_null=True)
    faults = serializers.SerializerMethodField()

    @extend_schema_field(AppealFaultSerializer(many=True))
    def get_faults(self, image: AppealImage) -> list[dict[str, str]]:
        told = [code for code in image.faults if code not in INTERNAL_FAULTS]
        return [{"code": code, "text": str(FAULTS.get(code, code))} for code in told]


class AppealSerializer(serializers.Serializer[Appeal]):
    """`due_at`: the hour on the last working day by which there is an answer. `answer`: what a person wrote."""

    id = serializers.UUIDField()
    credit_line = serializers.UUIDField(source="credit_line_id")
    state = serializers.ChoiceField(choices=AppealState.choices)
    statement = serializers.CharField()
    frozen_reason = serializers.CharField()
    received_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    due_on = serializers.DateField(source="due_date")
    late = serializers.BooleanField(source="is_late")
    answer = serializers.CharField()
    answered_at = serializers.DateTimeField(allow_null=True)
    images = AppealImageSerializer(many=True, source="images.all")


class AssetProofRequest(serializers.Serializer[Any]):
    """JPEG, PNG or WebP, at most 8 MB."""

    kind = serializers.ChoiceField(choices=ProofKind.choices)
    image = serializers.FileField()


class ProofKindRequest(serializers.Serializer[Any]):
    """The word beside the picture; that is judged by its bytes."""

    kind = serializers.ChoiceField(choices=ProofKind.choices)


class AssetProofSerializer(serializers.Serializer[AssetProof]):
    """`raised`: by how many yuan the limit rose; `valid_until`: the last day on which the proof counts."""

    id = serializers.UUIDField()
    credit_line = serializers.UUIDField(source="credit_line_id")
    kind = serializers.ChoiceField(choices=ProofKind.choices)
    state = serializers.ChoiceField(choices=ProofState.choices)
    received_at = serializers.DateTimeField()
    valid_until = serializers.DateField(allow_null=True)
    raised = MoneyField(source="raised_amount")
    answer = serializers.CharField()
    reviewed_at = serializers.DateTimeField(allow_null=True)
