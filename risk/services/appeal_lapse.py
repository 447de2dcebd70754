"""Apart from the other services of appeals: the credit line's own services call this, and those call them."""

from datetime import date, datetime

from accounts.services.notification import notification_send
from risk.models import OPEN_APPEALS, Appeal, CreditLine
from weilidai.lib.audit import Actor
from weilidai.lib.fsm import take_step


def appeals_lapse(*, line: CreditLine, actor: Actor, as_of: date, at: datetime, reason: str) -> int:
    """Ends an open appeal whose line, locked by the caller, was unfrozen or closed on another way."""
    appeals = list(Appeal.objects.select_for_update(no_key=True).filter(credit_line=line, state__in=OPEN_APPEALS))
    for appeal in appeals:
        appeal.answered_at = at
        take_step(appeal, "lapse", actor=actor, as_of=as_of, at=at, reason=reason, update_fields=("answered_at",))
        notification_send(
            customer=line.customer,
            kind="appeal_lapsed",
            params={"product": line.product_id},
            dedupe_key=f"appeal_lapsed:{appeal.pk}",
            business_date=as_of,
        )
    return len(appeals)
