"""Proof of how money was spent: asked for when it goes out, sent by the customer (R52)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer, ImagePurpose
from accounts.services.notification import notification_send
from accounts.services.stored_image import images_filed
from loans.errors import LoanNotOpen, VoucherLimit
from loans.models import Loan, LoanState, Voucher, VoucherDemand, VoucherState
from loans.selectors.loan import loan_get
from loans.selectors.voucher import vouchers_of
from risk.errors import EvidenceIncomplete
from risk.models import ProductTerms
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import FieldInvalid, ObjectNotFound
from weilidai.lib.money import round_money
from weilidai.lib.uploads import image_clean
from weilidai.lib.uploads.errors import REASONS


@dataclass(frozen=True)
class Spending:
    """What the customer says a picture shows."""

    kind: str
    amount: Decimal
    merchant: str
    spent_date: date
    note: str = ""


def is_asked(terms: ProductTerms, purpose: str, amount: Decimal) -> bool:
    return purpose in terms.voucher_purposes and amount >= terms.voucher_amount_min


def demand_open(loan: Loan, *, actor: Actor, as_of: date, at: datetime) -> VoucherDemand | None:
    """Asks for vouchers of a loan whose money went out on `as_of`, if its terms do; in the caller's transaction."""
    terms = loan.terms
    if not is_asked(terms, loan.purpose, loan.principal_amount):
        return None
    demand = VoucherDemand.objects.create(
        loan=loan,
        customer_id=loan.customer_id,
        asked_amount=round_money(loan.principal_amount * terms.voucher_share_min),
        opened_date=as_of,
        due_date=as_of + timedelta(days=terms.voucher_days),
        next_reminder_date=reminder_after(terms, opened=as_of, day=as_of),
        consequence=terms.voucher_consequence,
    )
    state_change_record(subject=demand, old="", new=demand.state, actor=actor, as_of=as_of, at=at)
    audit_record(
        action="voucher.ask", actor=actor, subject=demand, at=at, as_of=as_of,
        after={"loan": str(loan.pk), "amount": str(demand.asked_amount), "due_date": demand.due_date.isoformat()},
    )  # fmt: skip
    notification_send(
        customer=loan.customer,
        kind="voucher_asked",
        params={"amount": str(demand.asked_amount), "until": demand.due_date.isoformat()},
        dedupe_key=f"voucher_asked:{demand.pk}",
        business_date=as_of,
    )
    return demand


def reminder_after(terms: ProductTerms, *, opened: date, day: date) -> date | None:
    """The first day of a reminder after `day`; None where no more comes."""
    days = (opened + timedelta(days=count) for count in terms.voucher_reminder_days)
    return min((found for found in days if found > day), default=None)


def voucher_submit(
    *,
    loan_id: UUID,
    customer: Customer,
    spending: Spending,
    image: bytes | None,
    actor: Actor,
    as_of: date,
    at: datetime,
) -> Voucher:
    """Takes a voucher for an own open loan, whether it was asked for or not.

    Raises `ObjectNotFound`, `LoanNotOpen`, `VoucherLimit`, `FieldInvalid`, `EvidenceIncomplete`, `UploadRejected`.
    """
    # Looked at before the picture is: unpacking it costs far more than these questions.
    _open_check(loan_get(customer, loan_id))
    if spending.spent_date > as_of:
        detail = _("This day lies in the future")
        raise FieldInvalid(field_errors=[{"field": "spent_on", "code": "invalid", "detail": detail}])
    if image is None:
        raise EvidenceIncomplete(field_errors=[{"field": "image", "code": "required", "detail": REASONS["not_a_file"]}])
    clean = {"image": image_clean(image, field="image")}
    with (
        images_filed(customer=customer, purpose=ImagePurpose.VOUCHER, images=clean, at=at) as stored,
        transaction.atomic(),
    ):
        loan = _loan_lock(loan_id, customer)
        _open_check(loan)
        stored["image"].save()
        voucher = Voucher.objects.create(
            loan=loan, customer=customer, kind=spending.kind, amount=spending.amount, merchant=spending.merchant,
            spent_date=spending.spent_date, note=spending.note, image=stored["image"], received_at=at,
            received_date=as_of,
        )  # fmt: skip
        state_change_record(subject=voucher, old="", new=voucher.state, actor=actor, as_of=as_of, at=at)
        audit_record(
            action="voucher.submit", actor=actor, subject=voucher, at=at, as_of=as_of,
            after={"loan": str(loan.pk), "kind": spending.kind, "amount": str(spending.amount)},
        )  # fmt: skip
        notification_send(
            customer=customer, kind="voucher_received", params={"amount": str(voucher.amount)},
            dedupe_key=f"voucher_received:{voucher.pk}", business_date=as_of,
        )  # fmt: skip
    return voucher


def _loan_lock(loan_id: UUID, customer: Customer) -> Loan:
    """The loan under lock, so that parallel uploads count each other."""
    rows = Loan.objects.select_for_update(no_key=True, of=("self",)).select_related("terms")
    loan = rows.filter(pk=loan_id, customer=customer).first()
    if loan is None:
        raise ObjectNotFound
    return loan


def _open_check(loan: Loan) -> None:
    if loan.state != LoanState.ACTIVE:
        raise LoanNotOpen
    if vouchers_of(loan).filter(state=VoucherState.SUBMITTED).count() >= loan.terms.voucher_waiting_max:
        raise VoucherLimit
