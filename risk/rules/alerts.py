"""Words for alerts: layers, rules and evidence as a person reads them. Codes without a word show themselves. Pure."""

import re
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from risk.rules.screening.registry import CONDITIONS
from risk.rules.screening.words import EVENT_WORDS

Word = str | Promise

MONITORING = "monitoring"
APPROVAL_BAND = "approval_rate_band"
USE_OF_FUNDS = "use_of_funds"
COLLECTIONS, HARDSHIP_WISH, RELIEF_FAILED = "collections", "hardship_wish", "relief_failed"
RELIEF_DECLINED, RELIEF_UNANSWERED, RELIEF_OUTDATED = "relief_declined", "relief_unanswered", "relief_outdated"
FORBIDDEN_USE, VOUCHER_MISSING = "forbidden_use", "voucher_missing"

LAYER_WORDS: dict[str, Word] = {
    "deny_list": gettext_lazy("Deny list"),
    "identity_consistency": gettext_lazy("Identity consistency"),
    "device_fingerprint": gettext_lazy("Device fingerprint"),
    "geolocation": gettext_lazy("Geolocation"),
    "behaviour_frequency": gettext_lazy("Behaviour frequency"),
    "single_amount": gettext_lazy("Single amount"),
    "velocity": gettext_lazy("Velocity"),
    "relationship_network": gettext_lazy("Relationship network"),
    "debts_elsewhere": gettext_lazy("Debts elsewhere"),
    "credit_history": gettext_lazy("Credit history"),
    "purpose": gettext_lazy("Purpose of the loan"),
    "repayment_capacity": gettext_lazy("Repayment capacity"),
    MONITORING: gettext_lazy("Monitoring"),
    USE_OF_FUNDS: gettext_lazy("Use of funds"),
    COLLECTIONS: gettext_lazy("Collections"),
}
RULE_WORDS: dict[str, Word] = {
    **LAYER_WORDS,
    **{name: condition.label for name, condition in CONDITIONS.items()},
    APPROVAL_BAND: gettext_lazy("Approval rate outside its band"),
    FORBIDDEN_USE: gettext_lazy("A voucher shows a forbidden use"),
    VOUCHER_MISSING: gettext_lazy("The use of a loan was not proved in time"),
    HARDSHIP_WISH: gettext_lazy("A customer who is late asks for relief"),
    RELIEF_FAILED: gettext_lazy("A rearrangement that was agreed could not begin"),
    RELIEF_DECLINED: gettext_lazy("A customer refused the new schedule that was offered"),
    RELIEF_UNANSWERED: gettext_lazy("A customer did not answer the offer of a new schedule"),
    RELIEF_OUTDATED: gettext_lazy("An offer of a new schedule no longer fits its loan: it needs a new one"),
    "npl_ratio": gettext_lazy("Bad-loan ratio above its threshold"),
}
EVIDENCE_WORDS: dict[str, Word] = {
    "amount": gettext_lazy("Amount"),
    "threshold": gettext_lazy("Threshold"),
    "limit": gettext_lazy("Limit"),
    "count": gettext_lazy("Count"),
    "window": gettext_lazy("Window"),
    "window_minutes": gettext_lazy("Window, minutes"),
    "window_days": gettext_lazy("Window, days"),
    "city": gettext_lazy("City"),
    "usual_cities": gettext_lazy("Usual cities"),
    "device": gettext_lazy("Device"),
    "fingerprint": gettext_lazy("Device fingerprint"),
    "ip": gettext_lazy("IP"),
    "at": gettext_lazy("Time"),
    "date": gettext_lazy("Date"),
    "product": gettext_lazy("Product"),
    "loan": gettext_lazy("Loan"),
    "application": gettext_lazy("Application"),
    "point": gettext_lazy("Where it was checked"),
    "verdict": gettext_lazy("Verdict"),
    "mode": gettext_lazy("Mode"),
    "rate": gettext_lazy("Approval rate"),
    "band_from": gettext_lazy("Band from"),
    "band_to": gettext_lazy("Band to"),
    "decisions": gettext_lazy("Decisions"),
    "approved": gettext_lazy("Approved"),
    "reason": gettext_lazy("Reason"),
    "others": gettext_lazy("Other customers"),
    "transfer": gettext_lazy("Transfer"),
    "row": gettext_lazy("Transfer"),
    "npl_ratio": gettext_lazy("Bad-loan ratio"),
    "npl_limit": gettext_lazy("Limit of the ratio"),
    "npl_principal": gettext_lazy("Non-performing principal"),
    "outstanding_principal": gettext_lazy("Outstanding principal"),
    "use": gettext_lazy("Use"),
    "merchant": gettext_lazy("Merchant"),
    "asked": gettext_lazy("To be proved"),
    "proved": gettext_lazy("Proved"),
    "due": gettext_lazy("To be sent by"),
}
# Where an event was checked, as evidence names it.
POINT_WORDS: dict[str, Word] = {**EVENT_WORDS, "payments": gettext_lazy("Payments from a feed")}
USE_WORDS: dict[str, Word] = {
    "property": gettext_lazy("Buying property"),
    "securities": gettext_lazy("Securities"),
    "gambling": gettext_lazy("Gambling"),
}
WORDS_BY_NAME = {"point": POINT_WORDS, "use": USE_WORDS}
AMOUNTS = ("amount", "threshold", "asked", "proved", "npl_principal", "outstanding_principal")
AMOUNT = re.compile(r"^\d+\.\d\d$")


def layer_word(layer: str) -> str:
    return _word(LAYER_WORDS, layer)


def rule_word(rule: str) -> str:
    return _word(RULE_WORDS, rule)


def _word(words: dict[str, Word], code: str) -> str:
    return str(words[code]) if code in words else code.replace("_", " ").replace(".", " › ").capitalize()


def evidence_lines(evidence: Any) -> list[tuple[str, str]]:
    """Name and value of everything that was seen, nested things flattened, in the order they were recorded."""
    if not isinstance(evidence, dict):
        return [(gettext("Evidence"), _value(evidence))]
    lines: list[tuple[str, str]] = []
    for name, value in evidence.items():
        word = _word(EVIDENCE_WORDS, str(name))
        if isinstance(value, dict):
            lines += [(f"{word}: {inner}", shown) for inner, shown in evidence_lines(value)]
        else:
            lines.append((word, _shown(str(name), value)))
    return lines


def _shown(name: str, value: Any) -> str:
    """Points and uses by their words, amounts with separators, everything else as it is."""
    if name in WORDS_BY_NAME:
        return _word(WORDS_BY_NAME[name], str(value))
    if name in AMOUNTS and isinstance(value, str) and AMOUNT.match(value):
        return f"{Decimal(value):,}"
    return _value(value)


def _value(value: Any) -> str:
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value)
    if isinstance(value, dict):
        return " · ".join(f"{name} {shown}" for name, shown in evidence_lines(value))
    return str(value)
