"""Named people on their way to credit, brought to each state by the services themselves."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password

from accounts.models import BankCard, Customer, StaffUser
from risk.models import (
    ActivityDay,
    Appeal,
    AppealImage,
    AssetMonth,
    AuxiliaryReading,
    BureauReport,
    CreditApplication,
    CreditLine,
    Decision,
    FreezeReason,
    InvitationBatch,
    LoginEvent,
    PaymentEvent,
    ScoreReading,
)
from risk.selectors.documents import documents_unsigned
from risk.services.appeal import appeal_submit
from risk.services.application import Origin, application_start, application_verify, document_sign
from risk.services.assessment import application_assess
from risk.services.credit_line import credit_line_freeze
from risk.services.invitation import invitations_issue
from risk.services.presets import presets_load
from tests.support.pictures import photo
from weilidai.lib.audit import Actor

SHANGHAI = ZoneInfo("Asia/Shanghai")
AS_OF = date(2026, 11, 20)
AT = datetime(2026, 11, 20, 10, 0, tzinfo=SHANGHAI)
PASSWORD = "135790"
ORIGIN = Origin(ip="203.0.113.7", device="alice-phone")
STAFF = Actor("staff", "1", "carol")
LAYERS = Actor.system("layers")


def customer_create(openid: str = "alice", **values: Any) -> Customer:
    """A grown person with verified papers, a card and a payment password."""
    values = {
        "identity_verified_at": AT,
        "birth_date": date(1996, 5, 1),
        "payment_password_hash": make_password(PASSWORD),
        "registered_occupation": "salaried",
        **values,
    }
    customer = Customer.objects.create(openid=openid, **values)
    BankCard.objects.create(
        customer=customer, number="6222021234567890128", number_hash=openid, last_four="0128",
        holder="张三", phone="13800138000", phone_hash=openid, verified_at=AT,
    )  # fmt: skip
    return customer


def staff_create(username: str = "carol") -> StaffUser:
    return StaffUser.objects.create_user(username=username, password=None)


def behaviour_create(customer: Customer, *, opens: int = 6, score: int = 720, assets: str = "5500.00") -> None:
    """Half a year of a plain customer, whom the shipped scorecard approves."""
    who = {"customer": customer}
    key = customer.openid
    for name in ("wechat_pay", "zhima"):
        ScoreReading.objects.create(row_id=f"{key}-{name}", name=name, score=score, as_of=AS_OF, **who)
    ScoreReading.objects.create(row_id=f"{key}-xiaobai", name="xiaobai", score=90, as_of=AS_OF, **who)
    first = date(2026, 5, 1)
    ActivityDay.objects.bulk_create(
        ActivityDay(
            row_id=f"{key}-a{n}",
            date=first + timedelta(days=n),
            opens=opens,
            minutes=30,
            friends=196,
            active_groups=8,
            **who,
        )
        for n in range((AS_OF - first).days + 1)
    )
    PaymentEvent.objects.bulk_create(
        _payment(customer, f"p{n}", "payment", Decimal("280.00"), AS_OF - timedelta(days=n)) for n in range(150)
    )
    PaymentEvent.objects.bulk_create(
        _payment(customer, f"c{n}", "card_repayment", Decimal("2100.00"), AS_OF - timedelta(days=n * 30))
        for n in range(10)
    )
    AssetMonth.objects.create(
        row_id=f"{key}-m", month=date(2026, 11, 1), current_fund_mean_amount=Decimal(assets),
        wealth_products_amount=Decimal("0.00"), deposits_amount=Decimal("0.00"), ecny_wallet_amount=Decimal("120.00"),
        card_limit_amount=Decimal("20000.00"), card_debt_amount=Decimal("500.00"), **who,
    )  # fmt: skip
    login_create(customer, AT - timedelta(days=80), "d0")
    login_create(customer, AT - timedelta(days=1), "d0")
    BureauReport.objects.create(
        row_id=f"{key}-b", as_of=date(2026, 11, 5), open_accounts=2, debts_amount=Decimal("9000.00"),
        monthly_due_amount=Decimal("500.00"), worst_dpd_24m=0, inquiries_6m=2, on_deny_list=False, **who,
    )  # fmt: skip
    for item in ("employment", "social_insurance", "vehicle"):
        auxiliary_create(customer, item)


def _payment(customer: Customer, row: str, kind: str, amount: Decimal, day: date) -> PaymentEvent:
    return PaymentEvent(
        customer=customer, row_id=f"{customer.openid}-{row}", date=day, kind=kind, amount=amount, channel="balance",
        at=datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI),
    )  # fmt: skip


def payment_create(customer: Customer, row: str, kind: str, amount: str, day: date) -> None:
    _payment(customer, row, kind, Decimal(amount), day).save()


def login_create(customer: Customer, at: datetime, device: str, ip: str = "10.0.0.1") -> None:
    LoginEvent.objects.create(
        customer=customer, row_id=f"{customer.openid}-{at.isoformat()}", at=at, date=at.date(), device=device, ip=ip
    )


def auxiliary_create(
    customer: Customer, item: str, *, state: str = "verified", months: int = 40, as_of: date = date(2026, 11, 1)
) -> None:
    AuxiliaryReading.objects.create(
        customer=customer, row_id=f"{customer.openid}-{item}-{as_of}-{months}", item=item, months=months, state=state,
        source="register", as_of=as_of,
    )  # fmt: skip


def invite(*openids: str, product: str = "weilidai", **more: Any) -> None:
    values = {"source": InvitationBatch.Source.STAFF, "reason": "tests", "actor": STAFF, "as_of": AS_OF, **more}
    invitations_issue(openids=openids, product=product, **values)


def edge(customer: Customer, as_of: date = AS_OF) -> dict[str, Any]:
    return {"actor": Actor.of(customer), "as_of": as_of, "at": AT}


def started(customer: Customer, product: str = "weilidai", **more: Any) -> CreditApplication:
    invite(customer.openid, product=product)
    return application_start(customer=customer, product=product, **edge(customer), **more)


def sign_all(application: CreditApplication, as_of: date = AS_OF) -> CreditApplication:
    for document in documents_unsigned(application.customer, application.product_id, as_of):
        application = document_sign(
            application_id=application.pk, customer=application.customer, document_id=document.pk,
            sha256=document.sha256_zh, origin=ORIGIN, **edge(application.customer, as_of),
        )  # fmt: skip
    return application


def signed(customer: Customer, product: str = "weilidai", **more: Any) -> CreditApplication:
    return sign_all(started(customer, product, **more))


def verify(application: CreditApplication, *, face: str = "ok", voice: str = "ok", **more: Any) -> CreditApplication:
    customer = application.customer
    values = {"payment_password": PASSWORD, "origin": ORIGIN, **edge(customer), **more}
    return application_verify(
        application_id=application.pk, customer=customer, face_token=face, voice_token=voice, **values
    )


def verified(customer: Customer, product: str = "weilidai", **more: Any) -> CreditApplication:
    return verify(signed(customer, product, **more))


def assess(application: CreditApplication, as_of: date = AS_OF) -> Decision:
    customer = application.customer
    return application_assess(application_id=application.pk, customer=customer, **edge(customer, as_of))


def approved_line(openid: str = "alice", product: str = "weilidai", **behaviour: Any) -> CreditLine:
    """A customer with a line, all the way from the invitation."""
    customer = customer_create(openid)
    behaviour_create(customer, **behaviour)
    return CreditLine.objects.get(application=assess(verified(customer, product)).application)


def frozen_line(
    openid: str = "alice", reason: FreezeReason = FreezeReason.UNUSUAL_PLACE, actor: Actor = LAYERS, **more: Any
) -> CreditLine:
    """A line whose drawing is paused."""
    line = approved_line(openid, **more)
    return credit_line_freeze(line_id=line.pk, reason=reason, actor=actor, as_of=AS_OF, at=AT)


def appeal_files(*seeds: int, size: tuple[int, int] = (900, 600)) -> dict[str, bytes]:
    """Three good pictures, others for every row of seeds."""
    numbers = seeds or (1, 2, 3)
    return {kind: photo(seed, size) for kind, seed in zip(AppealImage.Kind.values, numbers, strict=True)}


def appeal_create(line: CreditLine, as_of: date = AS_OF, at: datetime | None = None, **files: bytes) -> Appeal:
    """Submitted at ten in the morning of `as_of`."""
    return appeal_submit(
        line_id=line.pk, customer=line.customer, files=appeal_files() | files, statement="It was me, on holiday.",
        actor=Actor.of(line.customer), as_of=as_of, at=at or datetime.combine(as_of, AT.timetz()),
    )  # fmt: skip


def setup_policies() -> None:
    presets_load(as_of=AS_OF)
