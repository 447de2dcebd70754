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
    "manual_review": gettext_lazy("A person has looked at your application"),
}
REASON_CODES = frozenset(_TEXTS)


def reason_text(code: str) -> str:
    """The customer's text in the active language; an unknown (older) code gets a neutral one."""
    return str(_TEXTS.get(code) or gettext("Other reasons of the assessment"))
