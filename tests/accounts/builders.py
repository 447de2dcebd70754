"""Named people brought to each state by the services themselves; every figure stands here."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rest_framework.test import APIClient
from stdnum import luhn
from stdnum.cn import ric

from accounts.models import Customer, Device, ImagePurpose, StoredImage
from accounts.rules import BiometricPolicy
from accounts.services.device import device_mark_verified, device_touch
from accounts.services.identity import bank_card_add, identity_verify
from accounts.services.login import customer_login
from accounts.services.stored_image import images_filed
from accounts.services.verification import Verdict, biometric_check, payment_password_set
from tests.support.pictures import photo
from weilidai.lib.audit import Actor
from weilidai.lib.uploads import image_clean

SHANGHAI = ZoneInfo("Asia/Shanghai")
AS_OF = date(2026, 11, 20)
AT = datetime(2026, 11, 20, 10, 0, tzinfo=SHANGHAI)
PASSWORD = "135790"
PHONE = "13800138000"
NAME = "张三"
POLICY = BiometricPolicy(error_rate_below=Decimal("0.003"))
# Each person's sequence number in the identity number and the card number.
PEOPLE = {"alice": 1, "bob": 2, "charlie": 3}


def id_number_of(sequence: int, born: str = "19900307") -> str:
    first = f"110101{born}{sequence:03}"
    return first + ric.calc_check_digit(first + "0")


def card_number_of(sequence: int) -> str:
    first = f"622202020000{sequence:06}"
    return first + luhn.calc_check_digit(first)


def customer_make(
    openid: str = "alice", *, verified: bool = True, card: bool = True, password: str | None = PASSWORD
) -> Customer:
    """A customer at first log-in, then as far as asked for."""
    customer_login(wechat_code=f"sandbox:{openid}", at=AT, ip=None)
    customer = Customer.objects.get(openid=openid)
    edge: dict[str, Any] = {"actor": Actor.of(customer), "at": AT}
    number = PEOPLE.get(openid, 99)
    if verified:
        customer = identity_verify(customer=customer, name=NAME, id_number=id_number_of(number), as_of=AS_OF, **edge)
    if verified and card:
        bank_card_add(customer=customer, number=card_number_of(number), holder=NAME, phone=PHONE, as_of=AS_OF, **edge)
    if password:
        payment_password_set(customer=customer, new=password, current=None, **edge).require()
    return Customer.objects.get(pk=customer.pk)


def device_make(customer: Customer, fingerprint: str = "phone", *, verified: bool = False) -> Device:
    device = device_touch(customer=customer, fingerprint=fingerprint, user_agent="WeChat", ip="203.0.113.7", at=AT)
    return device_mark_verified(device=device, actor=Actor.of(customer), at=AT) if verified else device


def biometrics(customer: Customer, *, face: str = "ok", voice: str = "ok", at: datetime = AT) -> Verdict:
    """One try as an application makes it."""
    return biometric_check(
        customer=Customer.objects.get(pk=customer.pk), face_token=face, voice_token=voice, policy=POLICY,
        purpose="application", subject_id="1", device_fingerprint="phone", ip="203.0.113.7", at=at,
    )  # fmt: skip


def image_make(customer: Customer, seed: int = 1, at: datetime = AT) -> StoredImage:
    """A picture the customer sent."""
    clean = {"image": image_clean(photo(seed), field="image")}
    with images_filed(customer=customer, purpose=ImagePurpose.APPEAL, images=clean, at=at) as rows:
        rows["image"].save()
    return rows["image"]


class Client(APIClient):
    """A customer's device speaking to the API."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return getattr(self, method)(f"/api/v1/{path}", body, format="json" if method != "get" else None)


def client_make(customer: Customer, device: str = "phone") -> Client:
    _, token = customer_login(wechat_code=f"sandbox:{customer.openid}", at=datetime.now(SHANGHAI), ip=None)
    return Client(headers={"Authorization": f"Bearer {token}", "X-Device-Id": device, "Accept-Language": "en"})
