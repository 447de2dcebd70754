"""Notices to customers: written once per `dedupe_key`, however often asked for."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Customer, Notification
from accounts.notices import SMS_KINDS
from weilidai.lib.bulk import row_insert, rows_insert
from weilidai.lib.ids import uuid7


def notification_send(
    *, customer: Customer, kind: str, params: dict[str, Any], dedupe_key: str, business_date: date
) -> Notification:
    """The notice, new or the one already there. Part of the caller's transaction: no act, no notice.

    Kinds that are also sent as a text message are due at once; when they may go out is judged at the sending.
    """
    row = Notification(
        dedupe_key=dedupe_key,
        customer=customer,
        kind=kind,
        params=params,
        business_date=business_date,
        sms_due_at=timezone.now() if kind in SMS_KINDS else None,
    )
    return row if row_insert(row, unless_there=True) else Notification.objects.get(dedupe_key=dedupe_key)


@dataclass(frozen=True)
class Notice:
    """A notice still to be written."""

    customer_id: UUID
    kind: str
    params: dict[str, Any]
    dedupe_key: str


def notifications_send(notices: list[Notice], *, business_date: date) -> int:
    """Many notices in one statement; those already there stay as they are. Returns how many are new."""
    now = timezone.now()
    return rows_insert(
        Notification,
        ("id", "customer_id", "kind", "params", "dedupe_key", "business_date", "created_at", "sms_due_at"),
        [
            (
                uuid7(),
                notice.customer_id,
                notice.kind,
                json.dumps(notice.params),
                notice.dedupe_key,
                business_date,
                now,
                now if notice.kind in SMS_KINDS else None,
            )
            for notice in notices
        ],
    )


@transaction.atomic
def notification_mark(*, notification: Notification, read: bool, at: datetime) -> Notification:
    """Read or unread; the first time of reading stays."""
    row = Notification.objects.select_for_update(no_key=True).get(pk=notification.pk)
    row.read_at = (row.read_at or at) if read else None
    row.save(update_fields=["read_at"])
    return row
