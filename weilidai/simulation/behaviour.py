"""What the institutions report of the people, as feeds: the past in one delivery, then month by month."""

import calendar
import io
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from risk.feeds.load import delivery_create, feed_load
from weilidai.demo.assumptions import CATEGORIES, CITIES, DEVICES
from weilidai.lib.business_date import SHANGHAI
from weilidai.simulation.people import Member

Row = dict[str, Any]
PAYMENT_MONTHS, LOGIN_MONTHS = 12, 3
LOGINS_MONTH = 3
HOPPER_DEVICES = 9
# Bureau and registers are asked again each quarter, so that no report grows older than the rules allow.
REPORTED_MONTHS = (1, 4, 7, 10)
SCORE_NAMES = ("wechat_pay", "zhima", "xiaobai")


def month_end(month: date) -> date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def months_back(month: date, number: int) -> date:
    index = month.year * 12 + month.month - 1 - number
    return date(index // 12, index % 12 + 1, 1)


class Behaviour:
    """Rows of feeds; `savings` and `abroad` hold what people decided on the way: fund and products, a trip's city."""

    def __init__(self, people: Iterable[Member], *, seed: int, first_day: date, history_months: int) -> None:
        self.people, self.seed, self.first_day = list(people), seed, first_day
        self.history_months = history_months
        self.savings: dict[int, tuple[date, int, int]] = {}
        self.trips: Mapping[tuple[int, date], str] = {}

    def past_deliver(self, watch: Callable[[], None] = lambda: None) -> None:
        """Who the people are, and what they did before the first day."""
        as_of = self.first_day
        self._deliver("customers", map(self._customer, self.people), as_of)
        self._deliver("scores", (row for one in self.people for row in self._scores(one)), as_of)
        self._reports(as_of)
        for back in range(PAYMENT_MONTHS, 0, -1):
            month = months_back(as_of, back)
            self._payments(month, as_of)
            if back <= self.history_months:
                self._activity(month, as_of)
            if back <= LOGIN_MONTHS:
                self._logins(month, as_of)
            watch()
        self._assets(months_back(as_of, 1), as_of)

    def month_deliver(self, month: date) -> None:
        """A month, on the evening of its last day."""
        as_of = month_end(month)
        self._payments(month, as_of)
        self._activity(month, as_of)
        self._logins(month, as_of)
        self._assets(month, as_of)
        if (as_of + timedelta(days=1)).month in REPORTED_MONTHS:
            self._reports(as_of)

    def _deliver(self, kind: str, rows: Iterable[Row], as_of: date) -> None:
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        delivery = delivery_create(kind=kind, source=f"simulation {as_of}", fingerprint="", as_of=as_of)
        done = feed_load(delivery, io.BytesIO(lines.encode()), summarise=False)
        if done.bad_count:
            raise ValueError(f"{done.bad_count} rows of {kind} were refused on {as_of}")

    def _customer(self, one: Member) -> Row:
        dice = one.dice(self.seed, "customer")
        registered = self.first_day - timedelta(days=dice.randrange(450, 3000))
        return {
            "id": f"customer-{one.number}", "openid": one.openid, "registered_on": str(registered),
            "occupation": one.kind.occupation, "city": one.city,
            "residence_since": str(registered - timedelta(days=dice.randrange(2000))),
        }  # fmt: skip

    def _scores(self, one: Member) -> Iterator[Row]:
        as_of = str(self.first_day - timedelta(days=1))
        for name, score in zip(SCORE_NAMES, (one.pay_score, one.pay_score, one.xiaobai), strict=True):
            yield {"id": f"score-{one.number}-{name}", "openid": one.openid, "name": name, "score": score,
                   "as_of": as_of}  # fmt: skip

    def _reports(self, as_of: date) -> None:
        self._deliver("bureau", (self._bureau(one, as_of) for one in self.people), as_of)
        self._deliver("auxiliary", (row for one in self.people for row in self._auxiliary(one, as_of)), as_of)

    def _bureau(self, one: Member, as_of: date) -> Row:
        return {
            "id": f"bureau-{one.number}-{as_of}", "openid": one.openid, "as_of": str(as_of - timedelta(days=3)),
            "open_accounts": 2, "debts": f"{one.debts}.00", "monthly_due": f"{one.debts // 12}.00",
            "worst_dpd_24m": one.worst_dpd, "inquiries_6m": one.inquiries, "on_deny_list": one.deny_listed,
        }  # fmt: skip

    def _auxiliary(self, one: Member, as_of: date) -> Iterator[Row]:
        """The housing fund grows by a month a month."""
        later = (as_of.year - self.first_day.year) * 12 + as_of.month - self.first_day.month
        readings = [(item, 36 + later) for item in one.items]
        if one.housing_fund_months:
            readings.append(("housing_fund", one.housing_fund_months + later))
        for number, (item, months) in enumerate(readings):
            state = "contradicted" if one.contradicted and number == 0 else "verified"
            yield {
                "id": f"auxiliary-{one.number}-{item}-{as_of}", "openid": one.openid, "item": item, "months": months,
                "state": state, "source": "register", "as_of": str(as_of - timedelta(days=2)),
            }  # fmt: skip

    def _activity(self, month: date, as_of: date) -> None:
        days_end = month_end(month)

        def rows() -> Iterator[Row]:
            days = [str(month + timedelta(days=n)) for n in range(days_end.day)]
            for one in self.people:
                dice = one.dice(self.seed, f"activity-{month}")
                # Of who has applied only friends and groups are still asked for: a day a month is enough.
                for day in days if one.arrival > days_end else days[-1:]:
                    opens = round(max(one.opens * dice.uniform(0.6, 1.4), 0))
                    yield {
                        "id": f"activity-{one.number}-{day}", "openid": one.openid, "date": day, "opens": opens,
                        "minutes": opens * 5, "friends": one.friends, "active_groups": one.groups,
                    }  # fmt: skip

        self._deliver("activity", rows(), as_of)

    def _payments(self, month: date, as_of: date) -> None:
        self._deliver("payments", (row for one in self.people for row in self._paid(one, month)), as_of)

    def _paid(self, one: Member, month: date) -> Iterator[Row]:
        dice = one.dice(self.seed, f"payments-{month}")
        count = int(one.payments_month) + (dice.random() < one.payments_month % 1)
        fen = [("payment", one.payment_amount * dice.randint(60, 140)) for _ in range(count)]
        if one.card_payment:
            fen.append(("card_repayment", one.card_payment * dice.randint(80, 120)))
        sent, received = (8800, 2000) if one.generous else (3000, 3000)
        fen += [("red_packet_sent", sent), ("red_packet_received", received)]
        for number, (kind, amount) in enumerate(fen):
            yield {
                "id": f"payment-{one.number}-{month}-{number}", "openid": one.openid, "kind": kind,
                "at": _moment(dice, month), "amount": f"{amount // 100}.{amount % 100:02}",
                "category": dice.choice(CATEGORIES), "counterparty": f"m{dice.randrange(1, 5000)}",
                "channel": dice.choice(("balance", "card")),
            }  # fmt: skip

    def _logins(self, month: date, as_of: date) -> None:
        self._deliver("logins", (row for one in self.people for row in self._logged(one, month)), as_of)

    def _logged(self, one: Member, month: date) -> Iterator[Row]:
        dice = one.dice(self.seed, f"logins-{month}")
        own = [(_moment(dice, month), one.city) for _ in range(LOGINS_MONTH * (1 + one.hopper))]
        away = self.trips.get((one.number, month))
        if away is not None:
            own.append((datetime.combine(month_end(month), time(9), SHANGHAI).isoformat(), away))
        for number, (at, city) in enumerate(own):
            device = dice.randrange(HOPPER_DEVICES) if one.hopper else 0
            yield {
                "id": f"login-{one.number}-{month}-{number}", "openid": one.openid, "at": at,
                "device": f"{one.openid}-d{device}", "device_model": DEVICES[one.number % len(DEVICES)],
                "ip": f"10.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}", "city": city,
            }  # fmt: skip

    def _assets(self, month: date, as_of: date) -> None:
        self._deliver("assets", (self._held(one, month) for one in self.people), as_of)

    def _held(self, one: Member, month: date) -> Row:
        fund, products = one.fund, one.wealth_products
        since, more_fund, more_products = self.savings.get(one.number, (date.max, 0, 0))
        if month >= since:
            fund, products = fund + more_fund, products + more_products
        wallet = one.dice(self.seed, "wallet").randrange(0, 1500)
        return {
            "id": f"assets-{one.number}-{month}", "openid": one.openid, "month": f"{month:%Y-%m}",
            "current_fund_mean": f"{fund}.00", "wealth_products": f"{products}.00", "deposits": f"{one.deposits}.00",
            "ecny_wallet": f"{wallet}.00", "card_limit": "0.00", "card_balance": "0.00",
        }  # fmt: skip


def _moment(dice: random.Random, month: date) -> str:
    day = month + timedelta(days=dice.randrange(28))
    return datetime.combine(day, time(dice.randrange(7, 23), dice.randrange(60)), SHANGHAI).isoformat()


def other_city(one: Member, dice: random.Random) -> str:
    """Somewhere the person never was."""
    return dice.choice([city for city in CITIES if city != one.city])
