"""Refusals of granting and holding credit, with the codes the API promises."""

from django.utils.translation import gettext_lazy as _

from weilidai.lib.errors import DomainError
from weilidai.lib.errors import FourEyesRequired as FourEyesRequired
from weilidai.lib.errors import ReasonRequired as ReasonRequired


class NotInvited(DomainError):
    code = "not_invited"
    title = _("This product is open by invitation only")
    http_state = 403


class InvitationExpired(DomainError):
    code = "invitation_expired"
    title = _("The invitation has expired")
    http_state = 403


class InvitationInvalid(DomainError):
    code = "invitation_invalid"
    title = _("The invitations cannot be issued")
    http_state = 400


class DraftChanged(DomainError):
    """Whoever approves has looked at something else than what would come into force."""

    code = "draft_changed"
    title = _("The draft has changed since you opened it; please look at it again")
    http_state = 409


class ProductClosed(DomainError):
    code = "product_closed"
    title = _("This product takes no applications at present")
    http_state = 409


class ApplicationOpen(DomainError):
    code = "application_open"
    title = _("There is already an open application or credit line for this product")
    http_state = 409


class SignaturesMissing(DomainError):
    code = "signatures_missing"
    title = _("All documents must be signed first")
    http_state = 409


class DocumentChanged(DomainError):
    code = "document_changed"
    title = _("The document has changed: please read the current text")
    http_state = 409


class CreditLineFrozen(DomainError):
    code = "credit_line_frozen"
    title = _("The credit line is frozen: repaying stays open, drawing does not")
    http_state = 409


class CreditLineClosed(DomainError):
    code = "credit_line_closed"
    title = _("The credit line is closed")
    http_state = 409


class LimitExceeded(DomainError):
    code = "limit_exceeded"
    title = _("The amount is above what is available on the credit line")
    http_state = 409


class LineInUse(DomainError):
    code = "credit_line_in_use"
    title = _("The credit line still has loans or gifts open")
    http_state = 409


class PolicyMissing(DomainError):
    """No active policy covers the date: a mistake of configuration, told apart from a customer's mistake."""

    code = "policy_missing"
    title = _("No active policy covers this date")
    http_state = 503


class ScreeningDeclined(DomainError):
    """The twelve layers said no; what they saw is nobody's business outside."""

    code = "request_declined"
    title = _("This is not possible at present; please contact us")
    http_state = 409


class AppealOpen(DomainError):
    code = "appeal_open"
    title = _("There is already an open appeal for this credit line")
    http_state = 409


class ProofOpen(DomainError):
    code = "proof_open"
    title = _("A proof of this kind is being looked at or counts already")
    http_state = 409


class EvidenceIncomplete(DomainError):
    code = "evidence_incomplete"
    title = _("Not all pictures that are needed were sent")
    http_state = 422


class ContestOpen(DomainError):
    code = "contest_open"
    title = _("This decision is already being looked at")
    http_state = 409


class AssigneeInvalid(DomainError):
    code = "assignee_invalid"
    title = _("This person may not work on alerts")
    http_state = 400


class SnoozeInvalid(DomainError):
    code = "snooze_invalid"
    title = _("A snooze is for one customer and ends on a day the policy allows")
    http_state = 400


class ReviewClaimed(DomainError):
    code = "review_claimed"
    title = _("Somebody else is working on this application")
    http_state = 409


class DenyEntryOpen(DomainError):
    code = "deny_entry_open"
    title = _("This stands on the deny list already")
    http_state = 409
