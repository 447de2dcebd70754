"""Rearrangements of loans in difficulty: who agreed to what, and how long the loan stays under observation."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from loans.models.loan import NOTHING
from weilidai.lib.ids import uuid7
from weilidai.lib.models import AppendOnlyModel
from weilidai.lib.money import MoneyField, RateField


class Rearrangement(AppendOnlyModel):
    """A new schedule of a loan from `effective_date` on (重组). What it is worth follows from the loan's events.

    Under observation the loan is never classed better than one `class_floor_days` days past due
    (商业银行金融资产风险分类办法, 2023). The customer confirmed the form of the new cost as named here. One that was
    undone is kept, its event reversed; the next one of the loan has its `version` again.
    """

    class Consent(models.TextChoices):
        SIGNED = "signed", _("Signed on paper")
        RECORDED = "recorded", _("Recorded call")
        ONLINE = "online", _("By message")
        APP = "app", _("Confirmed in the app")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    loan = models.ForeignKey(
        verbose_name=_("loan"), to="loans.Loan", on_delete=models.PROTECT, related_name="rearrangements"
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    event = models.OneToOneField(
        verbose_name=_("loan event"), to="loans.LoanEvent", on_delete=models.PROTECT, related_name="rearrangement"
    )
    disclosure = models.OneToOneField(
        verbose_name=_("cost disclosure form"),
        to="loans.CostDisclosure",
        on_delete=models.PROTECT,
        related_name="rearrangement",
    )
    version = models.PositiveSmallIntegerField(_("schedule"))
    effective_date = models.DateField(_("effective date"))
    periods_count = models.PositiveSmallIntegerField(_("periods"))
    first_due_date = models.DateField(_("first due date"))
    last_due_date = models.DateField(_("last due date"))
    daily_rate = RateField(_("daily rate"))
    principal_amount = MoneyField(_("principal"))
    waived_amount = MoneyField(_("waived"), default=NOTHING)
    days_past_due = models.PositiveIntegerField(_("days past due before"))
    class_floor_days = models.PositiveIntegerField(_("class of at least days past due"))
    class_floor_until_date = models.DateField(_("under observation until"))
    consent = models.CharField(_("how the customer agreed"), max_length=10, choices=Consent.choices)
    consent_reference = models.CharField(_("reference of the consent"), max_length=100)

    class Meta:
        verbose_name = _("rearrangement")
        verbose_name_plural = _("rearrangements")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.effective_date} {self.periods_count}"
