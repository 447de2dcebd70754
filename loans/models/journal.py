"""The double-entry journal: entries and postings are written once and never changed; a mistake is reversed."""

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField
from weilidai.lib.owner import OwnerField


class LedgerAccount(models.Model):
    class Kind(models.TextChoices):
        ASSET = "asset", _("Asset")
        LIABILITY = "liability", _("Liability")
        INCOME = "income", _("Income")
        EXPENSE = "expense", _("Expense")

    code = models.CharField(_("code"), primary_key=True, max_length=10)
    name_zh = models.CharField(_("name (Chinese)"), max_length=80)
    name_en = models.CharField(_("name (English)"), max_length=80)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)

    class Meta:
        verbose_name = _("ledger account")
        verbose_name_plural = _("ledger accounts")
        ordering = ["code"]

    def __str__(self) -> str:
        name = self.name_zh if (get_language() or "zh").startswith("zh") else self.name_en
        return f"{self.code} {name}"


class EntryKind(models.TextChoices):
    DISBURSEMENT = "disbursement", _("Disbursement")
    PAYOUT_SENT = "payout_sent", _("Payout sent")
    PAYOUT_FAILED = "payout_failed", _("Payout failed")
    ACCRUAL = "accrual", _("Accrual")
    PENALTY = "penalty", _("Penalty charged")
    FEE = "fee", _("Fee charged")
    REPAYMENT = "repayment", _("Repayment")
    SETTLEMENT = "settlement", _("Early settlement")
    REVERSAL = "reversal", _("Reversal")
    PAYOUT_RETURN = "payout_return", _("Payout returned")
    WRITE_OFF = "write_off", _("Write-off")
    RECOVERY = "recovery", _("Recovery after write-off")
    RECEIPT = "receipt", _("Money received unasked")
    REFUND = "refund", _("Refund")
    RELIEF = "relief", _("Relief in a rearrangement")


class JournalEntry(models.Model):
    """One balanced movement. `reference` makes it happen once however often it is asked for."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=20, choices=EntryKind.choices)
    reference = models.CharField(_("reference"), max_length=120, unique=True)
    effective_date = models.DateField(_("effective date"))
    posted_at = models.DateTimeField(_("posted at"))
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, null=True, related_name="+"
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, null=True, related_name="+"
    )
    loan = models.ForeignKey(
        verbose_name=_("loan"), to="loans.Loan", on_delete=models.PROTECT, null=True, related_name="journal_entries"
    )

    class Meta:
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal entries")
        ordering = ["-id"]
        indexes = [models.Index(fields=["effective_date", "kind"], name="entry_by_day")]

    def __str__(self) -> str:
        return self.reference


class Posting(models.Model):
    class Side(models.TextChoices):
        DEBIT = "debit", _("Debit")
        CREDIT = "credit", _("Credit")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    entry = models.ForeignKey(
        verbose_name=_("journal entry"), to=JournalEntry, on_delete=models.PROTECT, related_name="postings"
    )
    ledger_account = models.ForeignKey(
        verbose_name=_("ledger account"), to=LedgerAccount, on_delete=models.PROTECT, related_name="+"
    )
    side = models.CharField(_("side"), max_length=6, choices=Side.choices)
    amount = MoneyField(_("amount"))
    # Empty in entries of a product: accruals are nobody's.
    customer_id = OwnerField(of="entry")

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="posting_positive")]

    def __str__(self) -> str:
        return f"{self.side} {self.ledger_account_id} {self.amount}"
