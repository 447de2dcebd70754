"""How the book proves itself: the chain of seals over the journal, closed periods, faults that were found."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from loans.models.journal import LedgerAccount
from weilidai.lib.ids import uuid7
from weilidai.lib.models import AppendOnlyModel
from weilidai.lib.money import MoneyField


class JournalSeal(AppendOnlyModel):
    """A link of the chain: the hash of an entry with its postings and of the seal before it.

    `entry_id` is no foreign key: the seal must outlive an entry that somebody takes out by force, to tell of it.
    """

    sequence = models.BigIntegerField(_("sequence"), primary_key=True)
    entry_id = models.UUIDField(_("journal entry"), unique=True)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    sealed_at = models.DateTimeField(_("sealed at"))

    class Meta:
        verbose_name = _("seal of the journal")
        verbose_name_plural = _("seals of the journal")
        ordering = ["-sequence"]

    def __str__(self) -> str:
        return str(self.sequence)


class JournalChain(models.Model):
    """The end of the chain, one row: its lock lets one sealer work at a time, its figures show a cut tail."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField(_("sequence"), default=0)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True, default="")
    # The newest entry sealed: what was committed late is looked for from a while before it.
    horizon = models.UUIDField(null=True)

    class Meta:
        verbose_name = _("end of the chain of seals")
        verbose_name_plural = _("end of the chain of seals")

    def __str__(self) -> str:
        return str(self.sequence)


class AccountingPeriod(models.Model):
    """A calendar month that was closed: nothing is posted into it any more. Months without a row are open."""

    first_day = models.DateField(_("month"), primary_key=True)
    closed_at = models.DateTimeField(_("closed at"))
    closed_by = models.ForeignKey(
        verbose_name=_("closed by"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    entries_count = models.PositiveBigIntegerField(_("journal entries"))
    turnover_amount = MoneyField(_("debits of the month"))
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("closed period")
        verbose_name_plural = _("closed periods")
        ordering = ["-first_day"]

    def __str__(self) -> str:
        return f"{self.first_day:%Y-%m}"


class PeriodBalance(models.Model):
    """What stood on a ledger account, per product, at the end of a closed month: debits less credits since ever."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    period = models.ForeignKey(
        verbose_name=_("closed period"), to=AccountingPeriod, on_delete=models.PROTECT, related_name="balances"
    )
    ledger_account = models.ForeignKey(
        verbose_name=_("ledger account"), to=LedgerAccount, on_delete=models.PROTECT, related_name="+"
    )
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, null=True, related_name="+"
    )
    closing_amount = MoneyField(_("closing"))

    class Meta:
        verbose_name = _("balance of a closed period")
        verbose_name_plural = _("balances of closed periods")
        ordering = ["period_id", "ledger_account_id"]
        constraints = [
            models.UniqueConstraint(fields=["period", "ledger_account", "product"], name="period_balance_once"),
            models.UniqueConstraint(
                fields=["period", "ledger_account"],
                condition=models.Q(product__isnull=True),
                name="period_balance_once_without_product",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period_id} {self.ledger_account_id} {self.closing_amount}"


class BookFault(models.Model):
    """A broken invariant the continuous checker saw; resolved by a later pass that no longer sees it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    check_name = models.CharField(_("check"), max_length=60)
    subject = models.CharField(_("row"), max_length=120)
    detail = models.CharField(_("detail"), max_length=500)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)

    class Meta:
        verbose_name = _("fault in the books")
        verbose_name_plural = _("faults in the books")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["check_name", "subject"],
                condition=models.Q(resolved_at__isnull=True),
                name="one_open_fault_per_row",
            )
        ]

    def __str__(self) -> str:
        return f"{self.check_name} {self.subject}"
