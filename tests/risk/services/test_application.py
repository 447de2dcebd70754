from datetime import date, timedelta
from itertools import product as combinations
from typing import Any

import pytest
from django_fsm import can_proceed

from accounts.errors import (
    BankCardRequired,
    IdentityNotVerified,
    PaymentPasswordWrong,
    VerificationFailed,
    VerificationLocked,
)
from accounts.models import BankCard, Consent, Customer, Device, VerificationAttempt
from risk.errors import (
    ApplicationOpen,
    DocumentChanged,
    InvitationExpired,
    NotInvited,
    ProductClosed,
    SignaturesMissing,
)
from risk.models import (
    ApplicationState,
    CreditApplication,
    CreditLine,
    Invitation,
    InvitationState,
    LegalDocument,
    LineState,
    Product,
    Signature,
)
from risk.selectors.documents import documents_current, documents_unsigned
from risk.services.application import application_cancel, application_start, applications_expire, document_sign
from tests.risk.builders import (
    AS_OF,
    AT,
    ORIGIN,
    approved_line,
    assess,
    behaviour_create,
    customer_create,
    edge,
    invite,
    sign_all,
    signed,
    started,
    verified,
    verify,
)
from weilidai.lib.errors import ObjectNotFound, TransitionRefused
from weilidai.lib.models import AuditEvent, StateChange

pytestmark = pytest.mark.usefixtures("policies")
S = ApplicationState
ALLOWED = {
    ("sign_documents", "started"): "documents_signed",
    ("verify_identity", "documents_signed"): "identity_verified",
    ("begin_assessment", "identity_verified"): "assessing",
    ("approve", "assessing"): "approved",
    ("approve", "referred"): "approved",
    ("reject", "assessing"): "rejected",
    ("reject", "referred"): "rejected",
    ("refer", "assessing"): "referred",
    ("cancel", "started"): "cancelled",
    ("cancel", "documents_signed"): "cancelled",
    ("cancel", "identity_verified"): "cancelled",
    ("cancel", "assessing"): "cancelled",
    ("cancel", "referred"): "cancelled",
    ("expire", "started"): "expired",
    ("expire", "documents_signed"): "expired",
    ("expire", "identity_verified"): "expired",
}
STEPS = ("sign_documents", "verify_identity", "begin_assessment", "approve", "reject", "refer", "cancel", "expire")


@pytest.mark.dealt
@pytest.mark.parametrize(("step", "state"), list(combinations(STEPS, S.values)))
def test_every_step_from_every_state(step: str, state: str) -> None:
    application = CreditApplication(state=state)
    assert can_proceed(getattr(application, step)) is ((step, state) in ALLOWED)


@pytest.mark.dealt
@pytest.mark.parametrize(("step", "state"), ALLOWED)
def test_every_allowed_step_reaches_its_state(step: str, state: str) -> None:
    application = CreditApplication(state=state)
    getattr(application, step)()
    assert application.state == ALLOWED[step, state]


LINE_ALLOWED = {("freeze", "active"), ("unfreeze", "frozen"), ("close", "active"), ("close", "frozen")}
INVITATION_ALLOWED = {("accept", "issued"), ("expire", "issued"), ("revoke", "issued")}


@pytest.mark.dealt
@pytest.mark.parametrize(("step", "state"), list(combinations(("freeze", "unfreeze", "close"), LineState.values)))
def test_every_step_of_a_line_from_every_state(step: str, state: str) -> None:
    assert can_proceed(getattr(CreditLine(state=state), step)) is ((step, state) in LINE_ALLOWED)


@pytest.mark.dealt
@pytest.mark.parametrize(("step", "state"), list(combinations(("accept", "expire", "revoke"), InvitationState.values)))
def test_every_step_of_an_invitation_from_every_state(step: str, state: str) -> None:
    assert can_proceed(getattr(Invitation(state=state), step)) is ((step, state) in INVITATION_ALLOWED)


def start(customer: Customer, as_of: date = AS_OF, product: str = "weilidai") -> CreditApplication:
    return application_start(customer=customer, product=product, **edge(customer, as_of))


@pytest.mark.req("R1")
def test_without_an_invitation_there_is_no_application() -> None:
    with pytest.raises(NotInvited):
        start(customer_create())


@pytest.mark.req("R1")
def test_an_invitation_is_for_one_product_and_one_person() -> None:
    invite("alice", product="jiebei")
    invite("bob")
    with pytest.raises(NotInvited):
        start(customer_create())


@pytest.mark.req("R1")
def test_the_last_day_of_an_invitation_counts_and_the_next_does_not() -> None:
    invite("alice", "bob", expires_date=AS_OF)
    assert start(customer_create("alice")).state == S.STARTED
    with pytest.raises(InvitationExpired):
        start(customer_create("bob"), as_of=AS_OF + timedelta(days=1))


@pytest.mark.req("R1")
def test_a_start_uses_the_invitation_up_and_leaves_its_trail() -> None:
    application = started(customer_create())
    invitation = Invitation.objects.get()
    assert (invitation.state, invitation.accepted_at, application.invitation_id) == ("accepted", AT, invitation.pk)
    assert application.expires_date == AS_OF + timedelta(days=30)
    assert StateChange.objects.filter(subject_id=str(invitation.pk), new="accepted").count() == 1
    assert AuditEvent.objects.filter(action="application.start", subject_id=str(application.pk)).count() == 1


def test_one_open_application_for_a_product_another_for_another_product() -> None:
    customer = customer_create()
    started(customer)
    invite("alice", product="jiebei")
    with pytest.raises(ApplicationOpen):
        start(customer)
    assert start(customer, product="jiebei").state == S.STARTED


def test_an_open_line_blocks_a_new_application() -> None:
    line = approved_line()
    with pytest.raises(ApplicationOpen):
        start(line.customer)


def test_unknown_and_closed_products_take_no_application() -> None:
    customer = customer_create()
    invite("alice")
    with pytest.raises(ObjectNotFound):
        start(customer, product="huabei")
    Product.objects.filter(code="weilidai").update(is_open=False)
    with pytest.raises(ProductClosed):
        start(customer)


# --- Documents --------------------------------------------------------------------------------------------------


def sign(application: CreditApplication, document: LegalDocument, sha256: str | None = None) -> CreditApplication:
    return document_sign(
        application_id=application.pk, customer=application.customer, document_id=document.pk,
        sha256=document.sha256_zh if sha256 is None else sha256, origin=ORIGIN, **edge(application.customer),
    )  # fmt: skip


@pytest.mark.req("R10")
def test_all_six_texts_or_no_progress() -> None:
    application = started(customer_create())
    documents = documents_current("weilidai", AS_OF)
    assert len(documents) == 6
    for document in documents[:5]:
        application = sign(application, document)
        assert application.state == S.STARTED
    with pytest.raises(SignaturesMissing) as caught:
        verify(application)
    assert caught.value.extra == {"missing": [str(documents[5].pk)]}
    assert sign(application, documents[5]).state == S.DOCUMENTS_SIGNED


@pytest.mark.req("R10")
def test_a_signature_keeps_version_hash_language_time_address_and_device() -> None:
    application = started(customer_create())
    document = documents_current("weilidai", AS_OF)[0]
    sign(application, document, document.sha256_en.upper())
    kept = Signature.objects.get()
    assert (kept.document_id, kept.sha256, kept.language) == (document.pk, document.sha256_en, "en")
    assert (kept.signed_at, kept.ip, kept.device_fingerprint) == (AT, "203.0.113.7", "alice-phone")


@pytest.mark.req("R10")
def test_another_text_than_the_current_one_is_refused() -> None:
    application = started(customer_create())
    document = documents_current("weilidai", AS_OF)[0]
    with pytest.raises(DocumentChanged):
        sign(application, document, "0" * 64)
    newer = _new_version(document, AS_OF)
    with pytest.raises(DocumentChanged):
        sign(application, document)
    sign(application, newer)
    assert Signature.objects.count() == 1


def _new_version(document: LegalDocument, valid_from: date) -> LegalDocument:
    values: dict[str, Any] = {
        field.name: getattr(document, field.name) for field in LegalDocument._meta.concrete_fields if field.name != "id"
    }
    return LegalDocument.objects.create(**{**values, "version": "99", "valid_from": valid_from})


@pytest.mark.req("R10")
def test_a_new_version_asks_again_from_its_first_day() -> None:
    customer = signed(customer_create()).customer
    newer = _new_version(documents_current("weilidai", AS_OF)[0], AS_OF + timedelta(days=1))
    assert documents_unsigned(customer, "weilidai", AS_OF) == []
    assert documents_unsigned(customer, "weilidai", AS_OF + timedelta(days=1)) == [newer]


@pytest.mark.req("R10")
def test_a_version_that_became_new_after_signing_stops_the_assessment_until_signed() -> None:
    application = verified(customer_create())
    _new_version(documents_current("weilidai", AS_OF)[0], AS_OF)
    with pytest.raises(SignaturesMissing):
        assess(application)
    assert sign_all(application).state == S.IDENTITY_VERIFIED
    assert assess(application).outcome == "rejected"


def test_signing_twice_changes_nothing() -> None:
    application = started(customer_create())
    document = documents_current("weilidai", AS_OF)[0]
    sign(application, document)
    sign(application, document)
    assert Signature.objects.count() == 1


def test_texts_of_another_product_and_applications_of_others_are_not_found() -> None:
    application = started(customer_create())
    with pytest.raises(ObjectNotFound):
        sign(application, documents_current("jiebei", AS_OF)[0])
    with pytest.raises(ObjectNotFound):
        document_sign(
            application_id=application.pk, customer=customer_create("bob"), sha256="0" * 64, origin=ORIGIN,
            document_id=documents_current("weilidai", AS_OF)[0].pk, **edge(application.customer),
        )  # fmt: skip


@pytest.mark.req("R10")
def test_signing_grants_the_consents_the_texts_stand_for() -> None:
    customer = signed(customer_create()).customer
    granted = Consent.objects.filter(customer=customer, withdrawn_at__isnull=True).values_list("code", flat=True)
    assert sorted(granted) == ["credit_report", "personal_information", "third_party_data"]


@pytest.mark.req("R20")
def test_the_wallet_consent_is_given_only_when_asked_for() -> None:
    customer = started(customer_create(), ecny_wallet_consent=True).customer
    assert Consent.objects.filter(customer=customer, code="ecny_wallet").count() == 1


# --- Verification -----------------------------------------------------------------------------------------------


@pytest.mark.req("R11", "R51")
def test_password_face_and_voice_together_verify_application_and_device() -> None:
    customer = customer_create()
    Device.objects.create(customer=customer, fingerprint=ORIGIN.device, first_seen_at=AT, last_seen_at=AT)
    application = verified(customer)
    assert (application.state, application.verified_at) == (S.IDENTITY_VERIFIED, AT)
    assert Device.objects.get().is_verified
    assert VerificationAttempt.objects.get().passed


@pytest.mark.req("R11")
@pytest.mark.parametrize(("face", "voice"), [("bad", "ok"), ("ok", "bad"), ("rate:0.003", "ok")])
def test_one_failed_factor_is_enough_to_fail_and_stays_counted(face: str, voice: str) -> None:
    application = signed(customer_create())
    with pytest.raises(VerificationFailed):
        verify(application, face=face, voice=voice)
    assert Customer.objects.get().verification_failed_count == 1
    assert CreditApplication.objects.get().state == S.DOCUMENTS_SIGNED


@pytest.mark.req("R11")
def test_an_error_rate_just_below_the_limit_passes() -> None:
    assert verify(signed(customer_create()), face="rate:0.0029").state == S.IDENTITY_VERIFIED


@pytest.mark.req("R12")
def test_the_fourth_failure_locks_for_24_hours() -> None:
    application = signed(customer_create())
    for _ in range(3):
        with pytest.raises(VerificationFailed):
            verify(application, face="bad")
    with pytest.raises(VerificationLocked):
        verify(application, face="bad")
    with pytest.raises(VerificationLocked):
        verify(application, at=AT + timedelta(hours=23, minutes=59))
    assert verify(application, at=AT + timedelta(hours=24)).state == S.IDENTITY_VERIFIED


def test_a_wrong_payment_password_is_counted_and_asks_no_institution() -> None:
    application = signed(customer_create())
    with pytest.raises(PaymentPasswordWrong):
        verify(application, payment_password="000000")
    assert Customer.objects.get().payment_password_failed_count == 1
    assert VerificationAttempt.objects.count() == 0


@pytest.mark.req("R3")
def test_verification_needs_identity_card_and_bank_card() -> None:
    application = signed(customer_create())
    BankCard.objects.update(removed_at=AT)
    with pytest.raises(BankCardRequired):
        verify(application)
    Customer.objects.update(identity_verified_at=None)
    with pytest.raises(IdentityNotVerified):
        verify(application)


def test_verifying_twice_is_refused() -> None:
    application = verified(customer_create())
    with pytest.raises(TransitionRefused):
        verify(application)


# --- Ends -------------------------------------------------------------------------------------------------------


def test_a_customer_cancels_and_cannot_go_on() -> None:
    application = signed(customer_create())
    application_cancel(
        application_id=application.pk,
        customer=application.customer,
        reason="changed my mind",
        **edge(application.customer),
    )
    assert CreditApplication.objects.get().state == S.CANCELLED
    with pytest.raises(TransitionRefused):
        verify(application)


def test_unfinished_applications_expire_after_their_last_day_in_batches_of_any_size() -> None:
    last_day = AS_OF + timedelta(days=30)
    for name in ("alice", "bob", "charlie"):
        started(customer_create(name))
    assert applications_expire(as_of=last_day) == 0
    assert applications_expire(as_of=last_day + timedelta(days=1), batch_size=2) == 3
    assert applications_expire(as_of=last_day + timedelta(days=1)) == 0
    assert set(CreditApplication.objects.values_list("state", flat=True)) == {S.EXPIRED}


def test_a_step_after_the_last_day_is_refused_before_the_night_has_run() -> None:
    application = started(customer_create())
    late = AS_OF + timedelta(days=31)
    with pytest.raises(TransitionRefused):
        sign_all(application, as_of=late)


def test_a_referred_application_never_expires() -> None:
    customer = customer_create()
    behaviour_create(customer)
    application = verified(customer)
    Consent.objects.filter(code="credit_report").update(withdrawn_at=AT)
    assert assess(application).outcome == "referred"
    assert applications_expire(as_of=date(2030, 1, 1)) == 0
