"""What customers prove with pictures: appeals against a freeze, asset proofs."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from risk.api.caller import customer_of
from risk.api.evidence_serializers import (
    AppealRequest,
    AppealSerializer,
    AssetProofRequest,
    AssetProofSerializer,
    ProofKindRequest,
    StatementRequest,
)
from risk.models import Appeal, AssetProof
from risk.selectors.appeals import appeals_of
from risk.selectors.applications import line_of
from risk.selectors.raises import proofs_of
from risk.services.appeal import KINDS, appeal_submit
from risk.services.asset_proof import asset_proof_submit
from risk.tasks import appeals_ring
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import current_business_date
from weilidai.lib.idempotency import KeyWelcomeMixin
from weilidai.lib.schema import IDEMPOTENCY_KEY_WELCOME, UPLOAD_PROBLEMS
from weilidai.lib.uploads import BoundedMultiPartParser, files_of


class EvidenceListView(KeyWelcomeMixin, generics.ListAPIView[Any]):
    """Own rows of one own line, newest first; a line of somebody else is not found, whatever is sent."""

    parser_classes = [BoundedMultiPartParser]
    filterset_fields: Any = ("state",)

    @property
    def throttle_scope(self) -> str:
        return "uploads" if self.request.method == "POST" else "customer"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # Before the body is read: nobody makes us unpack pictures for a line that is not theirs.
        line_of(customer_of(request), kwargs["line_id"])


class AppealListView(EvidenceListView):
    serializer_class = AppealSerializer
    queryset = Appeal.objects.none()

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return appeals_of(line_of(customer_of(self.request), self.kwargs["line_id"]))

    @extend_schema(
        request={"multipart/form-data": AppealRequest},
        responses={201: AppealSerializer, **UPLOAD_PROBLEMS},
        parameters=[IDEMPOTENCY_KEY_WELCOME],
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Appeals against the freeze of a line: three different pictures of at most 8 MB each, and why."""
        response = super().post(request, **kwargs)
        appeals_ring()
        return response

    def perform(self, request: Request, **kwargs: Any) -> Response:
        body = StatementRequest(data=request.data)
        body.is_valid(raise_exception=True)
        line_id: UUID = kwargs["line_id"]
        appeal = appeal_submit(
            line_id=line_id,
            customer=customer_of(request),
            files=files_of(request.data, KINDS),
            statement=body.validated_data["statement"],
            actor=Actor.of(customer_of(request)),
            as_of=current_business_date(),
            at=timezone.now(),
        )
        return Response(AppealSerializer(appeals_of(appeal.credit_line).get(pk=appeal.pk)).data, status=201)


class AssetProofListView(EvidenceListView):
    serializer_class = AssetProofSerializer
    queryset = AssetProof.objects.none()
    filterset_fields = ("state", "kind")

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return proofs_of(line_of(customer_of(self.request), self.kwargs["line_id"]))

    @extend_schema(
        request={"multipart/form-data": AssetProofRequest},
        responses={201: AssetProofSerializer, **UPLOAD_PROBLEMS},
        parameters=[IDEMPOTENCY_KEY_WELCOME],
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Sends a property certificate or vehicle licence of at most 8 MB; accepted, it may raise the limit."""
        return super().post(request, **kwargs)

    def perform(self, request: Request, **kwargs: Any) -> Response:
        body = ProofKindRequest(data=request.data)
        body.is_valid(raise_exception=True)
        proof = asset_proof_submit(
            line_id=kwargs["line_id"],
            customer=customer_of(request),
            kind=body.validated_data["kind"],
            image=files_of(request.data, ["image"]).get("image"),
            actor=Actor.of(customer_of(request)),
            as_of=current_business_date(),
            at=timezone.now(),
        )
        return Response(AssetProofSerializer(proof).data, status=201)
