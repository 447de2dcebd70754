"""Offers of a new schedule over the API: seen, their cost form shown, confirmed or refused (R54, R59)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import request_device
from loans.api.caller import customer_of
from loans.api.loan_serializers import DisclosureSerializer, LoanFormSerializer, ScheduleRowSerializer
from loans.maths.rearrangement import Agreed
from loans.models import OfferState, RearrangementOffer
from loans.selectors.rearrangement import Proposal
from loans.selectors.rearrangement_offer import current_proposal, customer_offers, offer_agreed, offer_get
from loans.services.rearrangement_answer import offer_confirm, offer_disclose, offer_refuse
from weilidai.lib.business_date import current_business_date
from weilidai.lib.idempotency import IdempotentMixin
from weilidai.lib.pagination import CursorPage
from weilidai.lib.schema import DEVICE_ID, IDEMPOTENCY_KEY, PROBLEMS
from weilidai.lib.serializers import MoneyField, RateField, parsed


@dataclass(frozen=True)
class OfferSeen:
    """An offer with what it agrees, and, where it is looked at alone, what could be confirmed today."""

    offer: RearrangementOffer
    agreed: Agreed
    plan: Proposal | None = None


class OfferSerializer(serializers.Serializer[Any]):
    """What is offered. `state` says what became of it; `answer_until` is the last day on which it can be answered."""

    id = serializers.UUIDField(source="offer.id")
    loan = serializers.UUIDField(source="offer.loan_id")
    state = serializers.ChoiceField(source="offer.state", choices=OfferState.choices)
    offered_on = serializers.DateField(source="offer.business_date")
    answer_until = serializers.DateField(source="offer.expires_date")
    begins_on = serializers.DateField(source="offer.begins_date", allow_null=True)
    periods = serializers.IntegerField(source="agreed.periods")
    first_due_date = serializers.DateField(source="agreed.first_due_date")
    daily_rate = RateField(source="agreed.daily_rate")
    keeps_fees = serializers.BooleanField(source="agreed.keeps_fees")
    waives_penalty = serializers.BooleanField(source="agreed.waives_penalty")
    stops_penalty = serializers.BooleanField(source="agreed.stops_penalty")
    ended_at = serializers.DateTimeField(source="offer.ended_at", allow_null=True)
    ended_because = serializers.CharField(source="offer.ended_because")


class OfferPlanSerializer(serializers.Serializer[Proposal]):
    """The new schedule, were the offer confirmed on the business date."""

    effective_date = serializers.DateField(source="on")
    principal = MoneyField()
    schedule = ScheduleRowSerializer(many=True)
    given_up = MoneyField(source="waived_claim")
    total_cost = MoneyField()
    total_repayment = MoneyField()
    apr = RateField()
    irr = serializers.DecimalField(max_digits=24, decimal_places=6)
    cost_cap = RateField(source="new.cost_cap_rate", allow_null=True)


class OfferDetailSerializer(OfferSerializer):
    """`plan` is null where it can no longer be confirmed; `disclosure` is the form the customer confirmed."""

    plan = OfferPlanSerializer(allow_null=True)
    disclosure = LoanFormSerializer(source="offer.disclosure", allow_null=True)


class OfferQuery(serializers.Serializer[Any]):
    loan = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=OfferState.choices, required=False)


class ConfirmationRequest(serializers.Serializer[Any]):
    """The id of the form that was shown."""

    disclosure = serializers.UUIDField()


class RefusalRequest(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


def _answer(request: Request, offer_id: UUID) -> Response:
    offer = offer_get(customer_of(request), offer_id)
    plan = current_proposal(offer, current_business_date())
    return Response(OfferDetailSerializer(OfferSeen(offer, offer_agreed(offer), plan)).data)


class OfferList(APIView):
    """The caller's offers, newest first."""

    @extend_schema(
        operation_id="rearrangement_offers_list",
        parameters=[OfferQuery],
        responses={200: OfferSerializer(many=True), **PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        rows = customer_offers(customer_of(request)).filter(**parsed(OfferQuery, request.query_params))
        pages = CursorPage()
        page = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response(
            OfferSerializer([OfferSeen(row, offer_agreed(row)) for row in page], many=True).data
        )


class OfferDetail(APIView):
    @extend_schema(operation_id="rearrangement_offers_retrieve", responses={200: OfferDetailSerializer, **PROBLEMS})
    def get(self, request: Request, offer_id: UUID) -> Response:
        return _answer(request, offer_id)


class OfferDisclosure(APIView):
    """The cost disclosure form of the offer, as of today (R59). Binds nothing; the confirmation names it."""

    throttle_scope = "money"

    @extend_schema(request=None, responses={200: DisclosureSerializer, **PROBLEMS}, parameters=[DEVICE_ID])
    def post(self, request: Request, offer_id: UUID) -> Response:
        customer = customer_of(request)
        form = offer_disclose(offer_id=offer_id, customer=customer, as_of=current_business_date(), at=timezone.now())
        seconds = offer_get(customer, offer_id).loan.terms.disclosure_reading_seconds
        return Response(DisclosureSerializer(form, context={"reading_seconds": seconds}).data)


class OfferConfirmation(IdempotentMixin, APIView):
    """The customer agrees to the form that was shown."""

    throttle_scope = "money"

    @extend_schema(
        request=ConfirmationRequest,
        responses={200: OfferDetailSerializer, **PROBLEMS},
        parameters=[IDEMPOTENCY_KEY, DEVICE_ID],
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        return super().post(request, **kwargs)

    def perform(self, request: Request, **kwargs: Any) -> Response:
        values = parsed(ConfirmationRequest, request.data)
        offer_confirm(
            offer_id=kwargs["offer_id"],
            customer=customer_of(request),
            disclosure_id=values["disclosure"],
            device=request_device(request),
            as_of=current_business_date(),
            at=timezone.now(),
        )
        return _answer(request, kwargs["offer_id"])


class OfferRefusal(IdempotentMixin, APIView):
    """The customer keeps the loan as it is."""

    throttle_scope = "money"

    @extend_schema(
        request=RefusalRequest, responses={200: OfferDetailSerializer, **PROBLEMS}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        return super().post(request, **kwargs)

    def perform(self, request: Request, **kwargs: Any) -> Response:
        values = parsed(RefusalRequest, request.data)
        offer_refuse(
            offer_id=kwargs["offer_id"],
            customer=customer_of(request),
            answer=values["reason"],
            as_of=current_business_date(),
            at=timezone.now(),
        )
        return _answer(request, kwargs["offer_id"])
