"""Drafts and past decisions for tests of back-tests."""

from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import StaffUser
from risk.models import (
    BacktestRun,
    CreditLine,
    Decision,
    LoanTape,
    PolicyState,
    ProductTerms,
    Scorecard,
    ScreeningPolicy,
)
from risk.services.backtest import backtest_start, run_to_end
from risk.services.screening import screening_current
from tests.risk.builders import AS_OF, assess, behaviour_create, customer_create, verified
from weilidai.lib.ids import uuid7

LATER = date(2026, 12, 1)


def decided(openid: str, **behaviour: Any) -> Decision:
    """A customer's application, decided by the shipped rules."""
    customer = customer_create(openid, id_number=behaviour.pop("id_number", ""))
    behaviour_create(customer, **behaviour)
    return assess(verified(customer))


def copies(decision: Decision, number: int) -> None:
    """The same decision many times over."""
    rows = []
    for _ in range(number):
        row = Decision.objects.get(pk=decision.pk)
        row.pk = uuid7()
        rows.append(row)
    Decision.objects.bulk_create(rows)


def analyst() -> StaffUser:
    return StaffUser.objects.get_or_create(username="ann", defaults={"is_staff": True})[0]


def scorecard_draft(**changes: Any) -> Scorecard:
    live = Scorecard.objects.filter(state=PolicyState.ACTIVE).earliest("version")
    definition = {**deepcopy(live.definition), **changes}
    version = Scorecard.objects.filter(code=live.code).latest("version").version + 1
    return Scorecard.objects.create(
        code=live.code, version=version, valid_from=LATER, definition=definition, drafted_by=analyst()
    )


def terms_draft(tiers: dict[str, Any] | None = None, **changes: Any) -> ProductTerms:
    live = ProductTerms.objects.filter(product="weilidai").latest("version")
    rows = list(live.tiers.all())
    live.pk, live.version, live.state, live.valid_from = uuid7(), live.version + 1, PolicyState.DRAFT, LATER
    live._state.adding, live.drafted_by = True, analyst()
    for name, value in changes.items():
        setattr(live, name, value)
    live.save(force_insert=True)
    for tier in rows:
        tier.pk, tier.terms_id = uuid7(), live.pk
        tier._state.adding = True
        for name, value in (tiers or {}).items():
            setattr(tier, name, value)
        tier.save(force_insert=True)
    return ProductTerms.objects.get(pk=live.pk)


def pipeline_draft(as_of: date = AS_OF, **parameters: dict[str, Any]) -> ScreeningPolicy:
    """The version in force with other parameters: `single_amount={"transfer_amount": "8000.00"}`."""
    live = screening_current(as_of)
    definition = deepcopy(live.definition)
    for row in definition["layers"]:
        row["parameters"] |= parameters.get(row["layer"], {})
    return ScreeningPolicy.objects.create(
        version=live.version + 1, valid_from=LATER, definition=definition, drafted_by=analyst()
    )


def backtest(policy: Any, first: date = AS_OF, last: date = AS_OF, **more: Any) -> BacktestRun:
    """Started and judged to its end."""
    values = {"user": analyst(), "as_of": last, "at": timezone.now(), **more}
    return run_to_end(backtest_start(policy=policy, period_from=first, period_to=last, **values))


def loan_on(line: CreditLine, *, due: date | None, principal: str = "1000.00", start: date = AS_OF) -> LoanTape:
    """A loan as the tape tells of it: owing since its payout, its oldest due date unpaid."""
    return LoanTape.objects.create(
        loan_id=uuid7(), customer_id=line.customer_id, credit_line=line, product_id=line.product_id, state="active",
        business_date=start, plan="single", start_date=start, due_date=due or LATER, unpaid_due_date=due,
        principal_amount=Decimal(principal), outstanding_principal_amount=Decimal(principal),
        daily_rate=Decimal("0.000450"),
    )  # fmt: skip
