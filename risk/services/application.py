"""The customer's way: start, sign, verify, be assessed, or leave it (R1, R3, R10–R13)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.errors import BankCardRequired, IdentityNotVerified
from accounts.models import BankCard, ConsentCode, Customer
from accounts.services.consent import consent_grant
from risk.errors import (
    ApplicationOpen,
    DocumentChanged,
    InvitationExpired,
    NotInvited,
    ProductClosed,
    SignaturesMissing,
)
from risk.models import (
    EXPIRING_STATES,
    OPEN_STATES,
    ApplicationState,
    CreditApplication,
    CreditLine,
    Invitation,
    LegalDocument,
    LineState,
    Product,
    Signature,
)
from risk.selectors.documents import document_get, documents_current, documents_unsigned, signature_of
from risk.selectors.invitations import invitation_lapsed, invitation_live
from risk.selectors.policy import product_get, terms_current
from risk.services.verification import customer_verify
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import ObjectNotFound, TransitionRefused
from weilidai.lib.fsm import take_step

BATCH_SIZE = 500
# The consent a signed text stands for, by the code of the text.
CONSENTS = {
    "credit_report_authorisation": ConsentCode.CREDIT_REPORT,
    "personal_information_processing": ConsentCode.PERSONAL_INFORMATION,
    "third_party_data_authorisation": ConsentCode.THIRD_PARTY_DATA,
}


@dataclass(frozen=True)
class Origin:
    """Where a request came from; kept with every signature (R10)."""

    ip: str | None
    device: str
    language: str = "zh-hans"


@transaction.atomic
def application_start(
    *, customer: Customer, product: str, actor: Actor, as_of: date, at: datetime, ecny_wallet_consent: bool = False
) -> CreditApplication:
    """Uses up a live invitation; the digital-RMB wallet counts only if the customer says so here (R20).

    Raises `ObjectNotFound`, `ProductClosed`, `ApplicationOpen` (also for an open line), `NotInvited`,
    `InvitationExpired`. Score and activity are judged at the assessment, where a refusal gets its reasons.
    """
    row = product_get(product)
    # Two starts of one customer wait for each other here.
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    _nothing_open_check(customer, row)
    if not row.is_open:
        raise ProductClosed
    invitation = _invitation_take(customer, row, actor, as_of, at)
    terms = terms_current(row, as_of)
    application = CreditApplication.objects.create(
        customer=customer,
        product=row,
        terms=terms,
        invitation=invitation,
        started_date=as_of,
        expires_date=as_of + timedelta(days=terms.application_days),
    )
    state_change_record(subject=application, old="", new=application.state, actor=actor, as_of=as_of, at=at)
    audit_record(
        action="application.start", actor=actor, subject=application, at=at, as_of=as_of, after={"product": row.code}
    )
    if ecny_wallet_consent:
        consent_grant(
            customer=customer, code=ConsentCode.ECNY_WALLET, source=f"application {application.pk}", actor=actor, at=at
        )
    _documents_settle(application, actor, as_of, at)
    return application


def _nothing_open_check(customer: Customer, product: Product) -> None:
    applying = CreditApplication.objects.filter(customer=customer, product=product, state__in=OPEN_STATES)
    holding = CreditLine.objects.filter(customer=customer, product=product).exclude(state=LineState.CLOSED)
    if applying.exists() or holding.exists():
        raise ApplicationOpen


def _invitation_take(customer: Customer, product: Product, actor: Actor, as_of: date, at: datetime) -> Invitation:
    live = invitation_live(customer.openid, product, as_of)
    if live is None:
        raise InvitationExpired if invitation_lapsed(customer, product, as_of) else NotInvited
    invitation = Invitation.objects.select_for_update(no_key=True).get(pk=live.pk)
    invitation.accepted_at = at
    take_step(invitation, "accept", actor=actor, as_of=as_of, at=at, update_fields=("accepted_at",))
    return invitation


def application_lock(application_id: UUID, customer: Customer | None = None) -> CreditApplication:
    """The row under lock, with its customer and terms; with `customer`, only their own. Raises `ObjectNotFound`."""
    rows = CreditApplication.objects.select_for_update(no_key=True, of=("self",)).filter(pk=application_id)
    rows = rows.select_related("customer", "terms")
    application = (rows if customer is None else rows.filter(customer=customer)).first()
    if application is None:
        raise ObjectNotFound
    return application


def alive_check(application: CreditApplication, as_of: date) -> None:
    """A step after the last day is refused even if the night has not expired the application yet."""
    if application.state in EXPIRING_STATES and application.expires_date < as_of:
        raise TransitionRefused(state=ApplicationState.EXPIRED.value)


@transaction.atomic
def document_sign(
    *,
    application_id: UUID,
    customer: Customer,
    document_id: UUID,
    sha256: str,
    origin: Origin,
    actor: Actor,
    as_of: date,
    at: datetime,
) -> CreditApplication:
    """Signs one current text; the sixth moves the application on (R10). Signing again changes nothing.

    Raises `ObjectNotFound`, `DocumentChanged` (older version, or the text shown was another), `TransitionRefused`.
    """
    application = application_lock(application_id, customer)
    alive_check(application, as_of)
    if application.state not in OPEN_STATES:
        raise TransitionRefused(state=str(application.state))
    document = document_get(document_id, as_of)
    if document.product_id != application.product_id:
        raise ObjectNotFound
    shown = {document.sha256_zh: "zh-hans", document.sha256_en: "en"}.get(sha256.lower())
    if shown is None or document not in documents_current(application.product_id, as_of):
        raise DocumentChanged
    if signature_of(customer, document) is None:
        signature = Signature.objects.create(
            customer=customer,
            application=application,
            document=document,
            language=shown,
            sha256=sha256.lower(),
            signed_at=at,
            ip=origin.ip,
            device_fingerprint=origin.device,
        )
        audit_record(
            action="document.sign", actor=actor, subject=signature, at=at, as_of=as_of, ip=origin.ip,
            after={"document": document.code, "version": document.version, "sha256": signature.sha256},
        )  # fmt: skip
    _consent_settle(customer, document, actor, at)
    _documents_settle(application, actor, as_of, at)
    return application


def _consent_settle(customer: Customer, document: LegalDocument, actor: Actor, at: datetime) -> None:
    """Three of the texts are the consent itself; signing again after a withdrawal grants it anew (R55)."""
    code = CONSENTS.get(document.code)
    if code is not None:
        source = f"{document.code} {document.version}"
        consent_grant(customer=customer, code=code, source=source, actor=actor, at=at)


def _documents_settle(application: CreditApplication, actor: Actor, as_of: date, at: datetime) -> None:
    """All current texts signed: on to the verification. Texts signed for an earlier application count."""
    if application.state != ApplicationState.STARTED:
        return
    if not documents_current(application.product_id, as_of):
        return
    if not documents_unsigned(application.customer, application.product_id, as_of):
        take_step(application, "sign_documents", actor=actor, as_of=as_of, at=at)


def signatures_check(application: CreditApplication, as_of: date) -> None:
    """Raises `SignaturesMissing` naming the texts, also when a version became new in between."""
    missing = documents_unsigned(application.customer, application.product_id, as_of)
    if missing or application.state == ApplicationState.STARTED:
        raise SignaturesMissing(missing=[str(document.pk) for document in missing])


def identity_check(customer: Customer, has_card: bool) -> None:
    """Identity card and own bank card, both (R3)."""
    if not customer.is_identity_verified:
        raise IdentityNotVerified
    if not has_card:
        raise BankCardRequired


def application_verify(
    *,
    application_id: UUID,
    customer: Customer,
    payment_password: str,
    face_token: str,
    voice_token: str,
    origin: Origin,
    actor: Actor,
    as_of: date,
    at: datetime,
) -> CreditApplication:
    """Payment password, then liveness and voiceprint (R11, R12, R51).

    Not one transaction: a failed try is counted and committed although an error is answered, and the
    institutions are asked outside of any lock.
    """
    application = _verifiable(application_id, customer, as_of)
    customer_verify(
        application=application,
        payment_password=payment_password,
        face_token=face_token,
        voice_token=voice_token,
        ip=origin.ip,
        device=origin.device,
        at=at,
    )
    return _verified(application_id, customer, actor, as_of, at)


@transaction.atomic
def _verifiable(application_id: UUID, customer: Customer, as_of: date) -> CreditApplication:
    application = application_lock(application_id, customer)
    alive_check(application, as_of)
    if application.state in (ApplicationState.STARTED, ApplicationState.DOCUMENTS_SIGNED):
        signatures_check(application, as_of)
    if application.state != ApplicationState.DOCUMENTS_SIGNED:
        raise TransitionRefused(state=str(application.state))
    cards = BankCard.objects.filter(customer=application.customer, removed_at__isnull=True)
    identity_check(application.customer, cards.exists())
    return application


@transaction.atomic
def _verified(application_id: UUID, customer: Customer, actor: Actor, as_of: date, at: datetime) -> CreditApplication:
    application = application_lock(application_id, customer)
    application.verified_at = at
    take_step(application, "verify_identity", actor=actor, as_of=as_of, at=at, update_fields=("verified_at",))
    audit_record(action="application.verify", actor=actor, subject=application, at=at, as_of=as_of)
    return application


@transaction.atomic
def application_cancel(
    *, application_id: UUID, customer: Customer | None, reason: str, actor: Actor, as_of: date, at: datetime
) -> CreditApplication:
    """The customer (or staff for them, with `customer=None`) gives it up; the invitation stays used."""
    application = application_lock(application_id, customer)
    take_step(application, "cancel", actor=actor, as_of=as_of, at=at, reason=reason)
    audit_record(action="application.cancel", actor=actor, subject=application, at=at, as_of=as_of, reason=reason)
    return application


def applications_expire(*, as_of: date, batch_size: int = BATCH_SIZE, at: datetime | None = None) -> int:
    """Expires what the customer did not finish before `as_of`; a transaction per batch, safe to repeat."""
    done = 0
    while expired := _expire_batch(as_of, batch_size, at):
        done += expired
    return done


@transaction.atomic
def _expire_batch(as_of: date, size: int, at: datetime | None) -> int:
    rows = CreditApplication.objects.select_for_update(no_key=True).filter(
        state__in=EXPIRING_STATES, expires_date__lt=as_of
    )
    batch = list(rows.order_by("pk")[:size])
    for application in batch:
        take_step(application, "expire", actor=Actor.system("end_of_day"), as_of=as_of, at=at)
    return len(batch)
