"""Pieces of the OpenAPI document that many views share."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from weilidai.lib.serializers import ProblemSerializer

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="One key, one effect: the same key and body get the first answer again.",
)
IDEMPOTENCY_KEY_WELCOME = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Optional: the same key and body get the first answer again.",
)
DEVICE_ID = OpenApiParameter(
    "X-Device-Id", OpenApiTypes.STR, OpenApiParameter.HEADER, description="Fingerprint of the device."
)

_problem = OpenApiResponse(ProblemSerializer, description="RFC 9457 problem document")
PROBLEMS: dict[Any, Any] = {
    (code, "application/problem+json"): _problem for code in (400, 401, 403, 404, 409, 422, 429)
}
UPLOAD_PROBLEMS: dict[Any, Any] = PROBLEMS | {(code, "application/problem+json"): _problem for code in (413, 415)}


class CustomerBearer(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its __init_subclass__
    target_class = "accounts.api.authentication.CustomerAuthentication"
    name = "CustomerToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer"}


class MachineSignature(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its __init_subclass__
    target_class = "weilidai.lib.signing.MachineAuthentication"
    name = "MachineSignature"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "apiKey", "in": "header", "name": "X-Signature"}
