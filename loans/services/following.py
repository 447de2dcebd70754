"""What each repayment paid, written anew after a loan's past was rewritten: in sets, however many repayments it has."""

from collections import defaultdict
from decimal import Decimal
from uuid import UUID

from loans.maths.allocation import Component
from loans.maths.history import LoanHistory
from loans.maths.terms import AppliedEvent
from loans.models import Loan, Repayment, RepaymentAllocation
from weilidai.lib.bulk import rows_insert, rows_update
from weilidai.lib.ids import uuid7
from weilidai.lib.money import ZERO

COMPONENT_COLUMNS = {component: f"{component.value}_amount" for component in Component}
FIGURES = (*COMPONENT_COLUMNS.values(), "unapplied_amount")
ALLOCATION_COLUMNS = ("id", "repayment_id", "instalment_id", "component", "amount", "customer_id")
# Number of the instalment (0: the settlement fee, which is none's), component, amount.
Line = tuple[int, str, Decimal]


def repayments_follow(loan: Loan, history: LoanHistory) -> None:
    """Each repayment that counts shows what it pays in this history; rows that stay the same are not touched.

    The caller holds the lock of the loan.
    """
    applied = {item.event.key: item for item in history.applied}
    keys = dict(loan.events.filter(entry__isnull=False).values_list("entry_id", "pk"))
    instalments = _instalments(loan)
    lines = _lines_stored(loan, {pk: number for number, pk in instalments.items()})
    kept = Repayment.objects.select_for_update(no_key=True).filter(loan=loan, reversed_date__isnull=True)
    changed = []
    for pk, entry_id, *figures in kept.values_list("pk", "entry_id", *FIGURES):
        item = applied.get(str(keys[entry_id]))
        if item is not None and (tuple(figures) != figures_of(item) or sorted(lines[pk]) != sorted(lines_of(item))):
            changed.append((pk, item))
    RepaymentAllocation.objects.filter(repayment__in=[pk for pk, _ in changed]).delete()
    _write(loan, changed, instalments)


def repayment_follow(repayment: Repayment, item: AppliedEvent) -> None:
    """The parts and allocations of a repayment that has none yet."""
    for name, value in zip(FIGURES, figures_of(item), strict=True):
        setattr(repayment, name, value)
    _write(repayment.loan, [(repayment.pk, item)], _instalments(repayment.loan))


def _instalments(loan: Loan) -> dict[int, UUID]:
    return dict(loan.instalments.values_list("number", "pk"))


def _lines_stored(loan: Loan, numbers: dict[UUID, int]) -> dict[UUID, list[Line]]:
    lines: dict[UUID, list[Line]] = defaultdict(list)
    rows = RepaymentAllocation.objects.filter(repayment__loan=loan).order_by()
    for pk, instalment, component, amount in rows.values_list("repayment", "instalment", "component", "amount"):
        lines[pk].append((numbers.get(instalment, 0), component, amount))
    return lines


def _write(loan: Loan, pairs: list[tuple[UUID, AppliedEvent]], instalments: dict[int, UUID]) -> None:
    rows_update(
        [Repayment(pk=pk, **dict(zip(FIGURES, figures_of(item), strict=True))) for pk, item in pairs],
        FIGURES,
    )
    rows_insert(
        RepaymentAllocation,
        ALLOCATION_COLUMNS,
        [
            (uuid7(), pk, instalments.get(number), component, amount, loan.customer_id)
            for pk, item in pairs
            for number, component, amount in lines_of(item)
        ],
    )


def figures_of(item: AppliedEvent) -> tuple[Decimal, ...]:
    """As in `FIGURES`; a settlement fee is a fee."""
    parts = dict.fromkeys(Component, ZERO)
    for line in item.allocations:
        parts[line.component] += line.amount
    parts[Component.FEE] += item.settlement_fee
    return (*(parts[component] for component in COMPONENT_COLUMNS), item.remainder)


def lines_of(item: AppliedEvent) -> list[Line]:
    lines = [(line.number, line.component.value, line.amount) for line in item.allocations]
    if item.settlement_fee:
        lines.append((0, Component.FEE.value, item.settlement_fee))
    return lines
