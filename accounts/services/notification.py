"""Notices to customers: written once per `dedupe_key`, however often asked for."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Customer, Notification
from accounts.notices import SMS_KINDS
from weilidai.lib.bulk import row_insert, rows_insert
from weilidai.lib.ids import UUID7_SQL, uuid7

SELECTED = """
WITH found AS MATERIALIZED ({source}), written AS (
    INSERT INTO accounts_notification (id, customer_id, kind, params, dedupe_key, business_date, created_at, sms_due_at)
    SELECT {uuid7}, customer_id, kind, params, dedupe_key, %(business_date)s, %(now)s::timestamptz,
           CASE WHEN kind = ANY(%(sms_kinds)s) THEN %(now)s::timestamptz END
    FROM found WHERE told
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT (SELECT count(*) FROM written), ARRAY(SELECT id FROM found WHERE NOT told)
""".replace("{uuid7}", UUID7_SQL)


def notification_send(
    *, customer: Customer, kind: str, params: dict[str, Any], dedupe_key: str, business_date: date, is_new: bool = False
) -> Notification:
    """The notice, new or the one already there. Part of the caller's transaction: no act, no notice. Where the key
    names what was made a moment ago (`is_new`) nobody has to ask whether it was sent.

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
    return row if row_insert(row, unless_there=not is_new) else Notification.objects.get(dedupe_key=dedupe_key)


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


def notifications_selected_send(source: str, values: dict[str, Any], *, business_date: date) -> tuple[int, list[UUID]]:
    """The same of what a statement selects as `customer_id`, `kind`, `params`, `dedupe_key`, on PostgreSQL. Returns how
    many are new and the `id` of those it found but could not tell (`told` is false), of one and the same moment.
    """
    own = {"business_date": business_date, "now": timezone.now(), "sms_kinds": sorted(SMS_KINDS)}
    with connection.cursor() as cursor:
        cursor.execute(SELECTED.replace("{source}", source), values | own)
        sent, rest = cursor.fetchone()
    return sent, rest


@transaction.atomic
def notification_mark(*, notification: Notification, read: bool, at: datetime) -> Notification:
    """Read or unread; the first time of reading stays."""
    row = Notification.objects.select_for_update(no_key=True).get(pk=notification.pk)
    row.read_at = (row.read_at or at) if read else None
    row.save(update_fields=["read_at"])
    return row
