"""Vouchers over the API: what a customer sends about the use of an own loan (R52)."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from loans.api.caller import customer_of
from loans.models import Voucher, VoucherKind, VoucherState
from loans.selectors.loan import loan_get
from loans.selectors.voucher import vouchers_of
from loans.services.voucher import Spending, voucher_submit
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import current_business_date
from weilidai.lib.idempotency import KeyWelcomeMixin
from weilidai.lib.schema import IDEMPOTENCY_KEY_WELCOME, UPLOAD_PROBLEMS
from weilidai.lib.serializers import MoneyField, PositiveMoneyField
from weilidai.lib.uploads import BoundedMultiPartParser, files_of


class SpendingRequest(serializers.Serializer[Any]):
    """The words beside the picture; that is judged by its bytes."""

    kind = serializers.ChoiceField(choices=VoucherKind.choices)
    amount = PositiveMoneyField()
    merchant = serializers.CharField(max_length=120)
    spent_on = serializers.DateField()
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class VoucherRequest(SpendingRequest):
    """`image`: JPEG, PNG or WebP, at most 8 MB."""

    image = serializers.FileField()


class VoucherSerializer(serializers.Serializer[Voucher]):
    """`answer`: what the person wrote who looked at it."""

    id = serializers.UUIDField()
    loan = serializers.UUIDField(source="loan_id")
    kind = serializers.ChoiceField(choices=VoucherKind.choices)
    amount = MoneyField()
    merchant = serializers.CharField()
    spent_on = serializers.DateField(source="spent_date")
    note = serializers.CharField()
    state = serializers.ChoiceField(choices=VoucherState.choices)
    received_at = serializers.DateTimeField()
    answer = serializers.CharField()
    reviewed_at = serializers.DateTimeField(allow_null=True)


class VoucherListView(KeyWelcomeMixin, generics.ListAPIView[Any]):
    """Vouchers of one own loan, newest first; a loan of somebody else is not found, whatever is sent."""

    serializer_class = VoucherSerializer
    queryset = Voucher.objects.none()
    parser_classes = [BoundedMultiPartParser]
    filterset_fields: Any = ("state", "kind")

    @property
    def throttle_scope(self) -> str:
        return "uploads" if self.request.method == "POST" else "customer"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # Before the body is read: nobody makes us unpack pictures for a loan that is not theirs.
        self.loan = loan_get(customer_of(request), kwargs["loan_id"])

    def get_queryset(self) -> Any:
        return self.queryset if getattr(self, "swagger_fake_view", False) else vouchers_of(self.loan)

    @extend_schema(
        request={"multipart/form-data": VoucherRequest},
        responses={201: VoucherSerializer, **UPLOAD_PROBLEMS},
        parameters=[IDEMPOTENCY_KEY_WELCOME],
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Sends an invoice, receipt, contract or payment record of what the loan was spent on."""
        return super().post(request, **kwargs)

    def perform(self, request: Request, **kwargs: Any) -> Response:
        body = SpendingRequest(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        voucher = voucher_submit(
            loan_id=kwargs["loan_id"],
            customer=customer_of(request),
            spending=Spending(
                kind=values["kind"],
                amount=values["amount"],
                merchant=values["merchant"],
                spent_date=values["spent_on"],
                note=values["note"],
            ),
            image=files_of(request.data, ["image"]).get("image"),
            actor=Actor.of(customer_of(request)),
            as_of=current_business_date(),
            at=timezone.now(),
        )
        return Response(VoucherSerializer(voucher).data, status=201)
