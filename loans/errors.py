"""Refusals of using credit, with the codes the API promises."""

from django.utils.translation import gettext_lazy as _

from weilidai.lib.errors import DomainError, FieldInvalid


class AmountOutOfRange(DomainError):
    code = "amount_out_of_range"
    title = _("The amount is outside what this product lends")
    http_state = 422


class TermInvalid(FieldInvalid):
    """Days or periods do not fit the plan; `field_errors` names the field."""


class PurposeForbidden(DomainError):
    code = "purpose_forbidden"
    title = _("Loans are not given for this purpose")
    http_state = 422


class PurposeUnknown(FieldInvalid):
    """Not one of the forbidden uses."""


class VoucherMissing(DomainError):
    """The use of an earlier loan was not proved in time, and its terms refuse further loans for that (R52)."""

    code = "voucher_missing"
    title = _("Please first send the vouchers of your earlier loan")
    http_state = 409


class VoucherLimit(DomainError):
    code = "voucher_limit"
    title = _("Your earlier vouchers are looked at first; please send more afterwards")
    http_state = 409


class DisclosureNotRead(DomainError):
    code = "disclosure_not_read"
    title = _("Please read the cost disclosure form first")
    http_state = 409


class DisclosureChanged(DomainError):
    code = "disclosure_changed"
    title = _("The cost disclosure form does not belong to this loan, please look at a new quote")
    http_state = 409


class HouseholdLimitExceeded(DomainError):
    """The lines together would pass what the law allows one household (R54)."""

    code = "limit_exceeded"
    title = _("The amount is above the household limit for consumer credit")
    http_state = 409


class LoanNotOpen(DomainError):
    code = "loan_not_open"
    title = _("The loan is not open")
    http_state = 409


class RepaymentExceedsDebt(DomainError):
    code = "repayment_exceeds_debt"
    title = _("The amount is more than what is owed")
    http_state = 422


class SettlementAmountChanged(DomainError):
    code = "settlement_amount_changed"
    title = _("The amount to settle has changed, please look at the new quote")
    http_state = 409


class NothingToReverse(DomainError):
    code = "nothing_to_reverse"
    title = _("This was reversed before")
    http_state = 409


class GiftLimit(DomainError):
    code = "gift_limit"
    title = _("The gift is larger than a gift may be")
    http_state = 422


class FriendshipTooShort(DomainError):
    code = "friendship_too_short"
    title = _("You have not been friends for long enough")
    http_state = 409


class RecipientNotVerified(DomainError):
    code = "recipient_not_verified"
    title = _("The recipient has not verified identity and bank card")
    http_state = 409


class GiftNotOpen(DomainError):
    code = "gift_not_open"
    title = _("This gift can no longer be changed, or it is in use")
    http_state = 409


class LoanNotSettled(DomainError):
    code = "loan_not_settled"
    title = _("The loan is not settled yet")
    http_state = 409


class StatementNotReady(DomainError):
    code = "statement_not_ready"
    title = _("The statement of a month is there once the month is over")
    http_state = 409


class NothingToRearrange(DomainError):
    code = "nothing_to_rearrange"
    title = _("Only a running loan with principal left can be rearranged")
    http_state = 409


class RearrangementInvalid(FieldInvalid):
    """More than what a rearrangement may do; `field_errors` names the field."""


class RearrangementStands(DomainError):
    """Undone is only what the customer has not begun to pay, and only soon."""

    code = "rearrangement_stands"
    title = _("This rearrangement can no longer be undone")
    http_state = 409


class OfferNotOpen(DomainError):
    """Answered, expired or taken back; `state` says which."""

    code = "rearrangement_offer_not_open"
    title = _("This offer can no longer be answered")
    http_state = 409


class OfferOutdated(DomainError):
    """The loan is not the one it was made for; `reason` is the code of what changed. It ends the offer."""

    code = "rearrangement_offer_outdated"
    title = _("Your loan has changed since this offer; it needs a new one")
    http_state = 409
    keeps_work = True


class OfferStands(DomainError):
    code = "rearrangement_offer_stands"
    title = _("Another plan for this loan waits for the customer's answer; take it back first")
    http_state = 409


class TaskTaken(DomainError):
    code = "collection_task_taken"
    title = _("Another collector has this task")
    http_state = 409


class TaskNotYours(DomainError):
    code = "collection_task_not_yours"
    title = _("Take the task first: only its collector works on it")
    http_state = 409


class DebtGone(DomainError):
    code = "collection_debt_gone"
    title = _("Nothing is overdue any more: the task is closed, nobody is to be called")
    http_state = 409


class CallUnfinished(DomainError):
    code = "collection_call_unfinished"
    title = _("First tell how the last call ended")
    http_state = 409


class LeftInPeace(DomainError):
    code = "collection_left_in_peace"
    title = _("The customer's promise still runs, or the debt is disputed: no call now")
    http_state = 409


class PromiseStands(DomainError):
    code = "collection_promise_stands"
    title = _("An earlier promise still runs; it is decided first")
    http_state = 409
