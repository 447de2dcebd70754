"""The bank's own report of a payout: kept as it came, applied once, whatever the order or the number of its copies."""

from datetime import date, datetime
from typing import Any

from django.db import transaction

from loans.models import Payout, PayoutCallback
from loans.services.disbursement import payout_confirm, payout_refuse
from weilidai.lib.audit import Actor
from weilidai.lib.errors import ObjectNotFound


@transaction.atomic
def payout_callback_receive(
    *,
    message_id: str,
    reference: str,
    result: str,
    bank_reference: str = "",
    code: str = "",
    at: datetime,
    as_of: date,
    actor: Actor,
) -> str:
    """What the report did: `applied`, `repeated` or `contradiction`; a message seen before does nothing.

    `result` is `paid` or `refused`. Raises ObjectNotFound for a reference we never gave out.
    """
    if not Payout.objects.filter(reference=reference).exists():
        raise ObjectNotFound
    content: dict[str, Any] = {
        "reference": reference,
        "result": result,
        "bank_reference": bank_reference,
        "code": code,
        "from": actor.name,
    }
    # The unique message id makes a second copy, also a parallel one, wait for the first and then find it.
    callback, is_new = PayoutCallback.objects.get_or_create(
        message_id=message_id,
        defaults={"reference": reference, "result": result, "content": content, "received_at": at},
    )
    if not is_new:
        return callback.effect
    if result == "paid":
        effect = payout_confirm(reference=reference, bank_reference=bank_reference, at=at, as_of=as_of, actor=actor)
    else:
        effect = payout_refuse(reference=reference, code=code, at=at, as_of=as_of, actor=actor)
    callback.effect = effect.value
    callback.save(update_fields=["effect"])
    return callback.effect
