"""People look at vouchers: one at a time, accepted, rejected, or found to show a forbidden use (R52).

Lock order: lines of the customer (where a forbidden use is found), demand, voucher.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from accounts.models import StaffUser
from accounts.services.notification import notification_send
from loans.errors import PurposeUnknown
from loans.models import WAITING_DEMANDS, DemandState, ForbiddenUse, Voucher, VoucherDemand
from loans.selectors.voucher import vouchers_waiting
from risk.errors import ReasonRequired, ReviewClaimed
from risk.models import AlertSeverity
from risk.rules.alerts import FORBIDDEN_USE, USE_OF_FUNDS
from risk.rules.purposes import FORBIDDEN_PURPOSES
from risk.selectors.policy import monitoring_current
from risk.services.alert import alert_raise
from risk.services.screening import lines_lock
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import ObjectNotFound, TransitionRefused
from weilidai.lib.fsm import take_step

REVIEWED = ("answer", "reviewed_by", "reviewed_at", "claimed_by", "claimed_until")
ANSWER_LENGTH_MAX = 500


@transaction.atomic
def voucher_claim_next(*, user: StaffUser, as_of: date, at: datetime) -> Voucher | None:
    """The oldest voucher nobody else looks at; one already held comes first. None: all done.

    Two people asking at once get different ones: rows under another's lock are skipped.
    """
    rows = vouchers_waiting().select_for_update(no_key=True, skip_locked=True, of=("self",))
    mine = rows.filter(claimed_by=user, claimed_until__gt=at)
    free = rows.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lte=at))
    voucher = mine.first() or free.first()
    if voucher is not None:
        _claim(voucher, user, as_of, at)
    return voucher


@transaction.atomic
def voucher_release(*, voucher_id: UUID, user: StaffUser) -> None:
    """Gives one's own back at once."""
    Voucher.objects.filter(pk=voucher_id, claimed_by=user).update(claimed_by=None, claimed_until=None)


def _claim(voucher: Voucher, user: StaffUser, as_of: date, at: datetime) -> None:
    voucher.claimed_by = user
    voucher.claimed_until = at + timedelta(minutes=monitoring_current(as_of).review_claim_minutes)
    voucher.save(update_fields=["claimed_by", "claimed_until"])


@transaction.atomic
def voucher_accept(*, voucher_id: UUID, reason: str, user: StaffUser, as_of: date, at: datetime) -> Voucher:
    """It proves its amount; enough of them fulfil what was asked for.

    Raises `ReasonRequired`, `ObjectNotFound`, `ReviewClaimed`, `TransitionRefused`.
    """
    voucher, demand = _begin(voucher_id, reason, user, at)
    actor = Actor.of(user)
    _finish(voucher, "accept", reason, user, as_of, at)
    rest = "0.00"
    if demand is not None:
        VoucherDemand.objects.filter(pk=demand.pk).update(accepted_amount=F("accepted_amount") + voucher.amount)
        demand = VoucherDemand.objects.get(pk=demand.pk)
        rest = str(demand.rest_amount)
        if demand.state in WAITING_DEMANDS and not demand.rest_amount:
            demand.next_reminder_date = None
            take_step(demand, "fulfil", actor=actor, as_of=as_of, at=at, update_fields=("next_reminder_date",))
    is_open = demand is not None and demand.state in WAITING_DEMANDS
    _notice(voucher, "voucher_accepted_in_part" if is_open else "voucher_accepted", as_of, rest=rest)
    return voucher


@transaction.atomic
def voucher_reject(*, voucher_id: UUID, reason: str, user: StaffUser, as_of: date, at: datetime) -> Voucher:
    """The customer is told the reason and may send another. Raises as `voucher_accept` does."""
    voucher, _demand = _begin(voucher_id, reason, user, at)
    _finish(voucher, "reject", reason, user, as_of, at)
    _notice(voucher, "voucher_rejected", as_of, answer=voucher.answer)
    return voucher


@transaction.atomic
def voucher_forbid(
    *, voucher_id: UUID, use: str, reason: str, user: StaffUser, as_of: date, at: datetime
) -> ForbiddenUse:
    """The money went into property, securities or gambling: no further loan while this stands, and an alert.

    Raises as `voucher_accept` does, and `PurposeUnknown`.
    """
    if use not in FORBIDDEN_PURPOSES:
        raise PurposeUnknown
    found = Voucher.objects.select_related("customer").filter(pk=voucher_id).first()
    if found is None:
        raise ObjectNotFound
    # A loan asked for at this moment is either counted before, or sees what is written here.
    lines_lock(found.customer)
    voucher, demand = _begin(voucher_id, reason, user, at)
    actor = Actor.of(user)
    _finish(voucher, "forbid", reason, user, as_of, at)
    if demand is not None and demand.state != DemandState.LAPSED:
        demand.next_reminder_date = None
        take_step(demand, "forbid", actor=actor, as_of=as_of, at=at, update_fields=("next_reminder_date",))
    misuse = ForbiddenUse.objects.create(
        customer_id=voucher.customer_id, loan_id=voucher.loan_id, voucher=voucher, use=use, reason=voucher.answer,
        found_by=user, found_at=at, found_date=as_of,
    )  # fmt: skip
    state_change_record(subject=misuse, old="", new=misuse.state, actor=actor, as_of=as_of, at=at, reason=reason)
    audit_record(
        action="forbidden_use.find", actor=actor, subject=misuse, at=at, as_of=as_of, reason=reason,
        after={"loan": str(voucher.loan_id), "voucher": str(voucher.pk), "use": use},
    )  # fmt: skip
    _alert(misuse, voucher, actor)
    _notice(voucher, "use_forbidden", as_of, answer=voucher.answer)
    return misuse


def _begin(voucher_id: UUID, reason: str, user: StaffUser, at: datetime) -> tuple[Voucher, VoucherDemand | None]:
    """Demand and voucher under lock, in this order."""
    if not reason.strip():
        raise ReasonRequired
    loan = Voucher.objects.filter(pk=voucher_id).values_list("loan_id", flat=True).first()
    if loan is None:
        raise ObjectNotFound
    demand = VoucherDemand.objects.select_for_update(no_key=True).filter(loan=loan).first()
    rows = Voucher.objects.select_for_update(no_key=True, of=("self",)).select_related("customer", "loan")
    voucher = rows.get(pk=voucher_id)
    held = voucher.claimed_by_id not in (None, user.pk)
    if held and voucher.claimed_until is not None and voucher.claimed_until > at:
        raise ReviewClaimed(claimed_by=str(voucher.claimed_by))
    return voucher, demand


def _finish(voucher: Voucher, step: str, reason: str, user: StaffUser, as_of: date, at: datetime) -> None:
    if voucher.reviewed_at is not None:
        raise TransitionRefused(state=str(voucher.state))
    actor = Actor.of(user)
    voucher.answer, voucher.reviewed_by, voucher.reviewed_at = reason.strip()[:ANSWER_LENGTH_MAX], user, at
    voucher.claimed_by = voucher.claimed_until = None
    take_step(voucher, step, actor=actor, as_of=as_of, at=at, reason=reason, update_fields=REVIEWED)
    audit_record(
        action=f"voucher.{step}", actor=actor, subject=voucher, at=at, as_of=as_of, reason=reason,
        after={"loan": str(voucher.loan_id), "amount": str(voucher.amount)},
    )  # fmt: skip


def _alert(misuse: ForbiddenUse, voucher: Voucher, actor: Actor) -> None:
    alert_raise(
        customer=voucher.customer, rule=FORBIDDEN_USE, layer=USE_OF_FUNDS, severity=AlertSeverity.HIGH,
        evidence={
            "use": misuse.use, "amount": str(voucher.amount), "merchant": voucher.merchant,
            "loan": str(voucher.loan_id), "reason": misuse.reason,
        },
        dedupe_key=f"{FORBIDDEN_USE}:{misuse.pk}", as_of=misuse.found_date, at=misuse.found_at, actor=actor,
    )  # fmt: skip


def _notice(voucher: Voucher, kind: str, as_of: date, **params: str) -> None:
    notification_send(
        customer=voucher.customer,
        kind=kind,
        params={"amount": str(voucher.amount), "merchant": voucher.merchant, **params},
        dedupe_key=f"{kind}:{voucher.pk}",
        business_date=as_of,
    )
