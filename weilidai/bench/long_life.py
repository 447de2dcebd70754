"""A loan with thousands of events for the benchmark `long_loan`: a small repayment every day for years.

What each repayment paid comes from the maths; its rows (journal entry, postings, event, repayment, allocations) are
written in bulk as the service writes them one by one, and the loan's columns by the service's own functions.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.models import BankCard, Customer
from loans import ledger
from loans.maths import terms
from loans.maths.allocation import Component
from loans.maths.state import position_of, replay
from loans.models import (
    CostDisclosure,
    Instalment,
    JournalEntry,
    Loan,
    LoanEvent,
    LoanState,
    Posting,
    Repayment,
    RepaymentAllocation,
)
from loans.selectors.position import loan_terms
from loans.services.figures import instalments_write, loan_columns_set, tally_keep
from loans.services.following import COMPONENT_COLUMNS
from loans.services.journal import ledger_accounts_load
from risk.models import CreditApplication, CreditLine, Invitation, InvitationBatch, ProductTerms
from weilidai.lib.ids import uuid7
from weilidai.lib.money import ZERO

PRODUCT = "weilidai"
PRINCIPAL = Decimal("12000.00")
# What a day brings: enough to live through the charges of years overdue, too little to be paid off before the end.
DAILY = {"single": Decimal("7.00"), "instalments": Decimal("5.00")}
PLANS: dict[str, dict[str, Any]] = {
    "single": {"days_count": 365, "with_interest": True, "fee_rate": Decimal(0)},
    "instalments": {"periods_count": 12, "with_interest": False, "fee_rate": Decimal("0.005")},
}


@transaction.atomic
def long_loan_create(plan: str, count: int, as_of: date) -> Loan:
    """An active loan whose `count` repayments end on the eve of `as_of`; the first event is its drawdown."""
    ledger_accounts_load()
    loan = _loan(plan, as_of - timedelta(days=count))
    agreed = loan_terms(loan)
    _instalments_write(loan, agreed)
    events = [
        terms.LoanEvent(agreed.start + timedelta(days=day), terms.EventKind.REPAYMENT, DAILY[plan], key=str(uuid7()))
        for day in range(1, count)
    ]
    _drawdown_write(loan)
    history = replay(agreed, events, as_of)
    _repayments_write(loan, history.applied)
    after = position_of(history.book(events[-1].effective_date))
    if after.is_paid_off:
        raise AssertionError(f"{count} repayments of {DAILY[plan]} paid the loan off")
    instalments_write(loan, after)
    loan_columns_set(loan, after)
    tally_keep(loan, history.tally, count)
    loan.save()
    CreditLine.objects.filter(pk=loan.credit_line_id).update(used_amount=after.outstanding_principal)
    return loan


def _loan(plan: str, start: date) -> Loan:
    customer = Customer.objects.create(openid=f"long-{plan}-{start}", name="long")
    offer = ProductTerms.objects.get(product_id=PRODUCT)
    line = line_create(customer, offer, start, PRINCIPAL)
    card = BankCard.objects.create(
        customer=customer, number="6222020200000000004", number_hash=str(customer.pk), last_four="0004",
        holder="long", phone="13800000000", phone_hash="long", verified_at=_at(start),
    )  # fmt: skip
    form = CostDisclosure.objects.create(
        customer=customer, credit_line=line, form_version="bench", terms_key="", content={}, sha256="",
        shown_at=_at(start), business_date=start,
    )  # fmt: skip
    values: dict[str, Any] = {
        "fee_base": "period_principal", "prepaid_fee_discount": Decimal("0.005"), "purpose": "daily",
        "settlement_fee_rate": Decimal("0.01"), "penalty_method": "principal_share", "penalty_share": Decimal("0.5"),
        "cost_cap_rate": Decimal("0.24"), "requested_at": _at(start), "requested_date": start,
        "disbursed_at": _at(start), "start_date": start, **PLANS[plan],
    }  # fmt: skip
    return Loan.objects.create(
        customer=customer, credit_line=line, product_id=PRODUCT, terms=offer, bank_card=card, disclosure=form,
        state=LoanState.ACTIVE, plan=plan, principal_amount=PRINCIPAL, daily_rate=Decimal("0.0004"), **values,
    )  # fmt: skip


def line_create(customer: Customer, offer: ProductTerms, start: date, limit: Decimal) -> CreditLine:
    """A line with the application it came from."""
    batch = InvitationBatch.objects.create(source="staff", product_id=PRODUCT, reason="bench", created_by="bench")
    invitation = Invitation.objects.create(
        batch=batch, product_id=PRODUCT, openid=customer.openid, reason="bench", issued_date=start, expires_date=start
    )
    application = CreditApplication.objects.create(
        customer=customer, product_id=PRODUCT, terms=offer, invitation=invitation, started_date=start,
        expires_date=start,
    )  # fmt: skip
    return CreditLine.objects.create(
        customer=customer, product_id=PRODUCT, application=application, tier="quality", limit_amount=limit,
        daily_rate=Decimal("0.0004"), penalty_share=Decimal("0.5"), opened_date=start,
    )  # fmt: skip


def _instalments_write(loan: Loan, agreed: terms.LoanTerms) -> None:
    loan.due_date = agreed.last_due_date
    Instalment.objects.bulk_create(
        Instalment(
            loan=loan, number=row.number, start_date=row.start_date, due_date=row.due_date,
            principal_amount=row.principal, interest_amount=row.interest, fee_amount=row.fee,
            customer_id=loan.customer_id,
        )
        for row in agreed.schedule
    )  # fmt: skip


def _drawdown_write(loan: Loan) -> None:
    day = loan.requested_date
    entry = _entry(loan, "disbursement", 1, day)
    entry.save()
    Posting.objects.bulk_create(_postings(entry, ledger.disbursement(PRINCIPAL)))
    LoanEvent.objects.create(
        loan=loan, sequence=1, kind=LoanEvent.Kind.DRAWDOWN, effective_date=day, business_date=day, posted_at=_at(day),
        principal_amount=PRINCIPAL, outstanding_principal_amount=PRINCIPAL, entry=entry,
        customer_id=loan.customer_id,
    )  # fmt: skip


def _repayments_write(loan: Loan, applied: list[terms.AppliedEvent]) -> None:
    numbers = {row.number: row for row in loan.instalments.all()}
    entries, postings, events, repayments, allocations = [], [], [], [], []
    owed = PRINCIPAL
    for sequence, item in enumerate(applied, start=2):
        day, paid = item.event.effective_date, dict.fromkeys(Component, ZERO)
        for line in item.allocations:
            paid[line.component] += line.amount
        owed -= paid[Component.PRINCIPAL]
        parts = {COMPONENT_COLUMNS[component]: amount for component, amount in paid.items()}
        entry = _entry(loan, "repayment", sequence, day)
        entries.append(entry)
        postings += _postings(entry, ledger.repayment(
            **{component.value: amount for component, amount in paid.items()}, settlement_fee=ZERO,
        ))  # fmt: skip
        events.append(LoanEvent(
            pk=item.event.key, loan=loan, sequence=sequence, kind=LoanEvent.Kind.REPAYMENT, effective_date=day,
            business_date=day, posted_at=_at(day), outstanding_principal_amount=owed, entry=entry,
            customer_id=loan.customer_id, **parts,
        ))  # fmt: skip
        repayment = Repayment(
            loan=loan, customer=loan.customer, amount=item.event.amount, effective_date=day, received_at=_at(day),
            entry=entry, **parts,
        )  # fmt: skip
        repayments.append(repayment)
        allocations += [
            RepaymentAllocation(
                repayment=repayment, instalment=numbers[line.number], component=line.component.value,
                amount=line.amount, customer_id=loan.customer_id,
            )
            for line in item.allocations
        ]  # fmt: skip
    JournalEntry.objects.bulk_create(entries)
    Posting.objects.bulk_create(postings)
    LoanEvent.objects.bulk_create(events)
    Repayment.objects.bulk_create(repayments)
    RepaymentAllocation.objects.bulk_create(allocations)


def _entry(loan: Loan, kind: str, sequence: int, day: date) -> JournalEntry:
    reference = f"{kind}:{loan.pk}:{sequence}"
    return JournalEntry(
        kind=kind, reference=reference, effective_date=day, posted_at=_at(day), product_id=PRODUCT,
        customer=loan.customer, loan=loan,
    )  # fmt: skip


def _postings(entry: JournalEntry, lines: list[ledger.Line]) -> list[Posting]:
    return [
        Posting(entry=entry, ledger_account_id=code, side=side, amount=amount, customer_id=entry.customer_id)
        for code, side, amount in lines
    ]


def _at(day: date) -> datetime:
    return datetime.combine(day, time(4), tzinfo=UTC)
