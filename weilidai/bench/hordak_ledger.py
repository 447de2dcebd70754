"""django-hordak posting the entry it is told on standard input; transactions a second on standard output.

A process of its own, because its apps are none of the platform's: `python -m weilidai.bench.hordak_ledger`.
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

import django
from django.core.management import call_command
from django.db import transaction

from weilidai.bench.measure import rate

DESCRIPTION = "bench:{}"


def main() -> None:
    """Told: `accounts` (code → kind), `lines` (code, side, amount in yuan), `date`, `seconds`."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "weilidai.bench.hordak_settings"
    django.setup()
    told = json.load(sys.stdin)
    call_command("migrate", verbosity=0)
    accounts = _accounts(told["accounts"])
    rates = {
        name: rate(work, told["seconds"])
        for name, work in _ways(accounts, told["lines"], date.fromisoformat(told["date"])).items()
    }
    _check(len(told["lines"]))
    json.dump(rates, sys.stdout)


def _accounts(kinds: dict[str, str]) -> dict[str, Any]:
    from hordak.models import Account, AccountType

    return {
        code: Account.objects.create(name=code, code=code, type=getattr(AccountType, kind), currencies=["CNY"])
        for code, kind in kinds.items()
    }


def _ways(accounts: dict[str, Any], lines: list[list[str]], day: date) -> dict[str, Callable[[], None]]:
    """A transaction with its legs one by one, as hordak's documentation has it, and with all legs in one statement."""
    from hordak.models import Leg, Transaction
    from moneyed import Money

    def legs(entry: Any) -> list[Any]:
        return [
            Leg(transaction=entry, account=accounts[code], **{side: Money(amount, "CNY")})
            for code, side, amount in lines
        ]

    @transaction.atomic
    def documented() -> None:
        entry = Transaction.objects.create(date=day, description=DESCRIPTION)
        for leg in legs(entry):
            leg.save()

    @transaction.atomic
    def bulk() -> None:
        entry = Transaction.objects.create(date=day, description=DESCRIPTION)
        Leg.objects.bulk_create(legs(entry))

    return {"documented": documented, "bulk": bulk}


def _check(legs: int) -> None:
    """Every transaction has all its legs."""
    from hordak.models import Leg, Transaction

    entries, written = Transaction.objects.count(), Leg.objects.count()
    if not entries or written != entries * legs:
        raise AssertionError(f"{entries} transactions of {legs} legs, {written} legs")


if __name__ == "__main__":
    main()
