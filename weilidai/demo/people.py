"""Made-up people: a name, a valid identity number, a card and a phone, the same for the same openid every time."""

import hashlib
import random
from dataclasses import dataclass
from datetime import date, timedelta

from stdnum import luhn
from stdnum.cn import ric

from weilidai.demo.assumptions import GIVEN, SURNAMES
from weilidai.lib.chance import seeded

AREAS = ("110101", "310101", "440305", "330106", "510104", "420106", "610103", "430102", "320102", "370202")
# The sandbox bank reads its instructions from these last two digits; the demo's cards never end so.
RESERVED_ENDINGS = ("41", "42", "43", "44", "45", "46")


@dataclass(frozen=True)
class Person:
    name: str
    id_number: str
    card_number: str
    phone: str


def _random_for(openid: str) -> random.Random:
    return seeded(hashlib.sha256(f"person:{openid}".encode()).digest())


def person(openid: str, *, card_ending: str | None = None) -> Person:
    """The person behind an openid; `card_ending` asks for a card with these last two digits."""
    rnd = _random_for(openid)
    born = date(1965, 1, 1) + timedelta(days=rnd.randrange(40 * 365))
    body = f"{rnd.choice(AREAS)}{born:%Y%m%d}{rnd.randrange(1, 999):03d}"
    name = rnd.choice(SURNAMES) + rnd.choice(GIVEN)
    phone = f"13{rnd.randrange(10**9):09d}"
    return Person(name, body + ric.calc_check_digit(f"{body}0"), _card(rnd, card_ending), phone)


def _card(rnd: random.Random, ending: str | None) -> str:
    while True:
        body = f"622202{rnd.randrange(10**12):012d}"
        number = body + luhn.calc_check_digit(body)
        if number.endswith(ending) if ending else not number.endswith(RESERVED_ENDINGS):
            return number


def mood_of(openid: str) -> float:
    """How somebody repays, from 0 to 1; `assumptions` say what share of them pays on time, late, never."""
    return seeded(openid).random()
