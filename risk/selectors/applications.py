from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from accounts.models import Customer
from risk.models import OPEN_STATES, ApplicationState, CreditApplication, CreditLine, Decision, LineState, Product
from risk.rules.admission import ACTIVITY_INSUFFICIENT, SCORE_BELOW_MINIMUM, is_active, score_reaches
from risk.selectors.appeals import appeal_guide
from risk.selectors.documents import documents_unsigned
from risk.selectors.facts import activity_months, score_latest
from risk.selectors.invitations import invitation_lapsed, invitation_live
from risk.selectors.policy import terms_current
from weilidai.lib.errors import ObjectNotFound

# What the customer does next, by the state of the application (R9).
STEPS = {
    ApplicationState.STARTED: "sign_documents",
    ApplicationState.DOCUMENTS_SIGNED: "verify",
    ApplicationState.IDENTITY_VERIFIED: "assess",
    ApplicationState.ASSESSING: "wait",
    ApplicationState.REFERRED: "wait",
}


def applications_of(customer: Customer) -> QuerySet[CreditApplication]:
    """Own applications, newest first, each with its decisions."""
    decisions = Prefetch("decisions", queryset=Decision.objects.order_by("id"))
    return CreditApplication.objects.filter(customer=customer).prefetch_related(decisions)


def application_of(customer: Customer, application_id: UUID) -> CreditApplication:
    """Raises `ObjectNotFound` for a foreign one as for none."""
    application = applications_of(customer).filter(pk=application_id).first()
    if application is None:
        raise ObjectNotFound
    return application


def decision_latest(application: CreditApplication) -> Decision | None:
    """The decision that counts: a person's answer comes after the machine's."""
    decisions = list(application.decisions.all())
    return max(decisions, key=lambda decision: decision.pk) if decisions else None


def missing_signatures(application: CreditApplication, as_of: date) -> list[Any]:
    """Current texts not signed yet, while signing is still the next step."""
    if application.state not in OPEN_STATES:
        return []
    return documents_unsigned(application.customer, application.product_id, as_of)


def lines_of(customer: Customer) -> QuerySet[CreditLine]:
    return CreditLine.objects.filter(customer=customer)


def line_of(customer: Customer, line_id: UUID) -> CreditLine:
    line = lines_of(customer).filter(pk=line_id).first()
    if line is None:
        raise ObjectNotFound
    return line


def entry_show(customer: Customer, product: Product, as_of: date) -> dict[str, Any]:
    """What the customer may see (R9): hidden, apply, a step to go on with, borrow, frozen."""
    line = lines_of(customer).filter(product=product).exclude(state=LineState.CLOSED).first()
    if line is not None:
        frozen = line.state == LineState.FROZEN
        guide = appeal_guide(line, as_of) if frozen else None
        return _entry(step="frozen" if frozen else "borrow", reason=line.frozen_reason or None, line=line, appeal=guide)
    application = applications_of(customer).filter(product=product, state__in=OPEN_STATES).first()
    if application is not None:
        return _entry(step=STEPS[application.state], application=application)
    if not product.is_open:
        return _entry(available=False, step="hidden", reason="product_closed")
    if invitation_live(customer.openid, product, as_of) is not None:
        return _entry(step="apply", hints=_hints(customer, product, as_of))
    lapsed = invitation_lapsed(customer, product, as_of)
    return _entry(available=False, step="hidden", reason="invitation_expired" if lapsed else "not_invited")


def _entry(
    *,
    step: str,
    available: bool = True,
    reason: str | None = None,
    application: CreditApplication | None = None,
    line: CreditLine | None = None,
    hints: list[str] | None = None,
    appeal: dict[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "available": available,
        "reason": reason,
        "step": step,
        "application": application,
        "credit_line": line,
        "hints": hints or [],
        "appeal": appeal,
    }


def _hints(customer: Customer, product: Product, as_of: date) -> list[str]:
    """Visible rules the customer does not meet today: told before the effort of applying, judged at assessment."""
    terms = terms_current(product, as_of)
    hints = []
    if not score_reaches(score_latest(customer, terms.score_name, as_of), terms.score_minimum):
        hints.append(SCORE_BELOW_MINIMUM)
    months = activity_months(customer, as_of, terms.activity_months)
    if not is_active(months, terms.activity_months, terms.activity_opens_minimum):
        hints.append(ACTIVITY_INSUFFICIENT)
    return hints
