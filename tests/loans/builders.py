"""Alice, bob and charlie with a line to draw on; every figure stands here."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from rest_framework.test import APIClient

from accounts.models import BankCard, Customer, CustomerToken, Device
from loans.models import Loan, Payout
from loans.selectors.quote import Request
from loans.services.journal import ledger_accounts_load
from loans.services.loan import loan_request
from loans.services.payout import payouts_advance
from loans.services.sandbox_bank import sandbox_callbacks_deliver
from risk.models import (
    CreditApplication,
    CreditLine,
    Invitation,
    InvitationBatch,
    PolicyState,
    Product,
    ProductTerms,
    RegulationParameter,
    Tier,
)
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import business_date_set

TODAY = date(2026, 9, 15)
NOW = datetime(2026, 9, 15, 2, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
# Luhn-valid numbers; the last two digits choose the sandbox's ending.
CARD_PAID = "6222020200000000004"

LAW = {
    "cost_cap_rate": "0.24",
    "household_credit_amount": "200000",
    "single_payment_days": "365",
    "rearranged_watch_days": "365",
    "rearranged_class_days": "1",
    "rearranged_again_days": "91",
}


def policy(product: str = "weilidai", rate_max: str = "0.000500", **terms: Any) -> ProductTerms:
    """Product, terms, its first tier and the law; safe to call for several products."""
    ledger_accounts_load()
    for name, value in LAW.items():
        RegulationParameter.objects.get_or_create(
            name=name, valid_from=date(2025, 10, 1), defaults={"value": Decimal(value)}
        )
    offered = Product.objects.create(code=product, name_zh=product, name_en=product)
    row = ProductTerms.objects.create(
        product=offered,
        version=1,
        state=PolicyState.ACTIVE,
        valid_from=date(2025, 10, 1),
        score_name="wechat_pay",
        score_minimum=600,
        limit_ceiling_amount=Decimal("200000.00"),
        daily_rate_min=Decimal("0.000150"),
        daily_rate_max=Decimal(rate_max),
        **{"payout_target_seconds": 15, **terms},
    )
    Tier.objects.create(
        terms=row,
        code="new",
        rank=1,
        limit_min_amount=Decimal("500.00"),
        limit_max_amount=Decimal("8000.00"),
        daily_rate_min=Decimal("0.000300"),
        daily_rate_max=Decimal(rate_max),
        penalty_share=Decimal("0.500000"),
    )
    return row


def line_for(
    customer: Customer, product: str = "weilidai", limit: str = "8000.00", rate: str = "0.000400"
) -> CreditLine:
    batch = InvitationBatch.objects.create(source="staff", product_id=product, reason="test", created_by="test")
    invitation = Invitation.objects.create(
        batch=batch,
        product_id=product,
        openid=customer.openid,
        reason="test",
        issued_date=TODAY,
        expires_date=TODAY + timedelta(days=30),
    )
    application = CreditApplication.objects.create(
        customer=customer,
        product_id=product,
        terms=ProductTerms.objects.get(product_id=product),
        invitation=invitation,
        started_date=TODAY,
        expires_date=TODAY + timedelta(days=30),
    )
    return CreditLine.objects.create(
        customer=customer,
        product_id=product,
        application=application,
        tier="new",
        limit_amount=Decimal(limit),
        daily_rate=Decimal(rate),
        penalty_share=Decimal("0.500000"),
        opened_date=TODAY,
    )


def card_for(customer: Customer, number: str = CARD_PAID) -> BankCard:
    return BankCard.objects.create(
        customer=customer,
        number=number,
        number_hash=number,
        last_four=number[-4:],
        holder=customer.name,
        phone="13800000000",
        phone_hash="p",
        verified_at=NOW,
    )


@dataclass
class Borrower:
    customer: Customer
    line: CreditLine
    card: BankCard
    device: Device

    @property
    def used(self) -> Decimal:
        used: Decimal = CreditLine.objects.get(pk=self.line.pk).used_amount
        return used

    def draw(self, amount: str = "1000.00", plan: str = "single", **values: Any) -> Loan:
        """A loan asked for at NOW on TODAY."""
        request = Request(Decimal(amount), plan, values.pop("days", None), values.pop("periods", None))
        return loan_request(
            **{
                "customer": self.customer,
                "credit_line_id": self.line.pk,
                "request": request,
                "bank_card_id": self.card.pk,
                "purpose": "daily",
                "device": self.device,
                "as_of": TODAY,
                "at": NOW,
                "actor": Actor.of(self.customer),
                **values,
            }
        )

    def client(self) -> APIClient:
        """Signed in, coming from the verified device."""
        token = CustomerToken.objects.create(user=self.customer)[1]
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_X_DEVICE_ID=self.device.fingerprint)
        return client


def borrower(name: str = "alice", *, number: str = CARD_PAID, **line: Any) -> Borrower:
    customer = Customer.objects.create(openid=name, name="王小明")
    device = Device.objects.create(
        customer=customer, fingerprint=f"{name}-phone", first_seen_at=NOW, last_seen_at=NOW, verified_at=NOW
    )
    return Borrower(customer, line_for(customer, **line), card_for(customer, number), device)


def day_set() -> None:
    business_date_set(TODAY, at=NOW)


def turn(at: datetime, **values: Any) -> None:
    """One round of the poller at an instant: bank asked, its post delivered."""
    payouts_advance(at=at, as_of=TODAY, **values)
    sandbox_callbacks_deliver(at=at, as_of=TODAY)


def turns(until: float, step: float = 0.5) -> None:
    """Rounds from NOW on, for `until` seconds."""
    count = int(until / step)
    for number in range(count + 1):
        turn(NOW + number * step * SECOND)


def payout_of(loan: Loan) -> Payout:
    return Payout.objects.select_related("loan").get(loan=loan)
