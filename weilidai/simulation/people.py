"""Who the people of the simulation are: traits drawn from the assumptions, the same for the same seed and number."""

import math
import random
from dataclasses import dataclass
from datetime import date, timedelta

from risk.models import AuxiliaryReading
from weilidai.demo.assumptions import CITIES
from weilidai.lib.chance import seeded
from weilidai.simulation.assumptions import Assumptions, Kind

PREFIX = "sim-"
DAYS_OF_MONTH, YEAR_MONTHS = 28, 12
SCORE_PASSES, SCORE_FAILS = (600, 780), (540, 599)
XIAOBAI_PASSES, XIAOBAI_FAILS = (85, 100), (60, 84)
HALF_A_MILLION = 500_000
# Auxiliary items besides the housing fund, those nearly everybody has first.
ITEMS = tuple(
    AuxiliaryReading.Item(code)
    for code in (
        "mobile_tenure", "utility_payments", "social_insurance", "employment", "address_stability", "income_tax",
        "education", "commercial_insurance", "vehicle", "property", "business_registration",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """One person. Amounts are whole yuan a month or a payment; `arrival` is the day of the first application."""

    number: int
    openid: str
    kind: Kind
    city: str
    arrival: date
    idle: bool
    pay_score: int
    xiaobai: int
    opens: float
    payments_month: float
    payment_amount: int
    friends: int
    groups: int
    fund: int
    wealth_products: int
    deposits: int
    card_payment: int
    items: tuple[str, ...]
    housing_fund_months: int
    contradicted: bool
    harmless: bool
    hopper: bool
    deny_listed: bool
    worst_dpd: int
    inquiries: int
    debts: int
    generous: bool
    wallet_consent: bool
    tries_jintiao: bool

    def dice(self, seed: int, what: str) -> random.Random:
        """A source of its own for everything a person does, so that no order of events moves another's."""
        return seeded(f"{seed}:{self.number}:{what}")


def months_from(first: date, count: int) -> list[date]:
    """First days of `count` months, that of `first` the first."""
    index = first.year * 12 + first.month - 1
    return [date(i // 12, i % 12 + 1, 1) for i in range(index, index + count)]


def months_of(first: date, last: date) -> list[date]:
    """First days of the months from that of one day to that of another."""
    return months_from(first, (last.year - first.year) * 12 + last.month - first.month + 1)


def members(count: int, *, last: date, seed: int, assumed: Assumptions) -> list[Member]:
    """The population of a life up to `last`, by number."""
    return [_member(number, last, seed, assumed) for number in range(1, count + 1)]


def _member(number: int, last: date, seed: int, a: Assumptions) -> Member:
    dice = seeded(f"{seed}:{number}:traits")
    kind = dice.choices(a.kinds, weights=[kind.share for kind in a.kinds])[0]
    idle = dice.random() < kind.idle
    fails = dice.random() < (a.trait["idle_low_score"] if idle else kind.low_score)
    payments_month, payment_amount, friends, groups = _habits(dice, kind, a)
    fund, wealth, deposits = _held(dice, kind, a)
    fund_months = _housing_fund(dice, kind, a)
    xiaobai, tries_jintiao = _jintiao(dice, kind, a, idle=idle, shops=payments_month > kind.payments_month)
    # Whoever has paid in for a year has a steady job, and lives accordingly.
    steady = fund_months >= YEAR_MONTHS
    return Member(
        number=number,
        openid=f"{PREFIX}{number:06d}",
        kind=kind,
        city=dice.choice(CITIES),
        arrival=_arrival(dice, last, a),
        idle=idle,
        pay_score=dice.randint(*(SCORE_FAILS if fails else SCORE_PASSES)),
        opens=a.trait["idle_opens"] if idle else 4.2 + 6 * math.exp(a.trait["opens_spread"] * dice.gauss(0, 1)),
        payments_month=payments_month,
        payment_amount=payment_amount,
        friends=friends,
        groups=groups,
        fund=fund,
        wealth_products=wealth,
        deposits=deposits,
        card_payment=kind.card_payment if dice.random() < (a.trait["steady_card"] if steady else kind.card) else 0,
        items=_items(dice, kind),
        housing_fund_months=fund_months,
        contradicted=dice.random() < a.trait["contradicted"],
        harmless=dice.random() < a.life["contradicted_harmless"],
        hopper=dice.random() < a.trait["steady_hopper" if steady else "hopper"],
        deny_listed=dice.random() < a.trait["deny_listed"],
        worst_dpd=dice.randint(1, 80) if dice.random() < a.trait["late_elsewhere"] else 0,
        inquiries=dice.choice((0, 0, 1, 1, 2, 3, 4, 6)),
        debts=round(12_000 * math.exp(0.9 * dice.gauss(0, 1))),
        generous=dice.random() < a.trait["generous"],
        wallet_consent=dice.random() < a.trait["wallet_consent"],
        xiaobai=xiaobai,
        tries_jintiao=tries_jintiao,
    )


def _arrival(dice: random.Random, last: date, a: Assumptions) -> date:
    first: date = a.life["first_day"]
    months = months_of(first, last)
    weights = [*a.life["arrival_months"], *([0.0] * len(months))][: len(months)]
    month = dice.choices(months, weights=weights)[0]
    return min(max(month + timedelta(days=dice.randrange(DAYS_OF_MONTH)), first), last)


def _housing_fund(dice: random.Random, kind: Kind, a: Assumptions) -> int:
    """Months in a row paid into the housing fund, 0 for who pays nothing in."""
    pays_in, is_new = dice.random() < kind.housing_fund, dice.random() < a.trait["housing_fund_short"]
    months = dice.randrange(1, YEAR_MONTHS) if is_new else dice.randint(YEAR_MONTHS, 15 * YEAR_MONTHS)
    return months if pays_in else 0


def _habits(dice: random.Random, kind: Kind, a: Assumptions) -> tuple[float, int, int, int]:
    """How often and how much somebody pays, and how many friends and groups: linked by how much they live online."""
    online, linked = dice.gauss(0, 1), a.trait["linked"]

    def around(median: float, spread: float) -> float:
        own = linked * online + math.sqrt(1 - linked * linked) * dice.gauss(0, 1)
        return median * math.exp(spread * own)

    return (
        around(kind.payments_month, a.trait["payments_spread"]),
        max(5, round(around(kind.payment_amount, a.trait["amount_spread"]))),
        round(around(kind.friends, a.trait["friends_spread"])),
        round(around(kind.groups, a.trait["groups_spread"])),
    )


def _held(dice: random.Random, kind: Kind, a: Assumptions) -> tuple[int, int, int]:
    """Current-money fund, wealth products, deposits. Savings stand in one of the first two, seldom in both."""
    total = round(kind.wealth * math.exp(a.trait["wealth_spread"] * dice.gauss(0, 1)))
    if kind.occupation != "student" and dice.random() < a.trait["wealthy"]:
        return 8_000, HALF_A_MILLION + total, total
    fund = min(total // 3, 9_000)
    products = total // 2 if dice.random() < 0.3 else 0
    return fund, products, total - fund - products


def _items(dice: random.Random, kind: Kind) -> tuple[str, ...]:
    count = min(max(kind.items + dice.choice((-2, -1, 0, 0, 1, 2)), 0), len(ITEMS))
    return tuple(item.value for item in ITEMS[:count])


def _jintiao(dice: random.Random, kind: Kind, a: Assumptions, *, idle: bool, shops: bool) -> tuple[int, bool]:
    """The score at 金条, and who applies there as well: who shops, hardly anybody idle or shown a low score."""
    passes = dice.random() < a.life["xiaobai_passes"]
    share = a.life["jintiao_also"].get(kind.occupation, 0.0) * a.life["jintiao_shops" if shops else "jintiao_others"]
    tries = dice.random() < share
    knows = (passes and not idle) or dice.random() < a.life["jintiao_unseen"]
    return dice.randint(*(XIAOBAI_PASSES if passes else XIAOBAI_FAILS)), tries and knows
