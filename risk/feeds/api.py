"""`POST feeds/{kind}`: a signed NDJSON body, spooled to disk, answered with a report by row."""

import hashlib
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from django.conf import settings
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from risk.feeds.kinds import KINDS
from risk.feeds.load import stream_load
from risk.models import FeedDelivery
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import DomainError, ObjectNotFound
from weilidai.lib.parsers import RawBodyParser
from weilidai.lib.schema import PROBLEMS
from weilidai.lib.signing import claim_check, verify

CHUNK = 1 << 16
SHOWN_REJECTIONS = 1000


class FeedTooLarge(DomainError):
    code = "feed_too_large"
    title = _("The body is too large; deliver it in parts")
    http_state = 413


class RejectedRowSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(source="line_number")
    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class FeedReportSerializer(serializers.Serializer[Any]):
    """How many rows were good, bad, repeated; the first thousand bad ones by line."""

    delivery = serializers.UUIDField(source="pk")
    kind = serializers.CharField()
    good = serializers.IntegerField(source="good_count")
    bad = serializers.IntegerField(source="bad_count")
    repeated = serializers.IntegerField(source="repeated_count")
    rejected = serializers.SerializerMethodField()

    def get_rejected(self, delivery: FeedDelivery) -> list[dict[str, Any]]:
        rows = delivery.rejections.all()[:SHOWN_REJECTIONS]
        return list(RejectedRowSerializer(rows, many=True).data)


def _spool(request: Request, file: IO[bytes]) -> str:
    """Copies the body to disk piece by piece and returns its SHA-256; raises FeedTooLarge, if it can before reading."""
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared.isdecimal() and int(declared) > settings.FEED_BYTES_MAX:
        raise FeedTooLarge
    digest, size = hashlib.sha256(), 0
    source = request._request
    while piece := source.read(CHUNK):
        size += len(piece)
        if size > settings.FEED_BYTES_MAX:
            raise FeedTooLarge
        digest.update(piece)
        file.write(piece)
    return digest.hexdigest()


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while piece := file.read(CHUNK):
        yield piece


@method_decorator(csrf_exempt, name="dispatch")
class FeedView(APIView):
    """Machine to machine; the signature covers the whole body. A repeated row counts once, so a delivery whose
    answer was lost may be sent again under a new message id."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (RawBodyParser,)
    throttle_scope = "machine"

    @extend_schema(
        request={"application/x-ndjson": OpenApiTypes.BINARY}, responses={200: FeedReportSerializer, **PROBLEMS}
    )
    def post(self, request: Request, kind: str) -> Response:
        claim_check(request.headers)
        with tempfile.TemporaryFile() as file:
            fingerprint = _spool(request, file)
            machine = verify(request.headers, _pieces(file))
            if kind not in KINDS:
                raise ObjectNotFound
            file.seek(0)
            delivery = stream_load(
                kind=kind,
                machine=machine,
                fingerprint=fingerprint,
                stream=file,
                as_of=current_business_date(),
                at=timezone.now(),
            )
        return Response(FeedReportSerializer(delivery).data)
