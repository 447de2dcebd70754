"""What can be read: entry, products, documents, credit lines, auxiliary items."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Customer
from risk.api.caller import customer_of
from risk.api.serializers import (
    AuxiliaryItemSerializer,
    CreditLineSerializer,
    DocumentDetailSerializer,
    DocumentSerializer,
    EntrySerializer,
    LimitRaiseSerializer,
    ProductQuery,
    ProductSerializer,
    RateReviewSerializer,
)
from risk.models import CreditApplication, CreditLine, LegalDocument, LimitRaise, RateReview
from risk.pdf import document_pdf
from risk.selectors.applications import entry_show, line_of, lines_of, missing_signatures
from risk.selectors.auxiliary import auxiliary_items_show
from risk.selectors.documents import document_get, documents_current, signature_of, signed_ids
from risk.selectors.policy import product_get, products_listed, terms_current
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.schema import PROBLEMS


def application_context(*applications: CreditApplication | None) -> dict[str, Any]:
    """What the application serializer needs beside the row."""
    as_of = current_business_date()
    return {"missing": {row.pk: missing_signatures(row, as_of) for row in applications if row is not None}}


class EntryView(APIView):
    @extend_schema(parameters=[ProductQuery], responses={200: EntrySerializer, **PROBLEMS})
    def get(self, request: Request) -> Response:
        """What the customer may see of a product: hidden, apply, continue, borrow or frozen."""
        query = ProductQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        product = product_get(query.validated_data["product"])
        entry = entry_show(customer_of(request), product, current_business_date())
        return Response(EntrySerializer(entry, context=application_context(entry["application"])).data)


class ProductListView(APIView):
    @extend_schema(responses={200: ProductSerializer(many=True), **PROBLEMS}, operation_id="products_list")
    def get(self, request: Request) -> Response:
        """Products open for business, with their terms of today."""
        listed = [terms for _, terms in products_listed(current_business_date())]
        return Response(ProductSerializer(listed, many=True).data)


class ProductDetailView(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("code", OpenApiTypes.STR, OpenApiParameter.PATH)],
        responses={200: ProductSerializer, **PROBLEMS},
    )
    def get(self, request: Request, code: str) -> Response:
        product = product_get(code)
        if not product.is_open:
            raise ObjectNotFound
        return Response(ProductSerializer(terms_current(product, current_business_date())).data)


class DocumentListView(APIView):
    @extend_schema(
        parameters=[ProductQuery],
        responses={200: DocumentSerializer(many=True), **PROBLEMS},
        operation_id="documents_list",
    )
    def get(self, request: Request) -> Response:
        """The current texts of a product, in the order in which they are signed."""
        query = ProductQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        product = product_get(query.validated_data["product"])
        rows = documents_current(product, current_business_date())
        context = {"signed": signed_ids(customer_of(request), rows)}
        shown: Any = DocumentSerializer
        return Response(shown(rows, many=True, context=context).data)


class DocumentDetailView(APIView):
    @extend_schema(responses={200: DocumentDetailSerializer, **PROBLEMS})
    def get(self, request: Request, document_id: UUID) -> Response:
        document = document_get(document_id, current_business_date())
        context = {"signed": signed_ids(customer_of(request), [document])}
        return Response(DocumentDetailSerializer(document, context=context).data)


class DocumentPdfView(APIView):
    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY, **PROBLEMS})
    def get(self, request: Request, document_id: UUID) -> HttpResponse:
        """The text as PDF; a signed one carries the signature's particulars."""
        document = document_get(document_id, current_business_date())
        response = HttpResponse(_pdf(document, customer_of(request)), content_type="application/pdf")
        response["Content-Disposition"] = f'attachment; filename="{document.code}-{document.version}.pdf"'
        return response


def _pdf(document: LegalDocument, customer: Customer) -> bytes:
    return document_pdf(document, signature_of(customer, document))


class CreditLineListView(generics.ListAPIView[CreditLine]):
    """Own credit lines, newest first."""

    serializer_class = CreditLineSerializer
    queryset = CreditLine.objects.none()
    filterset_fields = ("product", "state")

    def get_queryset(self) -> Any:
        return self.queryset if getattr(self, "swagger_fake_view", False) else lines_of(customer_of(self.request))


class CreditLineDetailView(APIView):
    @extend_schema(responses={200: CreditLineSerializer, **PROBLEMS})
    def get(self, request: Request, line_id: UUID) -> Response:
        return Response(CreditLineSerializer(line_of(customer_of(request), line_id)).data)


class RateReviewListView(generics.ListAPIView[RateReview]):
    """What each quarter's review made of an own line, newest first (R28)."""

    serializer_class = RateReviewSerializer
    queryset = RateReview.objects.none()

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        line = line_of(customer_of(self.request), self.kwargs["line_id"])
        return RateReview.objects.filter(credit_line=line)


class LimitRaiseListView(generics.ListAPIView[LimitRaise]):
    """What the monthly rounds raised the limit of an own line by, and for what, newest first (R27, R56)."""

    serializer_class = LimitRaiseSerializer
    queryset = LimitRaise.objects.none()

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        line = line_of(customer_of(self.request), self.kwargs["line_id"])
        return LimitRaise.objects.filter(credit_line=line)


class AuxiliaryItemsView(APIView):
    @extend_schema(
        responses={200: AuxiliaryItemSerializer(many=True), **PROBLEMS}, operation_id="me_auxiliary_items_list"
    )
    def get(self, request: Request) -> Response:
        """The 12 items that are cross-checked, with source, freshness and state."""
        items = auxiliary_items_show(customer_of(request), current_business_date())
        return Response(AuxiliaryItemSerializer(items, many=True).data)
