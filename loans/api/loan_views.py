"""Quotes, loans and the bank's reports over the API: parse, one service call, answer."""

import hashlib
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import request_device
from loans.api import loan_serializers as s
from loans.api.caller import customer_of, machine_of
from loans.models import CostDisclosure, Loan
from loans.selectors import quote as quotes
from loans.selectors.comparison import products_compare
from loans.selectors.loan import customer_loans, loan_forms, loan_get, loan_schedule, loans_seen
from loans.services.disclosure import quote_disclose
from loans.services.loan import loan_request
from loans.services.payout_callback import payout_callback_receive
from loans.tasks import PAYOUTS_BELL
from risk.selectors.applications import line_of
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import current_business_date
from weilidai.lib.idempotency import IdempotentMixin
from weilidai.lib.net import client_ip
from weilidai.lib.pagination import CursorPage
from weilidai.lib.schema import DEVICE_ID, IDEMPOTENCY_KEY, PROBLEMS
from weilidai.lib.serializers import parsed, shown
from weilidai.lib.signing import IsMachine, Machine, MachineAuthentication

# What the column of a call-back's id holds.
MESSAGE_ID_LENGTH_MAX = 100


def _asked(values: dict[str, Any]) -> quotes.Request:
    return quotes.Request(
        amount=values["amount"], plan=values["plan"], days=values.get("days"), periods=values.get("periods")
    )


def _quote_answer(quote: quotes.Quote, form: CostDisclosure) -> Response:
    context = {
        "text_language": "zh" if (get_language() or "zh").startswith("zh") else "en",
        "reading_seconds": quote.product_terms.disclosure_reading_seconds,
    }
    answer = dict(s.QuoteSerializer(quote, context=context).data)
    answer["disclosure"] = s.DisclosureSerializer(form, context=context).data
    return Response(answer)


class LoanQuoteView(APIView):
    """What a loan would cost, with its cost disclosure form. Binds nothing."""

    throttle_scope = "money"

    @extend_schema(
        request=s.QuoteRequest, responses={200: s.DisclosedQuoteSerializer, **PROBLEMS}, parameters=[DEVICE_ID]
    )
    def post(self, request: Request) -> Response:
        values = parsed(s.QuoteRequest, request.data)
        line = line_of(customer_of(request), values["credit_line"])
        quote, form = quote_disclose(
            line=line, request=_asked(values), as_of=current_business_date(), at=timezone.now()
        )
        return _quote_answer(quote, form)


class LoanList(IdempotentMixin, APIView):
    throttle_scope = "money"

    @extend_schema(
        operation_id="loans_list", responses={200: s.LoanSerializer(many=True), **PROBLEMS}, parameters=[DEVICE_ID]
    )
    def get(self, request: Request) -> Response:
        pages = CursorPage()
        found = _filtered(customer_loans(customer_of(request)), request)
        page: list[Loan] = pages.paginate_queryset(found, request, view=self) or []
        rows = loans_seen(page, current_business_date())
        return pages.get_paginated_response(s.LoanSerializer(rows, many=True).data)

    @extend_schema(
        request=s.LoanRequest,
        responses={202: s.LoanSerializer, **PROBLEMS},
        parameters=[IDEMPOTENCY_KEY, DEVICE_ID],
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        return super().post(request, **kwargs)

    def perform(self, request: Request, **kwargs: Any) -> Response:
        values, as_of = parsed(s.LoanRequest, request.data), current_business_date()
        loan = loan_request(
            customer=customer_of(request),
            credit_line_id=values["credit_line"],
            request=_asked(values),
            bank_card_id=values.get("bank_card"),
            purpose=values["purpose"],
            device=request_device(request),
            disclosure_id=values.get("disclosure"),
            ip=client_ip(request._request),
            as_of=as_of,
            at=timezone.now(),
            actor=Actor.of(customer_of(request)),
        )
        transaction.on_commit(PAYOUTS_BELL.ring_soon)
        return Response(shown(s.LoanSerializer, loans_seen([loan], as_of)[0]), status=202)


def _filtered(rows: QuerySet[Loan], request: Request) -> QuerySet[Loan]:
    """By `state` and `credit_line`; a value that cannot be matches nothing."""
    state, line = request.query_params.get("state"), request.query_params.get("credit_line")
    if state:
        rows = rows.filter(state=state)
    if line:
        rows = rows.filter(credit_line_id=UUID(line)) if _is_uuid(line) else rows.none()
    return rows


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


class LoanDetail(APIView):
    @extend_schema(operation_id="loans_retrieve", responses={200: s.LoanSerializer, **PROBLEMS})
    def get(self, request: Request, loan_id: UUID) -> Response:
        loan = loan_get(customer_of(request), loan_id)
        return Response(s.LoanSerializer(loans_seen([loan], current_business_date())[0]).data)


class LoanScheduleView(APIView):
    @extend_schema(responses={200: s.ScheduleSerializer, **PROBLEMS})
    def get(self, request: Request, loan_id: UUID) -> Response:
        loan, as_of = loan_get(customer_of(request), loan_id), current_business_date()
        return Response(s.ScheduleSerializer(_schedule(loan, as_of)).data)


def _schedule(loan: Loan, as_of: date) -> dict[str, Any]:
    found = loan_schedule(loan, as_of)
    return {
        "loan": loan.pk,
        "as_of": as_of,
        "is_preview": loan.start_date is None,
        "version": found.version,
        "rows": found.rows,
        "former": found.former,
    }


class LoanFormsView(APIView):
    """The cost disclosure forms of a loan, newest first (R59)."""

    @extend_schema(operation_id="loan_disclosures", responses={200: s.LoanFormSerializer(many=True), **PROBLEMS})
    def get(self, request: Request, loan_id: UUID) -> Response:
        loan = loan_get(customer_of(request), loan_id)
        return Response(s.LoanFormSerializer(loan_forms(loan), many=True).data)


class ProductCompareView(APIView):
    """The same amount and term under every product."""

    @extend_schema(parameters=[s.CompareRequest], responses={200: s.ComparisonSerializer(many=True), **PROBLEMS})
    def get(self, request: Request) -> Response:
        values = parsed(s.CompareRequest, request.query_params)
        asked = quotes.Request(
            amount=values["amount"],
            plan="instalments" if "periods" in values else "single",
            days=values.get("days"),
            periods=values.get("periods"),
        )
        rows = products_compare(customer_of(request), asked, current_business_date())
        return Response(s.ComparisonSerializer(rows, many=True).data)


class PayoutResultView(APIView):
    """The bank's report of a payout; the same report any number of times is welcome."""

    authentication_classes = (MachineAuthentication,)
    permission_classes = (IsMachine,)
    throttle_scope = "machine"

    @extend_schema(
        request=s.PayoutResultRequest,
        responses={200: s.PayoutResultAnswer, **PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        values, machine = parsed(s.PayoutResultRequest, request.data), machine_of(request)
        with transaction.atomic():
            effect = payout_callback_receive(
                message_id=_stored_id(machine),
                **values,
                at=timezone.now(),
                as_of=current_business_date(),
                actor=Actor.machine(machine.key_id),
            )
        return Response({"reference": values["reference"], "effect": effect})


def _stored_id(machine: Machine) -> str:
    """Names the bank's message by credential and id; a pair too long for the column by its hash, never cut short."""
    name = f"{machine.key_id}:{machine.message_id}"
    return name if len(name) <= MESSAGE_ID_LENGTH_MAX else hashlib.sha256(name.encode()).hexdigest()
