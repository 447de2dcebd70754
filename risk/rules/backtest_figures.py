"""What a back-test counts, as flat sums: parts of any run add up to the same figures in any order. Pure.

Keys: `judged`, `unjudged:<cause>:<detail>`, `changed`, `part:<part>`, `outcome:<old>><new>`, `acts:<old>><new>`,
`limit:<step>` and `rate:<step>` (see `step_of`), `limit_sum:old|new` (fen), `group:<dimension>:<value>:<measure>`,
`loans:<group>:<measure>` (amounts in fen), `hits:<layer>:old|new`, `alerts:old|new`, `transfers:old|new` (feeds).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from risk.rules.backtest import BETTER, WORSE, Judged, direction
from risk.rules.decision import APPROVED, REFERRED, REJECTED
from risk.rules.screening.spec import ALERT, CHALLENGE, PASS

Figures = Counter[str]
# Upper ends of the steps of a change, in yuan and in millionths a day.
LIMIT_ENDS = (500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
RATE_ENDS = (5, 10, 20, 50, 100, 200)
MILLION = 1_000_000
OVERDUE_DAYS, NPL_DAYS = 30, 90
# What becomes of loans that were made: kept as they were, on a smaller limit, first a person, never made.
KEPT, LESS, ASKED, REFUSED = "kept", "less", "asked", "refused"
# The last two: all loans of lines whose application the drafted layers stop.
LOAN_GROUPS = (REFUSED, ASKED, LESS, KEPT, "line_refused", "line_asked")
LET_THROUGH = (APPROVED, PASS, ALERT)


@dataclass(frozen=True)
class LoanSeen:
    """One loan as the tape tells of it: amounts in yuan, days past due at worst and now."""

    principal: Decimal
    outstanding: Decimal
    worst_days: int
    days_now: int
    is_written_off: bool = False


def step_of(change: Decimal, ends: tuple[int, ...]) -> int:
    """0 for no change, else the number of the step the change lies in, negative downwards; an end belongs to its
    step, the last step is open."""
    if change == 0:
        return 0
    size = abs(change)
    number = next((n for n, end in enumerate(ends, start=1) if size <= end), len(ends) + 1)
    return number if change > 0 else -number


def fen(amount: Decimal) -> int:
    return int(amount * 100)


def row_figures(old: Judged, new: Judged, parts: Iterable[str], groups: Mapping[str, str]) -> Figures:
    """What one judged decision adds."""
    found: Figures = Counter({"judged": 1, f"outcome:{old.outcome}>{new.outcome}": 1})
    changed = list(parts)
    if changed:
        found["changed"] += 1
        found.update(f"part:{part}" for part in changed)
    if old.acts != new.acts:
        found[f"acts:{old.acts}>{new.acts}"] += 1
    found += _offer_figures(old, new)
    way = direction(old, new)
    for dimension, value in groups.items():
        name = f"group:{dimension}:{value}"
        found[f"{name}:judged"] += 1
        found[f"{name}:old"] += old.outcome in LET_THROUGH
        found[f"{name}:new"] += new.outcome in LET_THROUGH
        found[f"{name}:better"] += bool(changed) and way == BETTER
        found[f"{name}:worse"] += bool(changed) and way == WORSE
    return +found


def _offer_figures(old: Judged, new: Judged) -> Figures:
    found: Figures = Counter()
    found["limit_sum:old"] += fen(old.limit) if old.limit is not None else 0
    found["limit_sum:new"] += fen(new.limit) if new.limit is not None else 0
    if old.limit is not None and new.limit is not None:
        found[f"limit:{step_of(new.limit - old.limit, LIMIT_ENDS)}"] += 1
    if old.daily_rate is not None and new.daily_rate is not None:
        found[f"rate:{step_of((new.daily_rate - old.daily_rate) * MILLION, RATE_ENDS)}"] += 1
    return found


def loan_group(old: Judged, new: Judged) -> str:
    """What the draft makes of the loans that followed a decision or were let through by the layers."""
    if new.outcome in (REFERRED, CHALLENGE):
        # Somebody who went to a person then goes to a person again.
        return KEPT if old.outcome == new.outcome else ASKED
    if new.outcome == REJECTED or new.outcome not in LET_THROUGH:
        return KEPT if old.outcome == new.outcome else REFUSED
    return LESS if old.limit is not None and new.limit is not None and new.limit < old.limit else KEPT


def loan_figures(group: str, loans: Iterable[LoanSeen]) -> Figures:
    """Number and principal of the loans, how many were ever more than 30 and 90 days overdue, what is bad now."""
    found: Figures = Counter()
    name = f"loans:{group}"
    for loan in loans:
        found[f"{name}:count"] += 1
        found[f"{name}:principal"] += fen(loan.principal)
        found[f"{name}:outstanding"] += fen(loan.outstanding)
        found[f"{name}:over30"] += loan.worst_days > OVERDUE_DAYS
        found[f"{name}:over90"] += loan.worst_days > NPL_DAYS
        bad = loan.days_now > NPL_DAYS or loan.is_written_off
        found[f"{name}:npl"] += fen(loan.outstanding) if bad else 0
    return found
