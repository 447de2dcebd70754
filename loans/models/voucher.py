"""What a loan was spent on (R52): the demand for proof, the vouchers sent, and forbidden uses found in them."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from risk.models import VoucherConsequence
from risk.rules.purposes import FORBIDDEN_PURPOSES
from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField

NOTHING = Decimal("0.00")
FORBIDDEN_CHOICES = [(purpose.value, purpose.label) for purpose in FORBIDDEN_PURPOSES]


class DemandState(models.TextChoices):
    ASKED = "asked", _("Asked for")
    MISSING = "missing", _("Missing")
    FULFILLED = "fulfilled", _("Proved")
    FORBIDDEN = "forbidden", _("Forbidden use found")
    LAPSED = "lapsed", _("Without object")


# A voucher can still answer these.
WAITING_DEMANDS = (DemandState.ASKED, DemandState.MISSING)


class VoucherDemand(models.Model):
    """Proof asked for when the money of a loan went out, as its terms say; the figures are theirs, copied."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    loan = models.OneToOneField(
        verbose_name=_("loan"), to="loans.Loan", on_delete=models.PROTECT, related_name="voucher_demand"
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"),
        to="accounts.Customer",
        on_delete=models.PROTECT,
        related_name="voucher_demands",
        db_index=False,
    )
    state = StateField(
        _("state"), max_length=10, choices=DemandState.choices, default=DemandState.ASKED, protected=True
    )
    asked_amount = MoneyField(_("to be proved"))
    accepted_amount = MoneyField(_("proved"), default=NOTHING)
    opened_date = models.DateField(_("asked on"))
    due_date = models.DateField(_("to be sent by"))
    next_reminder_date = models.DateField(_("next reminder on"), null=True, blank=True)
    reminders_count = models.PositiveSmallIntegerField(_("reminders sent"), default=0)
    consequence = models.CharField(_("what follows if none comes"), max_length=10, choices=VoucherConsequence.choices)

    class Meta:
        verbose_name = _("demand for vouchers")
        verbose_name_plural = _("demands for vouchers")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(asked_amount__gt=0), name="demand_positive"),
        ]
        indexes = [
            # Serve the night: what is to be reminded of, what ran out.
            models.Index(fields=["next_reminder_date"], condition=models.Q(state="asked"), name="demand_by_reminder"),
            models.Index(fields=["due_date"], condition=models.Q(state="asked"), name="demand_by_due"),
            # Serves the question before a loan, the list of the missing and the count on the desk.
            models.Index(fields=["customer"], condition=models.Q(state="missing"), name="demand_missing"),
            models.Index(fields=["customer", "-id"], name="demand_by_customer"),
            # Serves the list by state.
            models.Index(fields=["state", "-id"], name="demand_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.asked_amount} {self.due_date}"

    @property
    def rest_amount(self) -> Decimal:
        """Yuan still to be proved."""
        rest: Decimal = self.asked_amount - self.accepted_amount
        return max(rest, NOTHING)

    @transition(field=state, source=list(WAITING_DEMANDS), target=DemandState.FULFILLED)
    def fulfil(self) -> None:
        """Enough of the principal is proved."""

    @transition(field=state, source=DemandState.ASKED, target=DemandState.MISSING)
    def miss(self) -> None:
        """The last day is over and too little came."""

    @transition(field=state, source=[*WAITING_DEMANDS, DemandState.FULFILLED], target=DemandState.FORBIDDEN)
    def forbid(self) -> None:
        """A voucher shows a use that is forbidden."""

    @transition(field=state, source=list(WAITING_DEMANDS), target=DemandState.LAPSED)
    def lapse(self) -> None:
        """The loan is open no more."""

    @transition(field=state, source=DemandState.LAPSED, target=DemandState.ASKED)
    def reopen(self) -> None:
        """What had closed the loan was taken back."""


class VoucherKind(models.TextChoices):
    INVOICE = "invoice", _("Invoice")
    RECEIPT = "receipt", _("Receipt")
    CONTRACT = "contract", _("Contract")
    TRANSFER = "transfer", _("Payment record")
    OTHER = "other", _("Other")


class VoucherState(models.TextChoices):
    SUBMITTED = "submitted", _("Submitted")
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")
    FORBIDDEN = "forbidden", _("Forbidden use found")


class Voucher(models.Model):
    """A picture that tells what money of a loan was spent on, and what the customer says of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    loan = models.ForeignKey(
        verbose_name=_("loan"), to="loans.Loan", on_delete=models.PROTECT, related_name="vouchers", db_index=False
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="vouchers"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=VoucherKind.choices)
    amount = MoneyField(_("amount"))
    merchant = models.CharField(_("merchant"), max_length=120)
    spent_date = models.DateField(_("spent on"))
    note = models.CharField(_("note"), max_length=500, blank=True, default="")
    image = models.OneToOneField(
        verbose_name=_("stored image"), to="accounts.StoredImage", on_delete=models.PROTECT, related_name="+"
    )
    state = StateField(
        _("state"), max_length=10, choices=VoucherState.choices, default=VoucherState.SUBMITTED, protected=True
    )
    received_at = models.DateTimeField(_("received at"))
    received_date = models.DateField(_("received on"))
    answer = models.CharField(_("answer"), max_length=500, blank=True, default="")
    reviewed_by = models.ForeignKey(
        verbose_name=_("reviewed by"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True, blank=True)
    # Who looks at it, until a moment; it comes free by itself.
    claimed_by = models.ForeignKey(
        verbose_name=_("worked on by"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    claimed_until = models.DateTimeField(_("worked on until"), null=True, blank=True)

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="voucher_positive")]
        indexes = [
            # Serve the review queue, oldest first, and a loan's list.
            models.Index(fields=["id"], condition=models.Q(state="submitted"), name="voucher_waiting"),
            models.Index(fields=["loan", "-id"], name="voucher_by_loan"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"

    @transition(field=state, source=VoucherState.SUBMITTED, target=VoucherState.ACCEPTED)
    def accept(self) -> None:
        """It proves its amount."""

    @transition(field=state, source=VoucherState.SUBMITTED, target=VoucherState.REJECTED)
    def reject(self) -> None:
        """It proves nothing; another one may be sent."""

    @transition(field=state, source=VoucherState.SUBMITTED, target=VoucherState.FORBIDDEN)
    def forbid(self) -> None:
        """It shows that the money went where no loan may go."""


class ForbiddenUseState(models.TextChoices):
    STANDING = "standing", _("Standing")
    LIFTED = "lifted", _("Lifted")


class ForbiddenUse(models.Model):
    """A loan found in a forbidden use. While it stands its customer gets no loan; two persons can lift it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="forbidden_uses"
    )
    loan = models.ForeignKey(
        verbose_name=_("loan"), to="loans.Loan", on_delete=models.PROTECT, related_name="forbidden_uses"
    )
    voucher = models.OneToOneField(
        verbose_name=_("voucher"), to=Voucher, on_delete=models.PROTECT, related_name="forbidden_use"
    )
    use = models.CharField(_("use"), max_length=20, choices=FORBIDDEN_CHOICES)
    state = StateField(
        _("state"),
        max_length=10,
        choices=ForbiddenUseState.choices,
        default=ForbiddenUseState.STANDING,
        protected=True,
    )
    reason = models.CharField(_("reason"), max_length=500)
    found_by = models.ForeignKey(
        verbose_name=_("found by"), to=settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    found_at = models.DateTimeField(_("found at"))
    found_date = models.DateField(_("found on"))
    lift_reason = models.CharField(_("reason of the lifting"), max_length=500, blank=True, default="")
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)

    class Meta:
        verbose_name = _("forbidden use")
        verbose_name_plural = _("forbidden uses")
        ordering = ["-id"]
        indexes = [
            # Serves the question before every loan.
            models.Index(fields=["customer"], condition=models.Q(state="standing"), name="forbidden_use_standing"),
        ]
        permissions = [("lift_forbiddenuse", _("Can decide that a forbidden use is lifted"))]

    def __str__(self) -> str:
        return f"{self.get_use_display()} {self.found_date}"

    @transition(field=state, source=ForbiddenUseState.STANDING, target=ForbiddenUseState.LIFTED)
    def lift(self) -> None:
        """Its customer may borrow again."""
