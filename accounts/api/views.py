"""People over the API: parse, one service call, answer."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import serializers as s
from accounts.api.authentication import customer_of, token_of, told_fingerprint
from accounts.models import BankCard, Consent, Customer, Device, Notification
from accounts.rules import BiometricPolicy
from accounts.selectors import people
from accounts.services.consent import consent_withdraw
from accounts.services.device import device_verify
from accounts.services.identity import bank_card_add, identity_verify
from accounts.services.login import customer_login, customer_logout, customer_logout_all
from accounts.services.notification import notification_mark
from accounts.services.personal_data import customer_delete, customer_export
from accounts.services.profile import profile_update
from accounts.services.verification import payment_password_set
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import current_business_date
from weilidai.lib.net import client_ip
from weilidai.lib.schema import PROBLEMS

# Until a product's terms say otherwise; the application's own verification uses its terms (R11).
DEVICE_POLICY_RATE = "0.003"


def parsed(serializer: type[Any], request: Request) -> dict[str, Any]:
    """The body's values by this serializer; raises the field errors."""
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    values: dict[str, Any] = body.validated_data
    return values


class TokenView(APIView):
    """Log in with a WeChat code."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "sign_in"

    @extend_schema(request=s.TokenRequest, responses={200: s.TokenAnswer, **PROBLEMS}, auth=[])
    def post(self, request: Request) -> Response:
        code = parsed(s.TokenRequest, request)["wechat_code"]
        row, token = customer_login(
            wechat_code=code,
            at=timezone.now(),
            as_of=current_business_date(),
            ip=client_ip(request._request),
            fingerprint=told_fingerprint(request),
            user_agent=request.headers.get("User-Agent", ""),
        )
        return Response({"access": token, "expires_at": row.expiry})


class LogoutView(APIView):
    @extend_schema(request=None, responses={204: None, **PROBLEMS})
    def post(self, request: Request) -> Response:
        customer_logout(token=token_of(request), at=timezone.now())
        return Response(status=204)


class LogoutAllView(APIView):
    @extend_schema(request=None, responses={204: None, **PROBLEMS})
    def post(self, request: Request) -> Response:
        customer_logout_all(customer=customer_of(request), at=timezone.now())
        return Response(status=204)


def me_answer(customer: Customer, http_state: int = 200) -> Response:
    context = {"cards_count": people.bank_cards(customer).count(), "at": timezone.now()}
    return Response(s.MeSerializer(customer, context=context).data, status=http_state)


class MeView(APIView):
    @extend_schema(responses={200: s.MeSerializer, **PROBLEMS})
    def get(self, request: Request) -> Response:
        return me_answer(customer_of(request))

    @extend_schema(request=s.MeRequest, responses={200: s.MeSerializer, **PROBLEMS})
    def patch(self, request: Request) -> Response:
        changes = parsed(s.MeRequest, request)
        return me_answer(profile_update(customer=customer_of(request), changes=changes, at=timezone.now()))


class IdentityView(APIView):
    @extend_schema(request=s.IdentityRequest, responses={200: s.MeSerializer, **PROBLEMS})
    def post(self, request: Request) -> Response:
        customer = identity_verify(
            customer=customer_of(request),
            **parsed(s.IdentityRequest, request),
            actor=Actor.of(customer_of(request)),
            as_of=current_business_date(),
            at=timezone.now(),
        )
        return me_answer(customer)


class BankCardList(generics.ListAPIView[BankCard]):
    serializer_class = s.BankCardSerializer

    def get_queryset(self) -> QuerySet[BankCard]:
        if getattr(self, "swagger_fake_view", False):
            return BankCard.objects.none()
        return people.bank_cards(customer_of(self.request))

    @extend_schema(request=s.BankCardRequest, responses={201: s.BankCardSerializer, **PROBLEMS})
    def post(self, request: Request) -> Response:
        card = bank_card_add(
            customer=customer_of(request),
            **parsed(s.BankCardRequest, request),
            actor=Actor.of(customer_of(request)),
            as_of=current_business_date(),
            at=timezone.now(),
        )
        return Response(s.BankCardSerializer(card).data, status=201)


class PaymentPasswordView(APIView):
    @extend_schema(request=s.PaymentPasswordRequest, responses={204: None, **PROBLEMS})
    def post(self, request: Request) -> Response:
        body = parsed(s.PaymentPasswordRequest, request)
        payment_password_set(
            customer=customer_of(request),
            new=body["new"],
            current=body.get("current"),
            actor=Actor.of(customer_of(request)),
            at=timezone.now(),
        ).require()
        return Response(status=204)


class ConsentList(generics.ListAPIView[Consent]):
    serializer_class = s.ConsentSerializer

    def get_queryset(self) -> QuerySet[Consent]:
        if getattr(self, "swagger_fake_view", False):
            return Consent.objects.none()
        return people.consents(customer_of(self.request))


class ConsentWithdrawal(APIView):
    @extend_schema(request=None, responses={200: s.ConsentSerializer, **PROBLEMS})
    def post(self, request: Request, code: str) -> Response:
        row = consent_withdraw(
            customer=customer_of(request), code=code, actor=Actor.of(customer_of(request)), at=timezone.now()
        )
        return Response(s.ConsentSerializer(row).data)


class ExportView(APIView):
    @extend_schema(responses={200: OpenApiTypes.OBJECT, **PROBLEMS})
    def get(self, request: Request) -> Response:
        return Response(customer_export(customer=customer_of(request), at=timezone.now()))


class DeletionView(APIView):
    @extend_schema(request=None, responses={204: None, **PROBLEMS})
    def post(self, request: Request) -> Response:
        customer_delete(customer=customer_of(request), at=timezone.now())
        return Response(status=204)


class DeviceList(generics.ListAPIView[Device]):
    serializer_class = s.DeviceSerializer

    def get_queryset(self) -> QuerySet[Device]:
        if getattr(self, "swagger_fake_view", False):
            return Device.objects.none()
        return people.devices(customer_of(self.request))


class DeviceVerification(APIView):
    throttle_scope = "sign_in"

    @extend_schema(request=s.FactorsRequest, responses={200: s.DeviceSerializer, **PROBLEMS})
    def post(self, request: Request, device_id: UUID) -> Response:
        body = parsed(s.FactorsRequest, request)
        device = people.device(customer_of(request), device_id)
        policy = BiometricPolicy(error_rate_below=Decimal(DEVICE_POLICY_RATE))
        ip = client_ip(request._request)
        device_verify(
            device=device, **body, policy=policy, ip=ip, as_of=current_business_date(), at=timezone.now()
        ).require()
        return Response(s.DeviceSerializer(people.device(customer_of(request), device_id)).data)


class NotificationList(generics.ListAPIView[Notification]):
    serializer_class = s.NotificationSerializer

    def get_queryset(self) -> QuerySet[Notification]:
        if getattr(self, "swagger_fake_view", False):
            return Notification.objects.none()
        return people.notifications(customer_of(self.request))


class NotificationDetail(APIView):
    @extend_schema(request=s.NotificationRequest, responses={200: s.NotificationSerializer, **PROBLEMS})
    def patch(self, request: Request, notification_id: UUID) -> Response:
        body = parsed(s.NotificationRequest, request)
        row = people.notification(customer_of(request), notification_id)
        row = notification_mark(notification=row, read=body["read"], at=timezone.now())
        return Response(s.NotificationSerializer(row).data)
