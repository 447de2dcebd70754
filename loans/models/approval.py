from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7


class ApprovalKind(models.TextChoices):
    RECEIPT = "receipt", _("Enter money received unasked")
    APPLY = "apply", _("Apply unapplied money to a loan")
    REFUND = "refund", _("Refund unapplied money")
    LATE_ENTRY = "late_entry", _("Enter a repayment of an earlier day")
    REVERSE_REPAYMENT = "reverse_repayment", _("Reverse a repayment")
    RETURN_PAYOUT = "return_payout", _("The bank returned a payout")
    WRITE_OFF = "write_off", _("Write off")
    RESTORE = "restore", _("Reverse a write-off")
    REARRANGE = "rearrange", _("Rearrange a loan in difficulty")
    UNDO_REARRANGEMENT = "undo_rearrangement", _("Undo a rearrangement")


class ApprovalState(models.TextChoices):
    OPEN = "open", _("Open")
    OFFERED = "offered", _("Approved, offered to the customer")
    AGREED = "agreed", _("Agreed, waits for its day")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    DECLINED = "declined", _("Refused by the customer")
    EXPIRED = "expired", _("Expired")
    FAILED = "failed", _("Could not be done on its day")


class Approval(models.Model):
    """An act on a loan or a customer's money that needs two persons: asked for by one, done by another's word.

    `payload` holds what will be done, in plain values; `applied_to` names what came of it, or the code of the refusal.
    With `begins_date` it is done on that day, by the night; `wish` is what the customer asked for, where it began so.
    A rearrangement the customer is asked about in the app is `offered` first (`RearrangementOffer`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=20, choices=ApprovalKind.choices)
    state = StateField(_("state"), max_length=10, choices=ApprovalState.choices, default="open", protected=True)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="approvals"
    )
    loan = models.ForeignKey(
        verbose_name=_("loan"),
        to="loans.Loan",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="approvals",
    )
    payload = models.JSONField(_("content"))
    reason = models.CharField(_("reason"), max_length=300)
    requested_by = models.ForeignKey(
        verbose_name=_("asked by"), to="accounts.StaffUser", on_delete=models.PROTECT, related_name="+"
    )
    requested_at = models.DateTimeField(_("asked at"))
    business_date = models.DateField(_("business date"))
    expires_date = models.DateField(_("expires after"))
    decided_by = models.ForeignKey(
        verbose_name=_("decided by"),
        to="accounts.StaffUser",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decision_reason = models.CharField(_("word on the decision"), max_length=300, blank=True, default="")
    begins_date = models.DateField(_("begins on"), null=True, blank=True)
    wish = models.ForeignKey(
        verbose_name=_("wish for relief"),
        to="loans.CollectionAction",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="approvals",
    )
    applied_to = models.CharField(_("what came of it"), max_length=100, blank=True, default="")

    class Meta:
        verbose_name = _("act for two persons")
        verbose_name_plural = _("acts for two persons")
        ordering = ["-id"]
        permissions = [
            ("request_money", _("Can ask for acts on money (two persons)")),
            ("request_relief", _("Can ask for relief: write-offs, rearrangements (two persons)")),
            ("decide_approval", _("Can decide acts that need two persons")),
        ]
        indexes = [models.Index(fields=["state", "expires_date"], name="approval_open")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.business_date}"

    @transition(field=state, source=ApprovalState.OPEN, target=ApprovalState.APPROVED)
    def approve(self) -> None:
        """A second person agreed and it was done."""

    @transition(field=state, source=ApprovalState.OPEN, target=ApprovalState.AGREED)
    def agree(self) -> None:
        """A second person agreed; it is done on its day."""

    @transition(field=state, source=ApprovalState.AGREED, target=ApprovalState.APPROVED)
    def begin(self) -> None:
        """Its day came and it was done."""

    @transition(field=state, source=ApprovalState.OPEN, target=ApprovalState.OFFERED)
    def propose(self) -> None:
        """A second person agreed; now the customer is asked."""

    @transition(field=state, source=ApprovalState.OFFERED, target=ApprovalState.APPROVED)
    def accept(self) -> None:
        """The customer agreed and it was done."""

    @transition(field=state, source=ApprovalState.OFFERED, target=ApprovalState.AGREED)
    def accept_ahead(self) -> None:
        """The customer agreed; it is done on its day."""

    @transition(field=state, source=ApprovalState.OFFERED, target=ApprovalState.DECLINED)
    def decline(self) -> None:
        """The customer keeps the loan as it is."""

    @transition(field=state, source=[ApprovalState.AGREED, ApprovalState.OFFERED], target=ApprovalState.FAILED)
    def fail(self) -> None:
        """Its day came and a rule said no, or the loan changed before the customer answered."""

    @transition(
        field=state,
        source=[ApprovalState.OPEN, ApprovalState.AGREED, ApprovalState.OFFERED],
        target=ApprovalState.REJECTED,
    )
    def reject(self) -> None:
        """A second person refused, or the first took it back; also while it waits for its day or for the customer."""

    @transition(field=state, source=[ApprovalState.OPEN, ApprovalState.OFFERED], target=ApprovalState.EXPIRED)
    def expire(self) -> None:
        """Nobody decided in time, or the customer did not answer."""
