"""The cost disclosure form (R59): every charge with its base, rate and payee, in Chinese and English. Pure.

The statutory form on the total cost of financing (综合融资成本明示表), in force from 2026-08-01.
"""

import hashlib
import json
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Any

from django.utils.translation import gettext, gettext_noop, override

from loans.maths.schedule import FeeBase, ScheduleRow
from loans.maths.terms import LoanTerms
from loans.selectors.quote import Quote
from loans.selectors.rearrangement import Proposal
from weilidai.lib.money import ZERO

FORM_VERSION = "2026-08"
LANGUAGES = {"zh": "zh-hans", "en": "en"}
Text = dict[str, str]

LENDER = gettext_noop("the lender")
FEE_BASES = {
    FeeBase.PERIOD_PRINCIPAL: gettext_noop("principal of the period"),
    FeeBase.LOAN_PRINCIPAL: gettext_noop("principal of the loan"),
}
DEFAULT_TEXTS = {
    "principal_share": gettext_noop(
        "Overdue: once %(share)s of the principal that became overdue, charged only as far as the total yearly cost "
        "stays within the legal cap"
    ),
    "rate_uplift": gettext_noop(
        "Overdue: the overdue principal bears the daily rate raised by %(share)s in place of interest, charged only as "
        "far as the total yearly cost stays within the legal cap"
    ),
}
DEFAULT_TEXTS_UNCAPPED = {
    "principal_share": gettext_noop("Overdue: once %(share)s of the principal that became overdue"),
    "rate_uplift": gettext_noop(
        "Overdue: the overdue principal bears the daily rate raised by %(share)s in place of interest"
    ),
}


def both(text: str, **values: str) -> Text:
    """The text in both languages, so that the form reads the same for ever."""
    return {name: translated % values for name, translated in _translations(text)}


@cache
def _translations(text: str) -> tuple[tuple[str, str], ...]:
    """Of the few texts above and below; looked up once in a process."""
    found = []
    for name, language in LANGUAGES.items():
        with override(language):
            found.append((name, gettext(text)))
    return tuple(found)


def canonical(content: Any) -> bytes:
    """The bytes that are hashed: JSON with sorted keys and no spaces, UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(content: Any) -> str:
    return hashlib.sha256(canonical(content)).hexdigest()


def terms_key(quote: Quote, credit_line_id: object) -> str:
    """Equal for two quotes exactly when line, amount, term, prices and start are."""
    return terms_digest(quote.terms, quote.product_terms.version, credit_line_id)


def terms_digest(terms: LoanTerms, version: int, credit_line_id: object) -> str:
    """The hash of everything agreed: a loan made on the form must still give the same."""
    # A quote brings nothing forward: that field is of rearranged loans alone.
    values = {name: _plain(getattr(terms, name)) for name in LoanTerms.__dataclass_fields__ if name != "brought"}
    return digest({**values, "line": str(credit_line_id), "version": version})


def _plain(value: object) -> str:
    """1000 and 1000.00 are one amount."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def penalty_text(terms: LoanTerms) -> Text:
    """The cost of default in words."""
    texts = DEFAULT_TEXTS_UNCAPPED if terms.cost_cap_rate is None else DEFAULT_TEXTS
    return both(texts[terms.penalty_method], share=percent(terms.penalty_share))


def percent(rate: Any) -> str:
    """0.025000 as `2.5%`."""
    return f"{(rate * 100).normalize():f}%"


def form_content(quote: Quote) -> dict[str, Any]:
    """The form of a quote, ready for JSON; amounts in yuan, rates as fractions, both as strings."""
    terms = quote.terms
    return {
        "form_version": FORM_VERSION,
        "product": quote.product,
        "terms_version": quote.product_terms.version,
        "principal": str(terms.principal),
        "plan": str(terms.plan),
        "days": quote.days,
        "periods": quote.periods,
        "start_date": terms.start.isoformat(),
        "charges": _charges(quote),
        "early_charges": _early_charges(quote),
        "total_cost": str(quote.total_cost),
        "total_repayment": str(quote.total_repayment),
        "apr": str(quote.apr),
        "irr": str(quote.irr),
        "cost_cap": None if terms.cost_cap_rate is None else str(terms.cost_cap_rate),
        "cost_of_default": {
            "method": str(terms.penalty_method),
            "share": str(terms.penalty_share),
            "payee": both(LENDER),
            "text": penalty_text(terms),
        },
        "schedule": _rows(quote.schedule),
        "nothing_else": both(gettext_noop("Nothing else is charged.")),
    }


def _rows(schedule: Iterable[ScheduleRow]) -> list[dict[str, Any]]:
    return [
        {
            "number": row.number,
            "due_date": row.due_date.isoformat(),
            "principal": str(row.principal),
            "interest": str(row.interest),
            "fee": str(row.fee),
        }
        for row in schedule
    ]


def rearranged_content(proposal: Proposal, consent: str, reference: str) -> dict[str, Any]:
    """The form of a rearrangement: the new schedule from its day on, what it brings forward and what is given up.

    `agreed` names all the new schedule follows from; settling early costs nothing any more.
    """
    terms, brought = proposal.new, proposal.brought
    return {
        "form_version": FORM_VERSION,
        "product": proposal.loan.product_id,
        "terms_version": proposal.loan.terms.version,
        "loan": str(proposal.loan.pk),
        "schedule_version": terms.version,
        "agreed": proposal.agreed.content(),
        "consent": {"kind": consent, "reference": reference},
        "principal": str(proposal.principal),
        "plan": str(terms.plan),
        "days": None,
        "periods": terms.periods,
        "start_date": terms.start.isoformat(),
        "brought_forward": {
            "interest": str(brought.interest),
            "fee": str(proposal.schedule[0].fee),
            "penalty_claim": str(brought.claim),
        },
        "given_up": {"penalty_claim": str(proposal.waived_claim), "penalty_charged": str(proposal.waived_amount)},
        "charges": _new_charges(proposal),
        "early_charges": [],
        "total_cost": str(proposal.total_cost),
        "total_repayment": str(proposal.total_repayment),
        "apr": str(proposal.apr),
        "irr": str(proposal.irr),
        "cost_cap": None if terms.cost_cap_rate is None else str(terms.cost_cap_rate),
        "cost_of_default": _cost_of_default(terms),
        "schedule": _rows(proposal.schedule),
        "nothing_else": both(gettext_noop("Nothing else is charged.")),
    }


def _new_charges(proposal: Proposal) -> list[dict[str, Any]]:
    charges, rows = [], proposal.own_rows
    if proposal.new.daily_rate:
        interest = sum((row.interest for row in rows), ZERO)
        charges.append(_interest(proposal.new.daily_rate, interest))
    fees = sum((row.fee for row in rows), ZERO)
    if fees:
        base = both(gettext_noop("fees of the former schedule that were still to come"))
        charges.append(
            _charge("fee", both(gettext_noop("Fee per period")), base, str(proposal.new.fee_rate), str(fees))
        )
    return charges


def _cost_of_default(terms: LoanTerms) -> dict[str, Any]:
    text = penalty_text(terms) if terms.penalty_share else both(gettext_noop("Overdue: nothing is charged on top"))
    return {
        "method": str(terms.penalty_method),
        "share": str(terms.penalty_share),
        "payee": both(LENDER),
        "text": text,
    }


def _interest(rate: Decimal, amount: Decimal) -> dict[str, Any]:
    base = both(gettext_noop("outstanding principal, per day"))
    return _charge("interest", both(gettext_noop("Interest")), base, str(rate), str(amount))


def _charges(quote: Quote) -> list[dict[str, Any]]:
    terms, charges = quote.terms, []
    if terms.bears_interest:
        charges.append(_interest(terms.daily_rate, quote.interest))
    if terms.fee_rate:
        base = both(FEE_BASES[FeeBase(terms.fee_base)])
        charges.append(_charge("fee", both(gettext_noop("Fee per period")), base, str(terms.fee_rate), str(quote.fees)))
    return charges


def _early_charges(quote: Quote) -> list[dict[str, Any]]:
    """The customer's choice: never part of the normal schedule."""
    terms, charges = quote.terms, []
    if terms.settlement_fee_rate:
        name = both(gettext_noop("Early settlement fee"))
        base = both(gettext_noop("outstanding principal on the day of settlement"))
        charges.append(_charge("settlement_fee", name, base, str(terms.settlement_fee_rate), None))
    if terms.prepaid_fee_reduction:
        name = both(gettext_noop("Discount on the fee of a period paid before it starts"))
        base = both(FEE_BASES[FeeBase(terms.fee_base)])
        charges.append(_charge("prepaid_fee_discount", name, base, str(terms.prepaid_fee_reduction), None))
    return charges


def _charge(code: str, name: Text, base: Text, rate: str, amount: str | None) -> dict[str, Any]:
    return {"code": code, "name": name, "base": base, "rate": rate, "payee": both(LENDER), "amount": amount}
