"""The review queue: who works on which referred application, and a person's decision (R5, R21)."""

from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import StaffUser
from risk.errors import ReviewClaimed
from risk.models import ApplicationState, CreditApplication, Decision, Outcome, ReviewClaim
from risk.selectors.policy import monitoring_current
from risk.services.application import application_lock
from risk.services.assessment import referral_decide
from weilidai.lib.audit import Actor, audit_record


def review_claim_of(application_id: UUID, at: datetime) -> ReviewClaim | None:
    """The claim that holds at this moment."""
    return ReviewClaim.objects.filter(application_id=application_id, until__gt=at).select_related("claimed_by").first()


def reviews_waiting() -> QuerySet[CreditApplication]:
    """Referred applications, the oldest first."""
    return CreditApplication.objects.filter(state=ApplicationState.REFERRED).order_by("id")


@transaction.atomic
def review_claim(
    *, application_id: UUID, user: StaffUser, as_of: date, at: datetime, take_over: bool = False
) -> ReviewClaim:
    """Takes the application, or holds it longer. The claim lapses by itself after the policy's minutes.

    Raises `ReviewClaimed` while somebody else holds it, unless it is taken over, which is put on the record.
    """
    application = application_lock(application_id)
    held = review_claim_of(application_id, at)
    if held is not None and held.claimed_by_id != user.pk:
        if not take_over:
            raise ReviewClaimed(claimed_by=str(held.claimed_by))
        audit_record(
            action="review.take_over", actor=Actor.of(user), subject=application, at=at, as_of=as_of,
            before={"claimed_by": held.claimed_by.get_username()},
        )  # fmt: skip
    until = at + timedelta(minutes=monitoring_current(as_of).review_claim_minutes)
    claim, _created = ReviewClaim.objects.update_or_create(
        application=application,
        defaults={"claimed_by": user, "until": until, "customer_id": application.customer_id},
    )
    return claim


@transaction.atomic
def review_next(*, user: StaffUser, as_of: date, at: datetime) -> CreditApplication | None:
    """Claims the oldest referred application nobody else holds; one already held comes first. None: all done.

    Two people asking at once get different ones: rows under another's lock are skipped.
    """
    rows = reviews_waiting().select_for_update(no_key=True, skip_locked=True, of=("self",))
    live = ReviewClaim.objects.filter(until__gt=at)
    mine = rows.filter(pk__in=live.filter(claimed_by=user).values("application_id"))
    free = rows.exclude(pk__in=live.values("application_id"))
    while application := mine.first() or free.first():
        # A lock that was free again may hide a claim made since the queue was looked at.
        held = review_claim_of(application.pk, at)
        if held is None or held.claimed_by_id == user.pk:
            review_claim(application_id=application.pk, user=user, as_of=as_of, at=at)
            return application
    return None


@transaction.atomic
def review_release(*, application_id: UUID, user: StaffUser) -> None:
    """Gives one's own claim back at once."""
    ReviewClaim.objects.filter(application_id=application_id, claimed_by=user).delete()


@transaction.atomic
def review_decide(
    *, application_id: UUID, outcome: Outcome, reason: str, user: StaffUser, as_of: date, at: datetime
) -> Decision:
    """Decides unless somebody else works on it. Raises `ReviewClaimed` and what `referral_decide` raises."""
    review_claim(application_id=application_id, user=user, as_of=as_of, at=at)
    decision = referral_decide(
        application_id=application_id, outcome=outcome, reason=reason, user=user, as_of=as_of, at=at
    )
    review_release(application_id=application_id, user=user)
    return decision
