"""Rules about a person's papers, pure: numbers, names, ages, passwords."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import phonenumbers
from django.utils.translation import gettext_lazy as _
from stdnum import luhn
from stdnum.cn import ric
from stdnum.exceptions import ValidationError as NumberError

NAME = re.compile(r"^[\w·.\- ]{2,60}$")
ID_NUMBER = re.compile(r"^[1-9][0-9]{16}[0-9X]$")
AGE_MIN = 18


@dataclass(frozen=True)
class PaymentPasswordPolicy:
    """How often a payment password may be wrong, and for how long it is locked then."""

    failures_max: int = 5
    lock: timedelta = timedelta(hours=24)


@dataclass(frozen=True)
class BiometricPolicy:
    """R11, R12: the error rate a pass needs, the failures that still allow another try, the lock after one more."""

    error_rate_below: Any
    failures_allowed: int = 3
    lock: timedelta = timedelta(hours=24)


Fault = dict[str, Any]


def fault(field: str, code: str, detail: Any) -> Fault:
    return {"field": field, "code": code, "detail": detail}


def name_faults(name: str) -> list[Fault]:
    return [] if NAME.match(name) else [fault("name", "invalid", _("Not a valid name"))]


def id_number_faults(number: str, as_of: date) -> list[Fault]:
    """Check digit, birth date and age (R3).

    The area code is left to the institution: codes come and go with every reform of districts.
    """
    invalid = [fault("id_number", "invalid", _("Not a valid identity number"))]
    if not ID_NUMBER.match(number) or ric.calc_check_digit(number) != number[-1]:
        return invalid
    try:
        born = ric.get_birth_date(number)
    except NumberError:
        return invalid
    age = as_of.year - born.year - ((as_of.month, as_of.day) < (born.month, born.day))
    if born > as_of or age < AGE_MIN:
        return [fault("id_number", "under_age", _("Only for people of 18 years and more"))]
    return []


def birth_date_of(number: str) -> date:
    born: date = ric.get_birth_date(number)
    return born


def card_number_faults(number: str) -> list[Fault]:
    if 12 <= len(number) <= 19 and number.isdecimal() and number.isascii() and luhn.is_valid(number):
        return []
    return [fault("number", "invalid", _("Not a valid card number"))]


def phone_of(raw: str) -> str | None:
    """A mobile number in China as eleven digits, or None."""
    try:
        parsed = phonenumbers.parse(raw, "CN")
    except phonenumbers.NumberParseException:
        return None
    national = str(parsed.national_number)
    good = parsed.country_code == 86 and len(national) == 11 and national.startswith("1")
    return national if good and phonenumbers.is_possible_number(parsed) else None


def payment_password_faults(password: str, field: str = "new") -> list[Fault]:
    if len(password) == 6 and password.isdecimal() and password.isascii():
        return []
    return [fault(field, "invalid", _("A payment password has six digits"))]
