"""What a gift does to the two lines: limit leaves the giver's at once and stands on the recipient's (R44, I3).

All take lines their caller locked by `credit_line_lock`, inside the caller's transaction.
"""

from datetime import date, datetime
from decimal import Decimal

from accounts.models import Customer
from risk.errors import LimitExceeded
from risk.models import CreditLine, LineState, ProductTerms
from risk.rules.limits import rate_cap
from risk.selectors.policy import regulation
from risk.services.credit_line import line_usable_check
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.money import ZERO


def line_gift_give(line: CreditLine, amount: Decimal) -> None:
    """The giver's own free limit goes down; what friends gave is never given on. Raises `LimitExceeded`,
    `CreditLineFrozen`, `CreditLineClosed`.
    """
    line_usable_check(line)
    if amount > line.own_free_amount:
        raise LimitExceeded(available=str(line.own_free_amount))
    line.gifted_amount += amount
    line.save(update_fields=["gifted_amount"])


def line_gift_receive(line: CreditLine, amount: Decimal) -> None:
    """The recipient may draw that much more."""
    line_usable_check(line)
    line.received_amount += amount
    line.save(update_fields=["received_amount"])


def gift_returnable(recipient: CreditLine, amount: Decimal) -> Decimal:
    """How much of a gift of `amount` the recipient does not use at this moment."""
    free: Decimal = recipient.limit_amount + recipient.received_amount - recipient.used_amount - recipient.gifted_amount
    received: Decimal = recipient.received_amount
    return max(ZERO, min(amount, received, free))


def line_gift_return(giver: CreditLine, recipient: CreditLine | None, amount: Decimal) -> None:
    """Limit goes back whatever the lines' states; without a recipient's line the gift was never accepted."""
    if amount > giver.gifted_amount or (recipient is not None and amount > gift_returnable(recipient, amount)):
        raise AssertionError(f"line {giver.pk}: return of {amount} exceeds what was given and is free")
    giver.gifted_amount -= amount
    giver.save(update_fields=["gifted_amount"])
    if recipient is not None:
        recipient.received_amount -= amount
        recipient.save(update_fields=["received_amount"])


def gift_line_open(*, customer: Customer, terms: ProductTerms, actor: Actor, as_of: date, at: datetime) -> CreditLine:
    """The recipient's line for this product, opened where there is none: no limit of its own, the first tier's
    dearest rate, at most what the law allows.
    """
    found = (
        CreditLine.objects.select_for_update(no_key=True)
        .filter(customer=customer, product_id=terms.product_id)
        .exclude(state=LineState.CLOSED)
        .first()
    )
    if found is not None:
        return found
    tier = min(terms.tiers.all(), key=lambda row: row.rank)
    rate = tier.daily_rate_max
    if terms.cost_cap_enforced:
        rate = min(rate, rate_cap(regulation("cost_cap_rate", as_of)))
    line = CreditLine.objects.create(
        customer=customer, product_id=terms.product_id, tier=tier.code, limit_amount=ZERO, daily_rate=rate,
        penalty_share=tier.penalty_share, opened_date=as_of,
    )  # fmt: skip
    state_change_record(subject=line, old="", new=line.state, actor=actor, as_of=as_of, at=at)
    audit_record(
        action="credit_line.open", actor=actor, subject=line, at=at, as_of=as_of, reason="gift",
        after={"limit_amount": str(ZERO), "daily_rate": str(rate), "tier": tier.code},
    )  # fmt: skip
    return line
