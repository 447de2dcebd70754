"""The texts of notices by kind, made in the reader's language from stored parameters. A new notice is one line here."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _

NOTICES: dict[str, tuple[str | Promise, str | Promise]] = {
    "invitation": (_("You are invited"), _("You may apply for {product} until {until}.")),
    "application_approved": (_("Credit line opened"), _("Your {product} line has a limit of {limit} yuan.")),
    "application_rejected": (_("Application not approved"), _("You will find the reasons in the application.")),
    "application_referred": (_("Application under review"), _("A colleague is looking at your application.")),
    "contest_upheld": (_("Your objection was answered"), _("The decision stands. Please read the answer.")),
    "contest_revised": (_("Your objection was answered"), _("The decision was revised in your favour.")),
    "loan_disbursed": (
        _("Money is on its way"),
        _("{amount} yuan were paid to your bank card. First repayment on {due_date}."),
    ),
    "loan_failed": (_("Payout failed"), _("{amount} yuan could not be paid to your card. Your limit is free again.")),
    "repayment_received": (_("Repayment received"), _("{amount} yuan received, {outstanding} yuan principal left.")),
    "loan_settled": (_("Loan settled"), _("{amount} yuan received. The loan is settled.")),
    "repayment_reversed": (
        _("Repayment taken back"),
        _("The bank took back your repayment of {amount} yuan. It counts as not made; please look at your loan."),
    ),
    "payout_returned": (
        _("Payout came back"),
        _("The bank returned {amount} yuan it had paid to you. The loan never was; what you repaid is held for you."),
    ),
    "loan_rearranged": (
        _("Your loan has a new plan"),
        _("{periods} instalments, the first of {amount} yuan on {due_date}. The new cost form is in the app."),
    ),
    "rearrangement_undone": (
        _("Your loan has its former plan again"),
        _("The new plan was taken back before you paid by it. The next payment is due on {due_date}."),
    ),
    "rearrangement_offered": (
        _("A new plan is offered to you"),
        _("{periods} instalments, the first on {due_date}. Please look at it and its cost in the app until {until}."),
    ),
    "rearrangement_confirmed": (
        _("You agreed to the new plan"),
        _("It begins on {begins_date}. Until then your loan stays as it is."),
    ),
    "rearrangement_refused": (
        _("You did not take the new plan"),
        _("Your loan keeps its plan. If you cannot pay, please talk to us."),
    ),
    "rearrangement_expired": (
        _("The offer of a new plan has ended"),
        _("It could be answered until {until}. Your loan keeps its plan; if you cannot pay, please talk to us."),
    ),
    "rearrangement_outdated": (
        _("The offer of a new plan no longer fits"),
        _("Your loan has changed since. It keeps its plan, and we look for a new one with you."),
    ),
    "rearrangement_withdrawn": (
        _("The offer of a new plan was taken back"),
        _("Your loan keeps its plan. If you cannot pay, please talk to us."),
    ),
    "refund_paid": (_("Refund on its way"), _("{amount} yuan were paid back to your bank card.")),
    "refund_refused": (
        _("Refund failed"),
        _("{amount} yuan could not be paid back to your card. We keep the money for you; please check your card."),
    ),
    "due_soon": (_("Repayment due soon"), _("{amount} yuan are due on {due_date}.")),
    "due_today": (_("Repayment due today"), _("{amount} yuan are due today.")),
    "overdue": (_("Repayment overdue"), _("{amount} yuan have been due since {due_date} ({days} days).")),
    # Collections (R60): said to the customer alone, without the amount, without a threat.
    "collection_help": (
        _("We look for a way with you"),
        _("A repayment has been due since {due_date}. If you cannot pay it now, please write to us or call us."),
    ),
    "collection_reminder": (
        _("Please look at your repayment"),
        _("A repayment is {days} days late. The app shows what is due. If you cannot pay it now, please talk to us."),
    ),
    "collection_urgent": (
        _("Please answer us"),
        _(
            "A repayment is {days} days late and its costs go on as agreed. Please repay in the app, or talk to us: "
            "we look for a way with you."
        ),
    ),
    "appeal_received": (_("Appeal received"), _("You will have an answer by {due}.")),
    "appeal_passed": (_("Your pictures were checked"), _("They can be read well. You will have an answer by {due}.")),
    "appeal_doubtful": (
        _("Your pictures were checked"),
        _("A colleague looks at them because not everything could be read. You will have an answer by {due}."),
    ),
    "appeal_granted": (_("Your appeal was granted"), _("Drawing is open again.")),
    "appeal_refused": (_("Your appeal was refused"), _("Drawing stays paused: {answer}")),
    "appeal_escalated": (_("Your appeal is with a supervisor"), _("We are late, and sorry. A supervisor will answer.")),
    "appeal_lapsed": (_("Your appeal is closed"), _("The pause it was about is over.")),
    "proof_received": (_("Proof received"), _("A colleague looks at it.")),
    "proof_accepted": (_("Proof accepted"), _("Your limit is {limit} yuan now.")),
    "proof_kept": (_("Proof accepted"), _("Your limit stays at {limit} yuan: it has reached what is possible today.")),
    "proof_rejected": (_("Proof not accepted"), _("{answer} You may send another one.")),
    "voucher_asked": (
        _("Please show what you spend the loan on"),
        _("Send vouchers of {amount} yuan until {until}: invoices, receipts or contracts of what you bought."),
    ),
    "voucher_reminder": (
        _("Vouchers are still needed"),
        _("Vouchers of {amount} yuan of your loan are still missing. Please send them until {until}."),
    ),
    "voucher_missing": (
        _("Vouchers did not come in time"),
        _("Vouchers of {amount} yuan were due on {until}. Please send them; until then further loans may be refused."),
    ),
    "voucher_received": (_("Voucher received"), _("A colleague looks at your voucher of {amount} yuan.")),
    "voucher_accepted": (_("Voucher accepted"), _("Your voucher of {amount} yuan was accepted. Thank you.")),
    "voucher_accepted_in_part": (
        _("Voucher accepted"),
        _("Your voucher of {amount} yuan was accepted. Vouchers of {rest} yuan are still needed."),
    ),
    "voucher_rejected": (_("Voucher not accepted"), _("{answer} You may send another one.")),
    "use_forbidden": (
        _("Your loan went into a use that is forbidden"),
        _("{answer} Loans are not for property, securities or gambling: no further loans are given."),
    ),
    "use_lifted": (_("You may borrow again"), _("What stood against further loans was lifted.")),
    "limit_raised_tier": (
        _("You are in a better tier"),
        _("Your limit is {limit} yuan, new loans cost {rate} % a day."),
    ),
    "limit_raised_fund": (_("Your limit was raised"), _("For what you hold with us: your limit is {limit} yuan now.")),
    "limit_raised_green": (_("Your limit was raised"), _("For {points} green points: your limit is {limit} yuan now.")),
    "gift_offered": (_("A friend lends you credit"), _("{amount} yuan of limit are offered to you until {until}.")),
    "gift_accepted": (_("Your gift was accepted"), _("{amount} yuan of your limit are lent to your friend.")),
    "gift_refused": (_("Your gift was not accepted"), _("{amount} yuan of limit are yours again.")),
    "gift_revoked": (_("A gift was taken back"), _("{amount} yuan of limit are no longer lent to you.")),
    "gift_expired": (_("Your gift has ended"), _("What your friend does not use of {amount} yuan is yours again.")),
    "rate_lowered": (_("Your rate was lowered"), _("New loans now cost {new_rate} % a day instead of {old_rate} %.")),
    "rate_reviewed": (_("Your rate was reviewed"), _("New loans cost {new_rate} % a day.")),
    "credit_line_frozen": (_("Drawing is paused"), _("You can still repay. You may appeal in the app.")),
    "credit_line_unfrozen": (_("Drawing is open again"), _("Your credit line can be used again.")),
    "credit_line_closed": (_("Your credit line is closed"), _("What is open can still be repaid as agreed.")),
}

# Kinds that are also sent as a text message; those about a debt only as the contact rule allows (R60).
DEBT_KINDS = frozenset({"due_soon", "due_today", "overdue", "collection_reminder", "collection_urgent"})
SMS_KINDS = DEBT_KINDS | {
    "invitation",
    "application_approved",
    "application_rejected",
    "loan_disbursed",
    "loan_failed",
    "credit_line_frozen",
    "credit_line_unfrozen",
}


class _Blank(dict[str, Any]):
    """Parameters of an older notice may lack what a newer text asks for."""

    def __missing__(self, key: str) -> str:
        return "–"


def notice_text(kind: str, params: dict[str, Any]) -> tuple[str, str]:
    """Title and body in the language in force; an unknown kind shows its name."""
    title, body = NOTICES.get(kind, (kind, ""))
    return translate(str(title)) if isinstance(title, str) else str(title), str(body).format_map(_Blank(params))
