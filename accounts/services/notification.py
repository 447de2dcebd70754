"""Notices to customers: written once per `dedupe_key`, however often asked for."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Customer, Notification
from accounts.notices import SMS_KINDS


def notification_send(
    *, customer: Customer, kind: str, params: dict[str, Any], dedupe_key: str, business_date: date
) -> Notification:
    """The notice, new or the one already there. Part of the caller's transaction: no act, no notice.

    Kinds that are also sent as a text message are due at once; when they may go out is judged at the sending.
    """
    row, _ = Notification.objects.get_or_create(
        dedupe_key=dedupe_key,
        defaults={
            "customer": customer,
            "kind": kind,
            "params": params,
            "business_date": business_date,
            "sms_due_at": timezone.now() if kind in SMS_KINDS else None,
        },
    )
    return row


@dataclass(frozen=True)
class Notice:
    """A notice still to be written."""

    customer_id: UUID
    kind: str
    params: dict[str, Any]
    dedupe_key: str


@transaction.atomic
def notifications_send(notices: list[Notice], *, business_date: date) -> int:
    """Many notices in two statements; those already there stay as they are. Returns how many are new."""
    keys = [notice.dedupe_key for notice in notices]
    known = set(Notification.objects.filter(dedupe_key__in=keys).values_list("dedupe_key", flat=True))
    now = timezone.now()
    rows = [
        Notification(
            customer_id=notice.customer_id,
            kind=notice.kind,
            params=notice.params,
            dedupe_key=notice.dedupe_key,
            business_date=business_date,
            sms_due_at=now if notice.kind in SMS_KINDS else None,
        )
        for notice in notices
        if notice.dedupe_key not in known
    ]
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def notification_mark(*, notification: Notification, read: bool, at: datetime) -> Notification:
    """Read or unread; the first time of reading stays."""
    row = Notification.objects.select_for_update().get(pk=notification.pk)
    row.read_at = (row.read_at or at) if read else None
    row.save(update_fields=["read_at"])
    return row
