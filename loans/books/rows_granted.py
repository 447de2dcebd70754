"""Gifts, lines and acts of two persons agree with the trail each of their changes left."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from loans.books.fault import Fault
from loans.books.rows_money import Differences, audits_of, chunks, differing
from loans.models import Approval, CreditGift
from risk.models import CreditLine, LineChange, LineState
from weilidai.lib.models import AuditEvent

# Which audit row tells how much stands on a line.
FIGURES = ("limit_amount", "daily_rate", "tier", "penalty_share")


def gifts_agree(among: QuerySet[CreditGift] | None = None) -> Iterator[Fault]:
    """I3: a gift goes from the giver's own line to the recipient's, as it was offered and accepted."""
    rows = CreditGift.objects.all() if among is None else among
    for chunk in chunks(rows.select_related("credit_line", "recipient_line")):
        audits = audits_of("loans.creditgift", [row.pk for row in chunk])
        for row in chunk:
            yield from differing("gifts_agree", row.pk, _gift(row, audits[str(row.pk)]))


def _gift(row: Any, audits: list[AuditEvent]) -> Differences:
    yield "giver", row.credit_line.customer_id, row.customer_id
    accepted = next((audit for audit in audits if audit.action == "gift.accept"), None)
    yield "accepted at", row.accepted_at, accepted.at if accepted else None
    yield "recipient's line", row.recipient_line is not None, accepted is not None
    if row.recipient_line is not None:
        yield "recipient", row.recipient_line.customer_id, row.recipient_id
    for audit in audits:
        said = audit.after or {}
        yield "amount", str(row.amount), said["amount"]
        if audit.action == "gift.offer":
            offered = (str(row.recipient_id), row.offered_date, row.offered_at, row.customer_id)
            yield "offer", offered, (said["recipient"], audit.business_date, audit.at, audit.customer_id)
        if "until" in said:
            until = row.use_until_date if audit.action == "gift.accept" else row.accept_until_date
            yield "until", str(until), said["until"]
    yield "used until", row.use_until_date is not None, accepted is not None


def lines_agree(among: QuerySet[CreditLine] | None = None) -> Iterator[Fault]:
    """A line's limit, price and owner are those of its newest change and of its application."""
    lines = CreditLine.objects.all() if among is None else among
    for chunk in chunks(lines.select_related("application")):
        keys = [row.pk for row in chunk]
        changes = LineChange.objects.filter(credit_line__in=keys).order_by("pk")
        newest = {change.credit_line_id: change for change in changes}
        audits = audits_of("risk.creditline", keys)
        for row in chunk:
            yield from differing("lines_agree", row.pk, _line(row, newest.get(row.pk), audits[str(row.pk)]))


def _line(row: Any, change: LineChange | None, audits: list[AuditEvent]) -> Differences:
    frozen = row.state == LineState.FROZEN
    yield "frozen", (bool(row.frozen_reason), row.frozen_at is not None), (frozen, frozen)
    if row.application is not None:
        own = (row.application.customer_id, row.application.product_id)
        yield "application", (row.customer_id, row.product_id), own
    if change is not None:
        told = (change.new_limit_amount, change.new_daily_rate, change.new_tier, change.customer_id)
        yield "change", (row.limit_amount, row.daily_rate, row.tier, row.customer_id), told
    figures = _figures_said(audits)
    yield "figures", {name: str(getattr(row, name)) for name in figures}, figures
    for audit in audits:
        if audit.action == "credit_line.open":
            yield "opened", (row.opened_date, row.customer_id), (audit.business_date, audit.customer_id)
    freezes = [audit for audit in audits if audit.action == "credit_line.freeze"]
    if frozen and freezes:
        newest = freezes[-1]
        frozen_as = ((newest.after or {}).get("frozen_reason"), newest.at)
        yield "frozen as", (row.frozen_reason, row.frozen_at), frozen_as


def _figures_said(audits: list[AuditEvent]) -> dict[str, str]:
    """The newest word on each figure. One that names the tier alone, as a review does, brings the tier's own share of
    the penalty, which it does not name.
    """
    found: dict[str, str] = {}
    for said in (audit.after or {} for audit in audits):
        if "tier" in said:
            found.pop("penalty_share", None)
        found |= {name: said[name] for name in FIGURES if name in said}
    return found


DECIDED = ("approved", "rejected", "agreed", "failed", "offered", "declined")
WORDS = ("approval.approve", "approval.agree", "approval.propose", "approval.reject")
# What the trail of an asking names only where there is something to name.
WAITING = ("begins_date", "wish")
# And what it names beside the content of the act.
ABOUT = ("kind", "loan", "expires_date", *WAITING)
# Acts asked for before their days were a figure of the policy: their trail does not name the day.
FORMER_DAYS = timedelta(days=7)


def acts_agree(among: QuerySet[Approval] | None = None) -> Iterator[Fault]:
    """What two persons agreed to is what the trail says they were asked and what came of it."""
    for chunk in chunks(Approval.objects.all() if among is None else among):
        audits = audits_of("loans.approval", [row.pk for row in chunk])
        for row in chunk:
            yield from differing("acts_agree", row.pk, _act(row, audits[str(row.pk)]))


def said_of(said: dict[str, Any]) -> Callable[[str], str]:
    return lambda name: str(said.get(name, ""))


def _act(row: Any, audits: list[AuditEvent]) -> Differences:
    decided = row.decided_by_id is not None
    words = [audit for audit in audits if audit.action in WORDS]
    # An offer that nobody answered was decided by staff all the same.
    settled = row.state in DECIDED or (row.state == "expired" and bool(words))
    yield "decided", (row.decided_at is not None, settled), (decided, decided)
    for audit in audits:
        said, by = audit.after or {}, audit.actor_id
        if audit.action == "approval.request":
            asked = (row.kind, str(row.loan_id or ""), row.payload, row.reason, str(row.requested_by_id))
            rest = {name: value for name, value in said.items() if name not in ABOUT}
            yield "asked", asked, (said["kind"], said["loan"], rest, audit.reason, by)
            yield "asked for", (str(row.begins_date or ""), str(row.wish_id or "")), tuple(map(said_of(said), WAITING))
            until = said.get("expires_date") or str(row.business_date + FORMER_DAYS)
            yield "expires", str(row.expires_date), until
            when = (row.requested_at, row.business_date, row.customer_id)
            yield "asked at", when, (audit.at, audit.business_date, audit.customer_id)
    if audits and not words:
        yield "nothing told yet", (row.decision_reason, row.applied_to), ("", "")
    if words:
        yield "decided as", (str(row.decided_by_id), row.decided_at), (words[-1].actor_id, words[-1].at)
        yield "word", row.decision_reason or row.reason, words[-1].reason
    steps = [audit.after or {} for audit in audits if audit.action != "approval.request"]
    if steps:
        yield "came of it", (row.kind, row.applied_to), (steps[-1]["kind"], steps[-1]["applied_to"])
