"""Endpoints that only touch rows: no middleware is spared them, no rule is asked."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from accounts.models import BankCard, Consent, Customer, Device
from risk.models import (
    ActivityDay,
    AssetMonth,
    AuxiliaryReading,
    BehaviourMonth,
    BureauReport,
    CreditLine,
    LoginEvent,
    PaymentEvent,
    ScoreReading,
)
from weilidai.lib.business_date import current_business_date
from weilidai.lib.models import AuditEvent

# A year and the month that runs, as the variables reach.
STORED_DAYS = 396


@csrf_exempt
def stored_read(request: HttpRequest, customer_id: UUID) -> JsonResponse:
    """Everything stored of one customer that a decision looks at, read and counted."""
    as_of = current_business_date()
    first = as_of - timedelta(days=STORED_DAYS)
    mine: dict[str, Any] = {"customer": customer_id}
    queries = [
        Customer.objects.filter(pk=customer_id),
        *(model.objects.filter(**mine) for model in (BankCard, Consent, Device, ScoreReading)),
        *(model.objects.filter(**mine) for model in (AssetMonth, AuxiliaryReading, BureauReport, LoginEvent)),
        BehaviourMonth.objects.filter(**mine),
        ActivityDay.objects.filter(**mine, date__gte=first, date__lte=as_of),
        PaymentEvent.objects.filter(**mine, date__gte=first, date__lte=as_of),
    ]
    return JsonResponse({"rows": sum(len(list(query.values_list())) for query in queries)})


@csrf_exempt
@transaction.atomic
def written(request: HttpRequest, line_id: UUID) -> JsonResponse:
    """A line read under lock, then two rows inserted: the least that any change of a line could do."""
    line = CreditLine.objects.select_for_update(no_key=True).get(pk=line_id)
    for _ in range(2):
        AuditEvent.objects.create(
            at=timezone.now(), action="bench.bare", actor_kind="machine", subject_type="risk.creditline",
            subject_id=str(line.pk), customer_id=line.customer_id,
        )  # fmt: skip
    return JsonResponse({"line": str(line.pk)})
