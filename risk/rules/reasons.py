"""Reason codes and what a customer is told. Texts never tell how a fraud check works."""

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

_TEXTS: dict[str, str | Promise] = {
    "not_invited": gettext_lazy("This product is open by invitation only"),
    "invitation_expired": gettext_lazy("The invitation has expired"),
    "score_below_minimum": gettext_lazy("Your payment score is below the minimum of this product"),
    "identity_not_verified": gettext_lazy("Your identity card is not verified yet"),
    "bank_card_required": gettext_lazy("A bank card in your own name is needed"),
    "age_below_minimum": gettext_lazy("You have not reached the minimum age"),
    "activity_insufficient": gettext_lazy("You have not used the service regularly in the last six months"),
    "credit_record": gettext_lazy("Your credit record at present"),
    "credit_report_missing": gettext_lazy("Your credit report could not be obtained; a person will look at it"),
    "information_contradicted": gettext_lazy("Some of your information needs to be checked by a person"),
    "household_limit_reached": gettext_lazy("Your credit lines together have reached the lawful maximum"),
    "payment_flow": gettext_lazy("Amount and number of your payments over the year"),
    "social_activity": gettext_lazy("How actively you use the service with others"),
    "assets": gettext_lazy("Savings and wealth products"),
    "card_repayments": gettext_lazy("Regularity of your card repayments"),
    "verified_items": gettext_lazy("Few of your details could be verified with their sources"),
    "usage_stability": gettext_lazy("How steadily you use the service"),
    "credit_inquiries": gettext_lazy("Number of recent queries of your credit report"),
    "debts_elsewhere": gettext_lazy("Debts with other lenders"),
    "student_limit": gettext_lazy("Students start with a fixed limit"),
    "cost_cap_applied": gettext_lazy("Your rate was lowered to the lawful maximum"),
    "good_consumption": gettext_lazy("Steady payments over the year"),
    "good_social": gettext_lazy("Active use of the service"),
    "good_capacity": gettext_lazy("Good capacity to repay"),
    "good_device_stability": gettext_lazy("Steady use of the service"),
    "good_external_credit": gettext_lazy("Good credit record"),
    "good_housing_fund": gettext_lazy("Housing fund paid regularly"),
    "good_red_packets": gettext_lazy("Active use of the service"),
    "screening_review": gettext_lazy("A person needs to look at your application"),
    "screening_declined": gettext_lazy("Other reasons of the assessment"),
    "manual_review": gettext_lazy("A person has looked at your application"),
    "unchanged": gettext_lazy("Nothing changed that would move your rate"),
    "not_offered": gettext_lazy("Your product is no longer offered; your rate stays as it is"),
    "line_frozen": gettext_lazy("Your credit line is frozen; its rate stays as it is"),
    "paid_on_time": gettext_lazy("You paid on time, month after month"),
    "score_better": gettext_lazy("Your assessment has become better"),
    "score_worse": gettext_lazy("Your assessment has become worse"),
    "promoted": gettext_lazy("Your credit line has moved to a better tier"),
    "lowest_rate": gettext_lazy("Your rate is the lowest of your tier"),
}
REASON_CODES = frozenset(_TEXTS)

# What a customer can do about a reason; nothing is told where that would teach how to pass a check.
_ADVICE: dict[str, str | Promise] = {
    "invitation_expired": gettext_lazy("New invitations are sent from time to time; you need not do anything."),
    "score_below_minimum": gettext_lazy(
        "Your score is renewed every month; you can be invited again once it is higher."
    ),
    "identity_not_verified": gettext_lazy("Have your identity card verified, then apply again."),
    "bank_card_required": gettext_lazy("Bind a bank card in your own name, then apply again."),
    "age_below_minimum": gettext_lazy("You can apply once you are old enough."),
    "activity_insufficient": gettext_lazy("Use the service regularly for six months, then apply again."),
    "credit_record": gettext_lazy("Settle overdue debts and ask for your credit report to see what stands in it."),
    "credit_report_missing": gettext_lazy("You need not do anything: you are told as soon as a person has looked."),
    "information_contradicted": gettext_lazy(
        "Check what the social insurance, tax and other offices have on record about you; a person looks at it now."
    ),
    "household_limit_reached": gettext_lazy("Close a credit line you no longer need, then apply again."),
    "payment_flow": gettext_lazy("Regular payments over some months help."),
    "assets": gettext_lazy("Savings kept over some months help."),
    "card_repayments": gettext_lazy("Repaying your cards on time, month after month, helps."),
    "verified_items": gettext_lazy(
        "Let more of your details be verified, such as the housing fund or social insurance."
    ),
    "credit_inquiries": gettext_lazy("Fewer credit applications elsewhere help."),
    "debts_elsewhere": gettext_lazy("Paying down debts elsewhere helps."),
    "screening_review": gettext_lazy("You need not do anything: you are told as soon as a person has looked."),
    "screening_declined": gettext_lazy("If you think the decision is wrong, you can contest it and a person looks."),
    "manual_review": gettext_lazy("If you think the decision is wrong, you can contest it and another person looks."),
}


def reason_text(code: str) -> str:
    """The customer's text in the active language; an unknown (older) code gets a neutral one."""
    return str(_TEXTS.get(code) or gettext("Other reasons of the assessment"))


def reason_advice(code: str) -> str:
    """What the customer can do about it in the active language; empty where there is nothing to do or to tell."""
    return str(_ADVICE.get(code, ""))
