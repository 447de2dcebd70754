"""Credit gifts over the API: given and received in one list."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import request_device
from loans.api.caller import customer_of
from loans.models import CreditGift, GiftState
from loans.services.gift import gift_accept, gift_offer, gift_refuse, gift_revoke
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import current_business_date
from weilidai.lib.idempotency import IdempotentMixin
from weilidai.lib.schema import DEVICE_ID, IDEMPOTENCY_KEY, PROBLEMS
from weilidai.lib.serializers import MoneyField, PositiveMoneyField


class GiftRequest(serializers.Serializer[Any]):
    credit_line = serializers.UUIDField()
    to = serializers.CharField(max_length=128, help_text="openid of the friend")
    amount = PositiveMoneyField()


class GiftSerializer(serializers.Serializer[CreditGift]):
    id = serializers.UUIDField()
    role = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=GiftState.choices)
    amount = MoneyField()
    returned = MoneyField(source="returned_amount")
    credit_line = serializers.SerializerMethodField()
    friend = serializers.SerializerMethodField()
    offered_on = serializers.DateField(source="offered_date")
    accept_until = serializers.DateField(source="accept_until_date")
    use_until = serializers.DateField(source="use_until_date", allow_null=True)

    def _is_giver(self, gift: CreditGift) -> bool:
        return bool(gift.customer_id == self.context["customer"].pk)

    def get_role(self, gift: CreditGift) -> str:
        """`giver` or `recipient`, as the caller is."""
        return "giver" if self._is_giver(gift) else "recipient"

    def get_credit_line(self, gift: CreditGift) -> str | None:
        """The caller's own line the gift stands on; none for the recipient before acceptance."""
        key = gift.credit_line_id if self._is_giver(gift) else gift.recipient_line_id
        return str(key) if key else None

    def get_friend(self, gift: CreditGift) -> str:
        """The other side's openid."""
        return gift.recipient.openid if self._is_giver(gift) else gift.customer.openid


def _answer(gift: CreditGift, request: Request, code: int = 200) -> Response:
    row = CreditGift.objects.select_related("customer", "recipient").get(pk=gift.pk)
    return Response(GiftSerializer(row, context={"customer": customer_of(request)}).data, status=code)


class GiftList(IdempotentMixin, generics.ListAPIView[CreditGift]):
    serializer_class = GiftSerializer
    throttle_scope = "money"

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return CreditGift.objects.none()
        me = customer_of(self.request)
        return CreditGift.objects.filter(Q(customer=me) | Q(recipient=me)).select_related("customer", "recipient")

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "customer": self.request.user}

    @extend_schema(
        request=GiftRequest,
        responses={201: GiftSerializer, **PROBLEMS},
        parameters=[IDEMPOTENCY_KEY, DEVICE_ID],
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        return super().post(request, **kwargs)

    def perform(self, request: Request, **kwargs: Any) -> Response:
        body = GiftRequest(data=request.data)
        body.is_valid(raise_exception=True)
        gift = gift_offer(
            customer=customer_of(request),
            credit_line_id=body.validated_data["credit_line"],
            openid=body.validated_data["to"],
            amount=body.validated_data["amount"],
            device=request_device(request),
            as_of=current_business_date(),
            at=timezone.now(),
            actor=Actor.of(request.user),
        )
        return _answer(gift, request, 201)


class _GiftAct(IdempotentMixin, APIView):
    throttle_scope = "money"
    act: Callable[..., CreditGift]
    person = "recipient"
    needs_device = False

    @extend_schema(request=None, responses={200: GiftSerializer, **PROBLEMS}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, **kwargs: Any) -> Response:
        return super().post(request, **kwargs)

    def perform(self, request: Request, **kwargs: Any) -> Response:
        more = {"device": request_device(request)} if self.needs_device else {}
        gift = type(self).act(
            gift_id=kwargs["gift_id"],
            as_of=current_business_date(),
            at=timezone.now(),
            actor=Actor.of(request.user),
            **{self.person: customer_of(request)},
            **more,
        )
        return _answer(gift, request)


class GiftAcceptance(_GiftAct):
    act = staticmethod(gift_accept)
    needs_device = True


class GiftRefusal(_GiftAct):
    act = staticmethod(gift_refuse)


class GiftRevocation(_GiftAct):
    act = staticmethod(gift_revoke)
    person = "customer"
