"""Scoring many customers at once from their stored months. Pure, so that a page of people can go to any process.

The same rules as for one application: facts of the same meaning, the same variables, the same scorecard.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from risk.rules.facts import AuxiliaryItem, CustomerFacts
from risk.rules.scorecard import Scored, Scorer, catalogue_names
from risk.rules.variables import CONTRADICTED, VERIFIED, variables_compute
from risk.variables.catalogue import by_name, catalogue
from risk.variables.compute import values_of
from risk.variables.families import YEAR_DAYS
from risk.variables.frame import Frame, Packed
from risk.variables.measures import AUXILIARY_ITEMS, LEVELS

RECENT_DAYS = 90
CREDIT_REPORT, ECNY_WALLET, THIRD_PARTY_DATA = "credit_report", "ecny_wallet", "third_party_data"
FEN = Decimal("0.01")
LEVEL_CODES = tuple(measure.code for measure in LEVELS)


@dataclass(frozen=True)
class Person:
    """What is known of one customer besides the months: consents, and the newest reports older than their reach.

    `older_assets` and `older_wallet` are in yuan; `older_bureau` is worst days past due, inquiries and debts.
    """

    consents: frozenset[str] = frozenset()
    device_tenure_days: int | None = None
    older_assets: tuple[Decimal, Decimal] | None = None
    older_bureau: tuple[int, int, Decimal] | None = None
    older_auxiliary: tuple[AuxiliaryItem, ...] = ()


@dataclass(frozen=True)
class Page:
    """Some customers on one date, whole: nothing else is read to score them."""

    as_of: date
    people: Sequence[Person]
    months: Sequence[Packed]
    definition: dict[str, Any] = field(repr=False)
    housing_fund_months: int = 0


def page_score(page: Page) -> list[Scored]:
    """The score of each, in order."""
    frame = Frame(len(page.people), page.as_of, page.months)
    values = values_of(frame)
    names = catalogue_names(page.definition)
    places = [by_name()[name] for name in names]
    variables = [catalogue()[place] for place in places]
    numbers, missing = values.numbers[:, places].tolist(), values.missing[:, places].tolist()
    scored, scorer = [], Scorer(page.definition)
    for row, facts in enumerate(facts_of(frame, page.people)):
        known = variables_compute(facts, page.definition["auxiliary"], page.housing_fund_months)
        for variable, number, empty in zip(variables, numbers[row], missing[row], strict=True):
            allowed = not variable.consent or variable.consent in page.people[row].consents
            known[variable.name] = Decimal(number) / variable.scale if allowed and not empty else None
        scored.append(scorer.score(known))
    return scored


def facts_of(frame: Frame, people: Sequence[Person]) -> list[CustomerFacts]:
    """Facts of the meaning `facts_gather` gives them, as far as a scorecard can name them; no admission is judged."""
    flows, levels = _Flows(frame), _Levels(frame)
    return [_facts(flows, levels, row, person) for row, person in enumerate(people)]


def _facts(flows: "_Flows", levels: "_Levels", row: int, person: Person) -> CustomerFacts:
    paid, seen = flows.has_paid[row], flows.has_logged_in[row]
    assets, wallet = levels.assets(row) or person.older_assets or (None, None)
    bureau = levels.bureau(row) or person.older_bureau if CREDIT_REPORT in person.consents else None
    worst_dpd, inquiries, debts = bureau or (None, None, None)
    return CustomerFacts(
        score=None, age_years=None, identity_verified=False, bank_card_verified=False, is_student=False, activity=(),
        auxiliary=_auxiliary(levels, row, person) if THIRD_PARTY_DATA in person.consents else (),
        payment_amount_12m=flows.yuan("payment_amount", row) if paid else None,
        payment_count_12m=flows.year("payment_count", row) if paid else None,
        card_repayment_amount_12m=flows.yuan("card_repayment_amount", row) if paid else None,
        red_packets_sent_amount_12m=flows.yuan("red_packet_sent_amount", row),
        red_packets_received_amount_12m=flows.yuan("red_packet_received_amount", row),
        friends_count=levels.recent("friends", row), active_groups_count=levels.recent("active_groups", row),
        assets_amount=assets, ecny_wallet_amount=wallet if ECNY_WALLET in person.consents else None,
        device_changes_90d=flows.quarter("device_change_count", row) if seen else None,
        ip_changes_90d=flows.quarter("ip_change_count", row) if seen else None,
        device_tenure_days=person.device_tenure_days if seen else None,
        bureau_age_days=None, worst_dpd_24m=worst_dpd, inquiries_6m=inquiries, bureau_debts_amount=debts,
        on_deny_list=False,
    )  # fmt: skip


def _auxiliary(levels: "_Levels", row: int, person: Person) -> tuple[AuxiliaryItem, ...]:
    found = {item.item: item for item in person.older_auxiliary} | {i.item: i for i in levels.auxiliary(row)}
    return tuple(item for _, item in sorted(found.items()))


class _Flows:
    """Sums over the last year and the last 90 days, as plain integers."""

    def __init__(self, frame: Frame) -> None:
        self._year, self._quarter = (_columns(frame, days) for days in (YEAR_DAYS, RECENT_DAYS))
        self.has_paid, self.has_logged_in = self._year("rows_payments"), self._quarter("rows_logins")

    def year(self, code: str, row: int) -> int:
        return self._year(code)[row]

    def yuan(self, code: str, row: int) -> Decimal:
        return self.year(code, row) * FEN

    def quarter(self, code: str, row: int) -> int:
        return self._quarter(code)[row]


def _columns(frame: Frame, days: int) -> Callable[[str], list[int]]:
    """The sums of a flow over the days that end on the date, one for each customer."""
    sums = frame.sums_between(*frame.last_days(days))

    @cache
    def column(code: str) -> list[int]:
        return list(sums[:, frame.flow(code)].tolist())

    return column


class _Levels:
    """The newest levels within the months' reach, with their age; whole columns, as plain integers."""

    def __init__(self, frame: Frame) -> None:
        self._last, self._age, self._unknown = (block.T.tolist() for block in frame.newest_level())
        self._place = {code: frame.level(code) for code in LEVEL_CODES}
        self._items = [(item, self._place[f"auxiliary_{item}_months"], self._place[f"auxiliary_{item}_verified"])
                       for item in AUXILIARY_ITEMS]  # fmt: skip

    def value(self, code: str, row: int) -> int:
        return int(self._last[self._place[code]][row])

    def known(self, code: str, row: int) -> bool:
        return not self._unknown[self._place[code]][row]

    def recent(self, code: str, row: int) -> int | None:
        is_fresh = self.known(code, row) and self._age[self._place[code]][row] < RECENT_DAYS
        return self.value(code, row) if is_fresh else None

    def assets(self, row: int) -> tuple[Decimal, Decimal] | None:
        if not self.known("deposits", row):
            return None
        held = sum(self.value(code, row) for code in ("current_fund", "wealth_products", "deposits"))
        return held * FEN, self.value("ecny_balance", row) * FEN

    def bureau(self, row: int) -> tuple[int, int, Decimal] | None:
        if not self.known("bureau_debts", row):
            return None
        worst, inquiries = self.value("bureau_worst_dpd", row), self.value("bureau_inquiries", row)
        return worst, inquiries, self.value("bureau_debts", row) * FEN

    def auxiliary(self, row: int) -> list[AuxiliaryItem]:
        return [
            AuxiliaryItem(
                item,
                VERIFIED if self._last[verified][row] else CONTRADICTED,
                self._last[months][row],
                self._age[months][row],
            )
            for item, months, verified in self._items
            if not self._unknown[months][row]
        ]
