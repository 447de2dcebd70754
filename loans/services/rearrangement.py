"""A new schedule for a loan in difficulty (重组), from the day a second person agreed to it.

Asked for and agreed to through `loans/services/approval.py`. Lock order: line, loan, journal.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.services.notification import notification_send
from loans.disclosure import FORM_VERSION, digest, rearranged_content
from loans.errors import NothingToReverse, RearrangementStands
from loans.maths.rearrangement import Agreed
from loans.models import (
    CostDisclosure,
    EntryKind,
    Loan,
    LoanEvent,
    LoanState,
    Rearrangement,
    RepaymentAllocation,
)
from loans.selectors.collection_policy import collection_figures_at
from loans.selectors.rearrangement import Proposal, class_floor, rearrangement_propose, standing_rearrangements
from loans.services.correction import loan_lock, reversal_of
from loans.services.history import Act, event_add
from weilidai.lib.errors import FieldInvalid


@dataclass(frozen=True)
class Consent:
    """How the customer agreed to the new cost, and where that can be looked up."""

    kind: str
    reference: str


@transaction.atomic
def loan_rearrange(
    *, loan_id: UUID | str, agreed: Agreed, consent: Consent, act: Act, form: CostDisclosure | None = None
) -> Rearrangement:
    """The old schedule is closed and kept, the new one holds from today. Principal does not move.

    `form` is the one the customer confirmed: it is the form of the new cost as long as it says what holds today.

    Raises ObjectNotFound, LoanNotOpen, NothingToRearrange, RearrangementInvalid, CostCapExceeded, FieldInvalid.
    """
    _consent_check(consent)
    loan = loan_lock(loan_id, states=(LoanState.ACTIVE,))
    proposal = rearrangement_propose(loan, agreed, act.as_of)
    floor = class_floor(loan, proposal)
    row = LoanEvent(
        kind=LoanEvent.Kind.REARRANGEMENT,
        effective_date=act.as_of,
        penalty_amount=proposal.waived_amount,
        agreed=agreed.content(),
    )
    done = event_add(loan, row, entry_kind=EntryKind.RELIEF, act=act)
    found = Rearrangement.objects.create(
        loan=loan,
        customer=loan.customer,
        event=done.event,
        disclosure=_form_of(loan, proposal, consent, form, act),
        version=proposal.new.version,
        effective_date=act.as_of,
        periods_count=agreed.periods,
        first_due_date=agreed.first_due_date,
        last_due_date=proposal.new.last_due_date,
        daily_rate=agreed.daily_rate,
        principal_amount=proposal.principal,
        waived_amount=proposal.waived_amount,
        days_past_due=proposal.before.days_past_due,
        class_floor_days=floor[0],
        class_floor_until_date=floor[1],
        consent=consent.kind,
        consent_reference=consent.reference,
    )
    _tell(loan, proposal, found, act)
    return found


@transaction.atomic
def rearrangement_undo(*, loan_id: UUID | str, act: Act) -> LoanEvent:
    """The newest rearrangement never was: the schedule before it is in force again, and what was given up is owed.

    Raises NothingToReverse where there is none, RearrangementStands where something was paid by it or it is older than
    `relief_undo_days`, ObjectNotFound, LoanNotOpen.
    """
    loan = loan_lock(loan_id, states=(LoanState.ACTIVE,))
    found = standing_rearrangements(loan).select_related("event").first()
    if found is None:
        raise NothingToReverse
    last_day = found.effective_date + timedelta(days=collection_figures_at(act.as_of).relief_undo_days)
    if act.as_of > last_day or _is_paid_by(found):
        raise RearrangementStands
    done = event_add(loan, reversal_of(found.event), entry_kind=EntryKind.REVERSAL, act=act)
    notification_send(
        customer=loan.customer,
        kind="rearrangement_undone",
        params={"due_date": loan.next_due_date.isoformat() if loan.next_due_date else ""},
        dedupe_key=f"rearrangement_undone:{found.pk}",
        business_date=act.as_of,
    )
    return done.event


def _is_paid_by(found: Rearrangement) -> bool:
    """Whether a repayment that counts reached a due date of the new schedule."""
    paid = RepaymentAllocation.objects.filter(instalment__loan=found.loan_id, instalment__version=found.version)
    return paid.filter(repayment__reversed_date__isnull=True).exists()


def _consent_check(consent: Consent) -> None:
    if consent.kind not in Rearrangement.Consent.values or not consent.reference.strip():
        detail = _("How the customer agreed, and the reference of it")
        raise FieldInvalid(field_errors=[{"field": "consent", "code": "invalid", "detail": detail}])


def _form_of(loan: Loan, proposal: Proposal, consent: Consent, form: CostDisclosure | None, act: Act) -> CostDisclosure:
    """The form of the new cost (R59), kept with its hash as the first one is."""
    content = rearranged_content(proposal, consent.kind, consent.reference)
    if form is not None and form.sha256 == digest(content):
        return form
    return CostDisclosure.objects.create(
        customer=loan.customer,
        credit_line_id=loan.credit_line_id,
        form_version=FORM_VERSION,
        terms_key=digest(proposal.agreed.content()),
        content=content,
        sha256=digest(content),
        shown_at=act.at,
        confirmed_at=act.at,
        business_date=act.as_of,
    )


def _tell(loan: Loan, proposal: Proposal, found: Rearrangement, act: Act) -> None:
    notification_send(
        customer=loan.customer,
        kind="loan_rearranged",
        params={
            "periods": found.periods_count,
            "amount": str(proposal.schedule[0].total),
            "due_date": found.first_due_date.isoformat(),
        },
        dedupe_key=f"loan_rearranged:{found.pk}",
        business_date=act.as_of,
    )
