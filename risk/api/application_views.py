"""The application and its steps; each step is one service call."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import request_device
from risk.api.caller import customer_of
from risk.api.serializers import (
    ApplicationRequest,
    ApplicationSerializer,
    ContestRequest,
    ContestSerializer,
    DecisionSerializer,
    SignatureRequest,
    VerificationRequest,
)
from risk.api.views import application_context
from risk.models import CreditApplication, DecisionContest
from risk.selectors.applications import application_of, applications_of
from risk.services.application import (
    Origin,
    application_cancel,
    application_start,
    application_verify,
    document_sign,
)
from risk.services.assessment import application_assess
from risk.services.contest import contest_open
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import current_business_date
from weilidai.lib.idempotency import IdempotentMixin
from weilidai.lib.net import client_ip
from weilidai.lib.schema import DEVICE_ID, IDEMPOTENCY_KEY, PROBLEMS


def _origin(request: Request) -> Origin:
    return Origin(
        ip=client_ip(request._request),
        device=request.headers.get("X-Device-Id", "").strip(),
        language=get_language() or "zh-hans",
    )


def _edge(request: Request) -> dict[str, Any]:
    """Who, on which business date, at what time: read once, here."""
    return {"actor": Actor.of(customer_of(request)), "as_of": current_business_date(), "at": timezone.now()}


def _body(serializer: Any, request: Request) -> dict[str, Any]:
    parsed = serializer(data=request.data)
    parsed.is_valid(raise_exception=True)
    values: dict[str, Any] = parsed.validated_data
    return values


def _answer(request: Request, application_id: UUID, status: int = 200) -> Response:
    application = application_of(customer_of(request), application_id)
    shown = ApplicationSerializer(application, context=application_context(application))
    return Response(shown.data, status=status)


class ApplicationListView(generics.ListAPIView[CreditApplication]):
    serializer_class = ApplicationSerializer
    queryset = CreditApplication.objects.none()
    filterset_fields = ("product", "state")

    def get_queryset(self) -> Any:
        fake = getattr(self, "swagger_fake_view", False)
        return self.queryset if fake else applications_of(customer_of(self.request)).select_related("customer")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Own applications, newest first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        serializer: Any = ApplicationSerializer
        shown = serializer(page, many=True, context=application_context(*page))
        return self.get_paginated_response(shown.data)

    @extend_schema(request=ApplicationRequest, responses={201: ApplicationSerializer, **PROBLEMS})
    def post(self, request: Request) -> Response:
        """Starts an application with a live invitation."""
        application = application_start(
            customer=customer_of(request), **_body(ApplicationRequest, request), **_edge(request)
        )
        return _answer(request, application.pk, status=201)


class ApplicationDetailView(APIView):
    @extend_schema(responses={200: ApplicationSerializer, **PROBLEMS})
    def get(self, request: Request, application_id: UUID) -> Response:
        return _answer(request, application_id)


class SignatureView(APIView):
    @extend_schema(request=SignatureRequest, responses={201: ApplicationSerializer, **PROBLEMS}, parameters=[DEVICE_ID])
    def post(self, request: Request, application_id: UUID) -> Response:
        """Signs one text; `sha256` is the hash of the text that was shown."""
        body = _body(SignatureRequest, request)
        document_sign(
            application_id=application_id,
            customer=customer_of(request),
            document_id=body["document"],
            sha256=body["sha256"],
            origin=_origin(request),
            **_edge(request),
        )
        return _answer(request, application_id, status=201)


class VerificationView(APIView):
    throttle_scope = "sign_in"

    @extend_schema(
        request=VerificationRequest, responses={200: ApplicationSerializer, **PROBLEMS}, parameters=[DEVICE_ID]
    )
    def post(self, request: Request, application_id: UUID) -> Response:
        """Payment password, liveness and voiceprint; a failed try counts."""
        application_verify(
            application_id=application_id,
            customer=customer_of(request),
            origin=_origin(request),
            **_body(VerificationRequest, request),
            **_edge(request),
        )
        return _answer(request, application_id)


class AssessmentView(IdempotentMixin, APIView):
    @extend_schema(request=None, responses={200: DecisionSerializer, **PROBLEMS}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Decides at once; an approval opens the credit line."""
        return super().post(request, **kwargs)

    def perform(self, request: Request, **kwargs: Any) -> Response:
        decision = application_assess(
            application_id=kwargs["application_id"],
            customer=customer_of(request),
            device=request_device(request),
            ip=client_ip(request._request),
            **_edge(request),
        )
        return Response(DecisionSerializer(decision).data)


class ContestView(APIView):
    @extend_schema(responses={200: ContestSerializer(many=True), **PROBLEMS}, operation_id="contests_list")
    def get(self, request: Request, application_id: UUID) -> Response:
        """What the customer contested on this application, newest first, with the answers."""
        application = application_of(customer_of(request), application_id)
        rows = DecisionContest.objects.filter(decision__application=application)
        shown: Any = ContestSerializer
        return Response(shown(rows, many=True).data)

    @extend_schema(request=ContestRequest, responses={201: ContestSerializer, **PROBLEMS})
    def post(self, request: Request, application_id: UUID) -> Response:
        """Asks that a person looks at the decision."""
        contest = contest_open(
            application_id=application_id,
            customer=customer_of(request),
            **_body(ContestRequest, request),
            **_edge(request),
        )
        return Response(ContestSerializer(contest).data, status=201)


class CancellationView(APIView):
    @extend_schema(request=None, responses={200: ApplicationSerializer, **PROBLEMS})
    def post(self, request: Request, application_id: UUID) -> Response:
        """The customer gives the application up."""
        application_cancel(
            application_id=application_id, customer=customer_of(request), reason="customer", **_edge(request)
        )
        return _answer(request, application_id)
