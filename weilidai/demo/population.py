"""Writes the ten feeds of a made-up population: the same seed and date give the same bytes."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from weilidai.demo import assumptions as a
from weilidai.demo.edges import edge_rows
from weilidai.lib.business_date import SHANGHAI
from weilidai.lib.chance import seeded

Row = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """One person of the population with the traits everything else is drawn from."""

    number: int
    openid: str
    kind: a.Kind
    city: str
    wealthy: bool
    steady: bool
    edge: a.Edge | None = None


def members(count: int, seed: int) -> list[Member]:
    rnd = seeded(seed)
    kinds = rnd.choices(a.KINDS, weights=[kind.weight for kind in a.KINDS], k=count)
    return [
        Member(
            number=number,
            openid=f"demo-{number:05d}",
            kind=kind,
            city=rnd.choice(a.CITIES),
            wealthy=kind.occupation != "student" and rnd.random() < a.WEALTHY_SHARE,
            steady=rnd.random() < 0.86,
        )
        for number, kind in enumerate(kinds, start=1)
    ]


def edge_members(first_number: int) -> list[Member]:
    """The people on the edges, numbered after all others so that nobody's rows change when one is added."""
    kinds = {kind.occupation: kind for kind in a.KINDS}
    return [
        Member(number, f"edge-{edge.name}", kinds[edge.occupation], a.CITIES[0], wealthy=False, steady=True, edge=edge)
        for number, edge in enumerate(a.EDGES, start=first_number)
    ]


def _yuan(rnd: random.Random, low: int, high: int) -> str:
    """A random amount in whole fen, as text."""
    return str((Decimal(rnd.randrange(low * 100, high * 100 + 1)) / 100).quantize(Decimal("0.01")))


def _moment(rnd: random.Random, day: date) -> str:
    at = datetime.combine(day, time(rnd.randrange(7, 23), rnd.randrange(60), rnd.randrange(60)), SHANGHAI)
    return at.isoformat()


def _days(through: date) -> list[date]:
    first = through - timedelta(days=31 * a.HISTORY_MONTHS)
    return [first + timedelta(days=number) for number in range((through - first).days)]


def _months(through: date) -> list[str]:
    return sorted({f"{day:%Y-%m}" for day in _days(through)})


class Population:
    """Rows kind by kind; each member has a random source of its own per kind, so order does not matter."""

    def __init__(self, *, customers: int, through: date, seed: int) -> None:
        self.people = members(customers, seed)
        self.edges = edge_members(customers + 1)
        self.through = through
        self.seed = seed
        # What others report stands before the first day that is lived through.
        self.known_by = through - timedelta(days=a.LIVED_DAYS + 2)

    def _rnd(self, member: Member, kind: str) -> random.Random:
        return seeded(f"{self.seed}:{kind}:{member.number}")

    def rows(self, kind: str) -> Iterator[Row]:
        """All rows of one feed, each with its id."""
        make = getattr(self, f"_{kind}")
        for member in (*self.people, *self.edges):
            made = make(member, self._rnd(member, kind))
            if member.edge is not None:
                made = edge_rows(member.edge, kind, made, self.through)
            for number, row in enumerate(made):
                yield {"id": f"{kind}-{self.seed}-{member.number}-{number}", "openid": member.openid, **row}

    def _customers(self, member: Member, rnd: random.Random) -> Iterator[Row]:
        registered = self.through - timedelta(days=rnd.randrange(420, 3000))
        yield {
            "registered_on": str(registered),
            "occupation": member.kind.occupation,
            "city": member.city,
            "residence_since": str(registered - timedelta(days=rnd.randrange(2000))),
        }

    def _scores(self, member: Member, rnd: random.Random) -> Iterator[Row]:
        as_of = str(self.known_by)
        pay = rnd.randrange(member.kind.score_low, member.kind.score_high + 1)
        yield {"name": "wechat_pay", "score": pay, "as_of": as_of}
        yield {"name": "zhima", "score": pay + rnd.randrange(-20, 40), "as_of": as_of}
        yield {"name": "xiaobai", "score": min(100, 60 + (pay - 550) // 5), "as_of": as_of}

    def _activity(self, member: Member, rnd: random.Random) -> Iterator[Row]:
        friends = rnd.randrange(60, 400)
        mean = member.kind.opens_mean if member.steady else 3
        for day in _days(self.through):
            opens = max(0, round(rnd.gauss(mean, 2)))
            yield {
                "date": str(day),
                "opens": opens,
                "minutes": opens * rnd.randrange(4, 9),
                "friends": friends,
                "active_groups": rnd.randrange(0, 14),
            }

    def _payments(self, member: Member, rnd: random.Random) -> Iterator[Row]:
        generous = rnd.random() < 0.4
        for day in _days(self.through):
            if day.day == 10:
                yield self._payment(
                    rnd, day, "salary", member.kind.monthly_income * 9 // 10, member.kind.monthly_income
                )
            if day.day == 15:
                yield self._payment(rnd, day, "utility", 60, 320)
            if day.day == 20 and member.steady:
                yield self._payment(rnd, day, "card_repayment", 300, 2500)
            if rnd.random() < 0.35:
                yield self._payment(rnd, day, "payment", 8, max(30, member.kind.monthly_income // 14))
            if rnd.random() < 0.04:
                yield self._payment(rnd, day, "red_packet_sent", 20 if generous else 5, 200 if generous else 60)
            if rnd.random() < 0.04:
                yield self._payment(rnd, day, "red_packet_received", 5, 80)

    def _payment(self, rnd: random.Random, day: date, kind: str, low: int, high: int) -> Row:
        return {
            "at": _moment(rnd, day),
            "kind": kind,
            "amount": _yuan(rnd, low, high),
            "category": rnd.choice(a.CATEGORIES),
            "counterparty": f"m{rnd.randrange(1, 5000)}",
            "channel": rnd.choice(("balance", "balance", "card", "ecny")),
        }

    def _assets(self, member: Member, rnd: random.Random) -> Iterator[Row]:
        wealth = member.kind.wealth * (a.WEALTHY_FACTOR if member.wealthy else 1)
        card_limit = rnd.choice((0, 5000, 10000, 20000, 50000))
        for month in _months(self.through):
            yield {
                "month": month,
                "current_fund_mean": _yuan(rnd, wealth // 8, wealth // 4),
                "wealth_products": _yuan(rnd, wealth // 3, wealth),
                "deposits": _yuan(rnd, wealth // 10, wealth // 3),
                "ecny_wallet": _yuan(rnd, 0, 200),
                "card_limit": f"{card_limit}.00",
                "card_balance": _yuan(rnd, 0, card_limit // 2),
            }

    def _friends(self, member: Member, rnd: random.Random) -> Iterator[Row]:
        # Places among all others: one's own place is stepped over, and no list of everybody is made per person.
        own = member.number - 1
        others = len(self.people) - (own < len(self.people))
        for place in rnd.sample(range(others), k=min(4, others)):
            friend = self.people[place + (place >= own)].openid
            yield {"friend": friend, "since": str(self.through - timedelta(days=rnd.randrange(20, 1500)))}

    def _logins(self, member: Member, rnd: random.Random) -> Iterator[Row]:
        devices = 1 if rnd.random() < 0.8 else rnd.randrange(2, 9)
        for back in sorted(rnd.sample(range(1, 90), k=12), reverse=True):
            yield {
                "at": _moment(rnd, self.through - timedelta(days=back)),
                "device": f"{member.openid}-d{rnd.randrange(devices)}",
                "device_model": rnd.choice(a.DEVICES),
                "ip": f"10.{rnd.randrange(256)}.{rnd.randrange(256)}.{rnd.randrange(1, 255)}",
                "city": member.city,
            }

    def _bureau(self, member: Member, rnd: random.Random) -> Iterator[Row]:
        yield {
            "as_of": str(self.known_by - timedelta(days=15)),
            "open_accounts": rnd.randrange(0, 6),
            "debts": _yuan(rnd, 0, member.kind.monthly_income * 3),
            "monthly_due": _yuan(rnd, 0, member.kind.monthly_income // 4),
            "worst_dpd_24m": 0 if rnd.random() < 0.85 else rnd.randrange(1, 75),
            "inquiries_6m": rnd.randrange(0, 6),
            "on_deny_list": rnd.random() < a.DENY_LISTED_SHARE,
        }

    def _auxiliary(self, member: Member, rnd: random.Random) -> Iterator[Row]:
        items = ["social_insurance", "employment", "utility_payments", "mobile_tenure", "address_stability"]
        if rnd.random() < a.HOUSING_FUND_SHARE:
            items.append("housing_fund")
        for item in items:
            contradicted = item == "employment" and rnd.random() < a.CONTRADICTED_SHARE
            yield {
                "item": item,
                "months": rnd.randrange(1, 96),
                "state": "contradicted" if contradicted else "verified",
                "source": "register",
                "as_of": str(self.known_by - timedelta(days=rnd.randrange(1, 20))),
            }

    def _green(self, member: Member, rnd: random.Random) -> Iterator[Row]:
        for _ in range(rnd.randrange(0, 12)):
            day = self.through - timedelta(days=rnd.randrange(1, 90))
            act = rnd.choice(("transit", "cycling", "walking", "recycling", "e_bill", "reforestation"))
            yield {"at": _moment(rnd, day), "act": act, "quantity": str(rnd.randrange(1, 9))}


FEEDS = ("customers", "scores", "activity", "payments", "assets", "friends", "logins", "bureau", "auxiliary", "green")


def write_population(
    directory: Path, *, customers: int, through: date, seed: int, progress: Callable[[str, int], None] | None = None
) -> dict[str, int]:
    """Writes the feeds of `customers` people and those of `EDGES` as NDJSON, row by row.

    `progress` is told each kind and its rows once its file is written. Returns the number of rows per kind.
    """
    directory.mkdir(parents=True, exist_ok=True)
    population = Population(customers=customers, through=through, seed=seed)
    counts: dict[str, int] = {}
    for kind in FEEDS:
        counts[kind] = _write(directory / f"{kind}.ndjson", population.rows(kind))
        if progress is not None:
            progress(kind, counts[kind])
    return counts


def _write(path: Path, rows: Iterator[Row]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count
