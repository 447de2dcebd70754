from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from risk.models.product import TierCode
from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField, RateField


def available_of(limit: Decimal, received: Decimal, used: Decimal, gifted: Decimal) -> Decimal:
    """What can be drawn now; never negative, also after a limit was lowered."""
    return max(limit + received - used - gifted, Decimal("0.00"))


class LineState(models.TextChoices):
    ACTIVE = "active", _("Active")
    FROZEN = "frozen", _("Frozen")
    CLOSED = "closed", _("Closed")


class FreezeReason(models.TextChoices):
    STAFF = "staff", _("By staff")
    UNUSUAL_PLACE = "unusual_place", _("Login from an unusual place")
    RISK_LAYER = "risk_layer", _("Risk check")
    OVERDUE = "overdue", _("Overdue loan")


class CreditLine(models.Model):
    """A revolving line. Limit, used and gifted change only under this row's lock, through its services.

    `used_amount` is outstanding principal plus loans on their way out; `gifted_amount` what is lent to friends' lines,
    `received_amount` what friends lent to this one. A line opened by a gift has no application and a limit of 0.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="credit_lines"
    )
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="+"
    )
    application = models.OneToOneField(
        verbose_name=_("credit application"),
        to="risk.CreditApplication",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="credit_line",
    )
    state = StateField(_("state"), max_length=10, choices=LineState.choices, default=LineState.ACTIVE, protected=True)
    tier = models.CharField(_("tier"), max_length=20, choices=TierCode.choices)
    limit_amount = MoneyField(_("limit"))
    used_amount = MoneyField(_("used"), default=Decimal("0.00"))
    gifted_amount = MoneyField(_("gifted"), default=Decimal("0.00"))
    received_amount = MoneyField(_("received as gift"), default=Decimal("0.00"), db_default=Decimal("0.00"))
    daily_rate = RateField(_("daily rate"))
    penalty_share = RateField(_("penalty share"))
    opened_date = models.DateField(_("opened on"))
    frozen_reason = models.CharField(
        _("frozen because"), max_length=30, choices=FreezeReason.choices, blank=True, default=""
    )
    frozen_at = models.DateTimeField(_("frozen at"), null=True, blank=True)

    class Meta:
        verbose_name = _("credit line")
        verbose_name_plural = _("credit lines")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "product"], condition=~models.Q(state="closed"), name="one_open_line"
            ),
            models.CheckConstraint(condition=models.Q(limit_amount__gte=0), name="line_limit_not_negative"),
            models.CheckConstraint(condition=models.Q(used_amount__gte=0), name="line_used_not_negative"),
            models.CheckConstraint(condition=models.Q(gifted_amount__gte=0), name="line_gifted_not_negative"),
            models.CheckConstraint(condition=models.Q(received_amount__gte=0), name="line_received_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} {self.limit_amount}"

    @property
    def available_amount(self) -> Decimal:
        return available_of(self.limit_amount, self.received_amount, self.used_amount, self.gifted_amount)

    @property
    def own_free_amount(self) -> Decimal:
        """What can be given away: the free part of the own limit, which is used before what friends gave (R44)."""
        free: Decimal = self.limit_amount - self.used_amount - self.gifted_amount
        return max(free, Decimal("0.00"))

    @transition(field=state, source=LineState.ACTIVE, target=LineState.FROZEN)
    def freeze(self) -> None:
        """Drawing stops, repaying stays open."""

    @transition(field=state, source=LineState.FROZEN, target=LineState.ACTIVE)
    def unfreeze(self) -> None:
        """Drawing is open again."""

    @transition(field=state, source=[LineState.ACTIVE, LineState.FROZEN], target=LineState.CLOSED)
    def close(self) -> None:
        """The line is given up; its limit no longer counts."""


class LineChange(models.Model):
    """Every change of a line's limit, rate or tier, with why and by whom."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    credit_line = models.ForeignKey(
        verbose_name=_("credit line"), to=CreditLine, on_delete=models.PROTECT, related_name="changes"
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    business_date = models.DateField(_("business date"))
    at = models.DateTimeField(_("time"))
    reason = models.CharField(_("reason"), max_length=200)
    actor_name = models.CharField(_("by"), max_length=150)
    old_limit_amount = MoneyField(_("old limit"), null=True, blank=True)
    new_limit_amount = MoneyField(_("new limit"))
    old_daily_rate = RateField(_("old daily rate"), null=True, blank=True)
    new_daily_rate = RateField(_("new daily rate"))
    old_tier = models.CharField(_("old tier"), max_length=20, blank=True, default="", choices=TierCode.choices)
    new_tier = models.CharField(_("new tier"), max_length=20, choices=TierCode.choices)

    class Meta:
        verbose_name = _("change of a line")
        verbose_name_plural = _("changes of lines")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.business_date} {self.new_limit_amount}"
