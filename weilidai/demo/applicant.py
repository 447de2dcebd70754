"""A made-up person on the way to a decision: papers, card, signatures and face, by the services customers use."""

from datetime import date, datetime

from accounts.models import Customer, Device
from accounts.services.device import device_mark_verified
from accounts.services.identity import bank_card_add, identity_verify
from accounts.services.verification import payment_password_set
from risk.models import CreditApplication
from risk.selectors.documents import documents_current
from risk.services.application import Origin, application_verify, document_sign
from weilidai.demo import assumptions as a
from weilidai.demo.people import person
from weilidai.lib.audit import Actor


def papers_give(customer: Customer, day: date, at: datetime) -> Customer:
    """Identity, bank card and payment password; raises what the services refuse with."""
    who, actor = person(customer.openid), Actor.of(customer)
    customer = identity_verify(customer=customer, name=who.name, id_number=who.id_number, actor=actor, as_of=day, at=at)
    bank_card_add(
        customer=customer, number=who.card_number, holder=who.name, phone=who.phone, actor=actor, as_of=day, at=at
    )
    payment_password_set(customer=customer, new=a.PAYMENT_PASSWORD, current=None, actor=actor, at=at).require()
    return customer


def sign_and_verify(
    application: CreditApplication, customer: Customer, device: Device, day: date, at: datetime
) -> None:
    """Every text signed, password, face and voice shown, from a device that counts as verified afterwards."""
    actor, origin = Actor.of(customer), Origin(ip="10.0.0.1", device=device.fingerprint)
    for document in documents_current(application.product_id, day):
        document_sign(
            application_id=application.pk, customer=customer, document_id=document.pk, sha256=document.sha256_zh,
            origin=origin, actor=actor, as_of=day, at=at,
        )  # fmt: skip
    application_verify(
        application_id=application.pk, customer=customer, payment_password=a.PAYMENT_PASSWORD,
        face_token="ok", voice_token="ok", origin=origin, actor=actor, as_of=day, at=at,  # noqa: S106 - the sandbox's words
    )  # fmt: skip
    device_mark_verified(device=device, actor=actor, at=at)
