"""Papers over the API: a loan's statement, and its certificate once it is settled."""

from datetime import date
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from loans.api.caller import customer_of
from loans.errors import LoanNotOpen, LoanNotSettled, StatementNotReady
from loans.models import Loan, LoanState
from loans.monthly_paper import monthly_statement_pdf
from loans.papers import settlement_certificate_pdf, statement_pdf
from loans.selectors.loan import loan_get
from loans.selectors.monthly import customer_month, months_of
from loans.selectors.trial_balance import month_end
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.pdf import pdf_response
from weilidai.lib.schema import PROBLEMS

PDF = {(200, "application/pdf"): OpenApiTypes.BINARY, **PROBLEMS}
SPAN_DAYS_MAX = 3660


class StatementQuery(serializers.Serializer[Any]):
    """`from` and `to`: both days are within the span."""

    to = serializers.DateField()

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of the language and cannot be written as an attribute."""
        return {"from": serializers.DateField(), **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["from"] > attrs["to"] or (attrs["to"] - attrs["from"]).days > SPAN_DAYS_MAX:
            raise serializers.ValidationError({"to": _("Not before `from`, and at most ten years after it")})
        return attrs


def _paid_out(request: Request, loan_id: UUID) -> Loan:
    loan = loan_get(customer_of(request), loan_id)
    if loan.start_date is None or loan.state == LoanState.FAILED:
        raise LoanNotOpen
    return loan


class SettlementCertificateView(APIView):
    """Proof that a loan was repaid in full; `loan_not_settled` before that."""

    @extend_schema(responses=PDF)
    def get(self, request: Request, loan_id: UUID) -> HttpResponse:
        loan = loan_get(customer_of(request), loan_id)
        if loan.settled_date is None:
            raise LoanNotSettled
        return pdf_response(settlement_certificate_pdf(loan, on=current_business_date()), f"settlement-{loan.pk}")


class MonthSerializer(serializers.Serializer[Any]):
    month = serializers.CharField(help_text="as 2026-09")


class MonthlyStatementList(APIView):
    """The months there is a statement of, newest first."""

    @extend_schema(operation_id="statements_list", responses={200: MonthSerializer(many=True), **PROBLEMS})
    def get(self, request: Request) -> Response:
        months = months_of(customer_of(request), current_business_date())
        return Response([{"month": f"{first:%Y-%m}"} for first in months])


class MonthlyStatementView(APIView):
    """Everything owed, drawn, charged and repaid in a month that is over; Chinese, or English where asked for."""

    @extend_schema(operation_id="statements_retrieve", responses=PDF)
    def get(self, request: Request, month: date) -> HttpResponse:
        customer, today = customer_of(request), current_business_date()
        if month_end(month) >= today:
            raise StatementNotReady
        if month not in months_of(customer, today):
            raise ObjectNotFound
        return pdf_response(monthly_statement_pdf(customer_month(customer, month)), f"statement-{month:%Y-%m}")


class StatementView(APIView):
    """What happened on a loan between two days."""

    @extend_schema(parameters=[StatementQuery], responses=PDF)
    def get(self, request: Request, loan_id: UUID) -> HttpResponse:
        loan = _paid_out(request, loan_id)
        query = StatementQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        today = current_business_date()
        span = query.validated_data
        last = min(span["to"], today)
        return pdf_response(
            statement_pdf(loan, first=min(span["from"], last), last=last, on=today), f"statement-{loan.pk}"
        )
