"""A customer's right that a person looks at a decision (R55)."""

from datetime import date, datetime
from uuid import UUID

from django.db import transaction

from accounts.models import Customer, StaffUser
from accounts.services.notification import notification_send
from risk.errors import ContestOpen, FourEyesRequired, ReasonRequired
from risk.models import ApplicationState, DecisionContest, InvitationBatch, Outcome
from risk.services.application import application_lock
from risk.services.invitation import invitations_issue
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import ObjectNotFound, TransitionRefused

State = DecisionContest.State


@transaction.atomic
def contest_open(
    *, application_id: UUID, customer: Customer, text: str, actor: Actor, as_of: date, at: datetime
) -> DecisionContest:
    """Against the decision that counts. Raises `TransitionRefused` while there is none, `ContestOpen`."""
    application = application_lock(application_id, customer)
    decision = application.decisions.order_by("pk").last()
    if decision is None or application.state not in (ApplicationState.APPROVED, ApplicationState.REJECTED):
        raise TransitionRefused(state=str(application.state))
    if decision.contests.filter(state=State.OPEN).exists():
        raise ContestOpen
    contest = DecisionContest.objects.create(decision=decision, customer=customer, text=text)
    state_change_record(subject=contest, old="", new=contest.state, actor=actor, as_of=as_of, at=at)
    audit_record(action="contest.open", actor=actor, subject=contest, at=at, as_of=as_of)
    return contest


@transaction.atomic
def contest_answer(
    *, contest_id: UUID, revised: bool, answer: str, user: StaffUser, as_of: date, at: datetime
) -> DecisionContest:
    """Somebody else than the decider answers.

    Decisions are never changed: a revised refusal invites the customer to apply again, a revised approval
    is followed by a change of the line. Raises `ReasonRequired`, `FourEyesRequired`, `TransitionRefused`.
    """
    if not answer.strip():
        raise ReasonRequired
    contest = DecisionContest.objects.select_for_update(no_key=True).filter(pk=contest_id).first()
    if contest is None:
        raise ObjectNotFound
    if contest.state != State.OPEN:
        raise TransitionRefused(state=contest.state)
    decision = contest.decision
    if decision.decided_by_id == user.pk:
        raise FourEyesRequired
    contest.state = State.REVISED if revised else State.UPHELD
    contest.answer, contest.answered_by, contest.answered_at = answer, user, at
    contest.save(update_fields=["state", "answer", "answered_by", "answered_at"])
    actor = Actor.of(user)
    state_change_record(subject=contest, old=State.OPEN, new=contest.state, actor=actor, as_of=as_of, at=at)
    audit_record(action="contest.answer", actor=actor, subject=contest, at=at, as_of=as_of, reason=answer[:500])
    if revised and decision.outcome == Outcome.REJECTED:
        invitations_issue(
            openids=[contest.customer.openid],
            product=decision.product_id,
            source=InvitationBatch.Source.STAFF,
            reason="contested decision revised",
            actor=actor,
            as_of=as_of,
        )
    notification_send(
        customer=contest.customer,
        kind=f"contest_{contest.state}",
        params={"product": decision.product_id},
        dedupe_key=f"contest:{contest.pk}",
        business_date=as_of,
    )
    return contest
