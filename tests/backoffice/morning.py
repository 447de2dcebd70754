"""What analyst and collector find in the morning, and what happens after. Runs inside the stack's own processes."""

import sys
from datetime import time, timedelta
from decimal import Decimal

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from accounts.models import ContactRule, Device, StaffUser
from accounts.roles import roles_sync
from loans.end_of_day.collection import collections_run
from loans.models import Loan, Payout
from loans.selectors.quote import Request
from loans.services.disbursement import payout_confirm
from loans.services.journal import ledger_accounts_load
from loans.services.loan import loan_request
from loans.services.voucher import Spending, voucher_submit
from risk.models import Alert, BureauReport, CreditLine, FreezeReason, Screening
from risk.services.credit_line import credit_line_freeze
from tests.risk.builders import (
    AS_OF,
    AT,
    LAYERS,
    appeal_create,
    approved_line,
    assess,
    behaviour_create,
    customer_create,
    payment_create,
    setup_policies,
    verified,
)
from tests.support.pictures import photo
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import business_date_set

PASSWORD = "correct horse battery staple"


def staff(name: str, role: str) -> None:
    user = StaffUser.objects.create_user(name, password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name=role))


def drawer(openid: str, transfer: str) -> CreditLine:
    """Somebody with a line and a verified phone who has sent money to somebody else."""
    line = approved_line(openid)
    Device.objects.create(
        customer=line.customer, fingerprint=f"{openid}-phone", first_seen_at=AT, last_seen_at=AT, verified_at=AT
    )
    payment_create(line.customer, "sent", "transfer_out", transfer, AS_OF)
    return line


def draw(line: CreditLine) -> None:
    """A loan of 500 yuan, at this moment of the business date."""
    loan_request(
        customer=line.customer, credit_line_id=line.pk, request=Request(Decimal("500.00"), "single", None, None),
        bank_card_id=line.customer.bank_cards.get().pk, purpose="daily", device=line.customer.devices.get(),
        as_of=AS_OF, at=timezone.now(), actor=Actor.of(line.customer),
    )  # fmt: skip


def seed() -> None:
    """Four large transfers and their alerts, an application that waits for a person, an appeal."""
    setup_policies()
    roles_sync()
    # First, and while nothing else waits for a worker: nobody pays a loan of today out on a date of forty days ago.
    late_people()
    staff("ann", "risk_analyst")
    staff("sue", "supervisor")
    for openid, amount in (("alice", "6000.00"), ("bob", "7999.00"), ("carl", "8000.01"), ("dora", "9500.00")):
        draw(drawer(openid, amount))
    erin = customer_create("erin", name="张三")
    behaviour_create(erin)
    BureauReport.objects.filter(customer=erin).update(debts_amount="500000.01")
    assess(verified(erin))
    line = approved_line("fred")
    credit_line_freeze(line_id=line.pk, reason=FreezeReason.UNUSUAL_PLACE, actor=LAYERS, as_of=AS_OF, at=AT)
    appeal_create(CreditLine.objects.get(pk=line.pk))
    staff("cole", "collector")
    staff("cora", "collector")


def late_people() -> None:
    """Two loans of five days, forty days ago, and the tasks the strategies ask for; one of them with a voucher."""
    ledger_accounts_load()
    # No quiet hours: the morning is played at any hour.
    ContactRule.objects.update(quiet_from=time(0), quiet_to=time(0))
    before = AS_OF - timedelta(days=40)
    business_date_set(before, at=AT)
    for openid, amount in (("ivan", "500.00"), ("jane", "400.00")):
        line = approved_line(openid)
        device = Device.objects.create(
            customer=line.customer, fingerprint=f"{openid}-phone", first_seen_at=AT, last_seen_at=AT, verified_at=AT
        )
        # In one transaction: no worker ever finds the order waiting.
        with transaction.atomic():
            loan = loan_request(
                customer=line.customer, credit_line_id=line.pk, request=Request(Decimal(amount), "single", 5, None),
                bank_card_id=line.customer.bank_cards.get().pk, purpose="education", device=device, as_of=before,
                at=AT - timedelta(days=40), actor=Actor.of(line.customer),
            )  # fmt: skip
            payout_confirm(
                reference=payout_taken(loan), bank_reference="bank", at=AT, as_of=before, actor=Actor.system("bank")
            )
    business_date_set(AS_OF, at=AT)
    voucher_submit(
        loan_id=loan.pk, customer=line.customer, image=photo(7), actor=Actor.of(line.customer), as_of=AS_OF, at=AT,
        spending=Spending("invoice", Decimal("400.00"), "新东方学校", AS_OF, "autumn course"),
    )  # fmt: skip
    collections_run(AS_OF - timedelta(days=1), at=AT)


def payout_taken(loan: Loan) -> str:
    """The order of a loan as if it had been handed over to the bank."""
    Payout.objects.filter(loan=loan).update(attempt_count=1)
    return Payout.objects.get(loan=loan).reference


def afterwards() -> None:
    """Two more loans once the threshold is another: what the layers said and how many alerts were raised."""
    for openid, amount in (("gina", "6000.00"), ("hugo", "8000.01")):
        before = Alert.objects.count()
        draw(drawer(openid, amount))
        screening = Screening.objects.filter(event="loan", customer__openid=openid).latest("pk")
        told = (openid, f"v{screening.policy.version}", screening.verdict, str(Alert.objects.count() - before))
        sys.stdout.write(" ".join(told) + "\n")
