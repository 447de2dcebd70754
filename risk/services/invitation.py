"""Invitations: issued in batches, revoked, expired (R1)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from risk.errors import InvitationInvalid, ProductClosed, ReasonRequired
from risk.models import (
    OPEN_STATES,
    CreditApplication,
    CreditLine,
    Invitation,
    InvitationBatch,
    InvitationState,
    LineState,
    Product,
)
from risk.selectors.policy import product_get, terms_current
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.fsm import take_step

BATCH_SIZE = 500
OPENID_LENGTH_MAX = 128
ALREADY_INVITED = _("already invited")


@dataclass(frozen=True)
class Skipped:
    """An openid that got no invitation and why."""

    openid: str
    reason: str | Promise


@dataclass(frozen=True)
class IssueReport:
    batch: InvitationBatch
    issued: list[Invitation]
    skipped: list[Skipped]


@transaction.atomic
def invitations_issue(
    *,
    openids: Iterable[str],
    product: str,
    source: InvitationBatch.Source,
    reason: str,
    actor: Actor,
    as_of: date,
    expires_date: date | None = None,
    file_name: str = "",
) -> IssueReport:
    """One batch. Who is already invited, applying or holding a line is skipped and reported.

    Without `expires_date` the terms decide. Raises `ObjectNotFound` (product), `ProductClosed`,
    `InvitationInvalid` (expiry in the past, nobody named), `ReasonRequired`.
    """
    row = _product_open(product)
    if not reason.strip():
        raise ReasonRequired
    wanted = list(dict.fromkeys(openid.strip() for openid in openids if openid.strip()))
    last_day = expires_date or as_of + timedelta(days=terms_current(row, as_of).invitation_days)
    if last_day < as_of:
        raise InvitationInvalid(_("The last day of an invitation cannot lie in the past"))
    if not wanted:
        raise InvitationInvalid(_("Nobody is named to be invited"))
    _overdue_expire(wanted, row, actor, as_of)
    reasons = issue_obstacles(wanted, row)
    batch = InvitationBatch.objects.create(
        source=source, product=row, reason=reason, file_name=file_name, created_by=actor.name
    )
    issued = _written(
        [
            Invitation(batch=batch, product=row, openid=openid, reason=reason, issued_date=as_of, expires_date=last_day)
            for openid in wanted
            if openid not in reasons
        ]
    )
    named = {invitation.openid for invitation in issued}
    reasons |= {openid: ALREADY_INVITED for openid in wanted if openid not in named and openid not in reasons}
    batch.issued_count = len(issued)
    batch.save(update_fields=["issued_count"])
    audit_record(
        action="invitations.issue", actor=actor, subject=batch, as_of=as_of, reason=reason,
        after={"product": row.code, "issued": len(issued), "skipped": len(reasons), "expires": last_day.isoformat()},
    )  # fmt: skip
    return IssueReport(batch, issued, [Skipped(openid, text) for openid, text in reasons.items()])


def _written(rows: list[Invitation]) -> list[Invitation]:
    """Those that were issued: whoever somebody else invited at the same moment is left out.

    They are written in the order of their names, so that two batches never wait for each other in a ring.
    """
    ordered = sorted(rows, key=lambda invitation: invitation.openid)
    Invitation.objects.bulk_create(ordered, batch_size=BATCH_SIZE, ignore_conflicts=True)
    stored = set(Invitation.objects.filter(batch=rows[0].batch).values_list("pk", flat=True)) if rows else set()
    return [invitation for invitation in rows if invitation.pk in stored]


def _product_open(code: str) -> Product:
    product = product_get(code)
    if not product.is_open:
        raise ProductClosed
    return product


def _overdue_expire(openids: list[str], product: Product, actor: Actor, as_of: date) -> None:
    """Past invitations still marked issued would block new ones until the night."""
    for chunk in _chunks(openids):
        rows = Invitation.objects.select_for_update(no_key=True).filter(
            openid__in=chunk, product=product, state=InvitationState.ISSUED, expires_date__lt=as_of
        )
        for invitation in rows:
            take_step(invitation, "expire", actor=actor, as_of=as_of)


def issue_obstacles(openids: list[str], product: Product) -> dict[str, str | Promise]:
    """Why some of these openids cannot be invited now."""
    reasons: dict[str, str | Promise] = {
        openid: _("the openid is longer than 128 characters") for openid in openids if len(openid) > OPENID_LENGTH_MAX
    }
    for chunk in _chunks(openids):
        invited = Invitation.objects.filter(openid__in=chunk, product=product, state=InvitationState.ISSUED)
        reasons |= dict.fromkeys(invited.values_list("openid", flat=True), ALREADY_INVITED)
        applying = CreditApplication.objects.filter(customer__openid__in=chunk, product=product, state__in=OPEN_STATES)
        reasons |= dict.fromkeys(applying.values_list("customer__openid", flat=True), _("already applying"))
        holding = CreditLine.objects.filter(customer__openid__in=chunk, product=product).exclude(state=LineState.CLOSED)
        reasons |= dict.fromkeys(holding.values_list("customer__openid", flat=True), _("already has a credit line"))
    return reasons


def _chunks(openids: list[str]) -> Iterable[list[str]]:
    return (openids[start : start + BATCH_SIZE] for start in range(0, len(openids), BATCH_SIZE))


@transaction.atomic
def invitation_revoke(*, invitation_id: UUID, reason: str, actor: Actor, as_of: date) -> Invitation:
    """Staff take an unused invitation back."""
    if not reason.strip():
        raise ReasonRequired
    invitation = Invitation.objects.select_for_update(no_key=True).filter(pk=invitation_id).first()
    if invitation is None:
        raise ObjectNotFound
    take_step(invitation, "revoke", actor=actor, as_of=as_of, reason=reason)
    audit_record(action="invitation.revoke", actor=actor, subject=invitation, as_of=as_of, reason=reason)
    return invitation


def invitations_expire(*, as_of: date, batch_size: int = BATCH_SIZE, at: datetime | None = None) -> int:
    """Expires every invitation whose last day lies before `as_of`; a transaction per batch, safe to repeat."""
    done = 0
    while expired := _expire_batch(as_of, batch_size, at):
        done += expired
    return done


@transaction.atomic
def _expire_batch(as_of: date, size: int, at: datetime | None) -> int:
    rows = Invitation.objects.select_for_update(no_key=True).filter(
        state=InvitationState.ISSUED, expires_date__lt=as_of
    )
    batch = list(rows.order_by("pk")[:size])
    for invitation in batch:
        take_step(invitation, "expire", actor=Actor.system("end_of_day"), as_of=as_of, at=at)
    return len(batch)
