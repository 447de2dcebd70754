"""Money in over the API: repayments, the settlement quote and settlement, periods paid ahead."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, prefetch_related_objects
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Customer
from loans.api.caller import customer_of
from loans.errors import LoanNotOpen
from loans.maths.allocation import Component
from loans.maths.settlement import SettlementQuote
from loans.models import Loan, LoanState, Repayment, RepaymentAllocation
from loans.selectors.position import loan_settlement_quote
from loans.services.repayment import prepayment_make, repayment_make, settlement_make
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.idempotency import IdempotentMixin
from weilidai.lib.schema import IDEMPOTENCY_KEY, PROBLEMS
from weilidai.lib.serializers import MoneyField, PositiveMoneyField, parsed, shown

ORDER = [component.value for component in Component]


class RepaymentRequest(serializers.Serializer[Any]):
    amount = PositiveMoneyField()


class SettlementRequest(serializers.Serializer[Any]):
    """`total`, where sent, must equal today's quote: nobody settles for a figure they did not see."""

    total = PositiveMoneyField(required=False)


class PrepaymentRequest(serializers.Serializer[Any]):
    periods = serializers.IntegerField(min_value=1, max_value=60)


class AllocationSerializer(serializers.Serializer[Any]):
    component = serializers.CharField()
    instalment = serializers.IntegerField(source="instalment.number", allow_null=True, default=None)
    amount = MoneyField()


class RepaymentSerializer(serializers.Serializer[Any]):
    """What was paid; components in the order in which money reaches them."""

    id = serializers.UUIDField()
    loan = serializers.UUIDField(source="loan_id")
    kind = serializers.CharField()
    amount = MoneyField()
    penalty = MoneyField(source="penalty_amount")
    fee = MoneyField(source="fee_amount")
    interest = MoneyField(source="interest_amount")
    principal = MoneyField(source="principal_amount")
    outstanding_principal = MoneyField(source="loan.outstanding_principal_amount")
    loan_state = serializers.CharField(source="loan.state")
    effective_date = serializers.DateField()
    received_at = serializers.DateTimeField()
    allocations = serializers.SerializerMethodField()

    @extend_schema_field(AllocationSerializer(many=True))
    def get_allocations(self, repayment: Repayment) -> Any:
        """In the order in which money reaches them, oldest instalment first."""
        rows = sorted(
            repayment.allocations.all(),
            key=lambda row: (ORDER.index(row.component), row.instalment.number if row.instalment else 0),
        )
        return [shown(AllocationSerializer, row) for row in rows]


class SettlementQuoteSerializer(serializers.Serializer[Any]):
    """What closes the loan on the business date `on`, and only then."""

    valid_on = serializers.DateField(source="on")
    principal = MoneyField()
    interest = MoneyField()
    fee = MoneyField()
    penalty = MoneyField()
    settlement_fee = MoneyField()
    total = MoneyField()


def _payment_rows(customer: Customer, loan_id: UUID) -> Any:
    if not Loan.objects.filter(pk=loan_id, customer=customer).exists():
        raise ObjectNotFound
    rows = Repayment.objects.filter(loan_id=loan_id, customer=customer)
    return rows.select_related("loan").prefetch_related("allocations__instalment")


def _answer(repayment: Repayment) -> Response:
    """The repayment as it was written a moment ago, its loan at hand, and as a rule its parts."""
    if "allocations" not in getattr(repayment, "_prefetched_objects_cache", {}):
        parts = RepaymentAllocation.objects.select_related("instalment")
        prefetch_related_objects([repayment], Prefetch("allocations", queryset=parts))
    return Response(shown(RepaymentSerializer, repayment), status=201)


class RepaymentList(IdempotentMixin, generics.ListAPIView[Repayment]):
    serializer_class = RepaymentSerializer
    throttle_scope = "money"

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Repayment.objects.none()
        return _payment_rows(customer_of(self.request), self.kwargs["loan_id"])

    @extend_schema(
        request=RepaymentRequest, responses={201: RepaymentSerializer, **PROBLEMS}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        return super().post(request, **kwargs)

    def perform(self, request: Request, **kwargs: Any) -> Response:
        values = parsed(RepaymentRequest, request.data)
        return _answer(
            repayment_make(
                loan_id=kwargs["loan_id"],
                customer=customer_of(request),
                amount=values["amount"],
                as_of=current_business_date(),
                at=timezone.now(),
                actor=Actor.of(request.user),
            )
        )


class SettlementView(IdempotentMixin, APIView):
    throttle_scope = "money"

    @extend_schema(responses={200: SettlementQuoteSerializer, **PROBLEMS})
    def get(self, request: Request, loan_id: UUID) -> Response:
        loan = Loan.objects.filter(pk=loan_id, customer=customer_of(request)).select_related("tally").first()
        if loan is None:
            raise ObjectNotFound
        if loan.state != LoanState.ACTIVE:
            raise LoanNotOpen
        quote: SettlementQuote = loan_settlement_quote(loan, current_business_date())
        return Response(SettlementQuoteSerializer(quote).data)

    @extend_schema(
        request=SettlementRequest, responses={201: RepaymentSerializer, **PROBLEMS}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        return super().post(request, **kwargs)

    def perform(self, request: Request, **kwargs: Any) -> Response:
        values = parsed(SettlementRequest, request.data)
        return _answer(
            settlement_make(
                loan_id=kwargs["loan_id"],
                customer=customer_of(request),
                expected=values.get("total"),
                as_of=current_business_date(),
                at=timezone.now(),
                actor=Actor.of(request.user),
            )
        )


class PrepaymentView(IdempotentMixin, APIView):
    throttle_scope = "money"

    @extend_schema(
        request=PrepaymentRequest, responses={201: RepaymentSerializer, **PROBLEMS}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        return super().post(request, **kwargs)

    def perform(self, request: Request, **kwargs: Any) -> Response:
        values = parsed(PrepaymentRequest, request.data)
        return _answer(
            prepayment_make(
                loan_id=kwargs["loan_id"],
                customer=customer_of(request),
                periods=values["periods"],
                as_of=current_business_date(),
                at=timezone.now(),
                actor=Actor.of(request.user),
            )
        )
