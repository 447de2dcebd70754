from decimal import Decimal

from django.db import models
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from risk.models import FeeBase, PenaltyMethod
from risk.rules.purposes import LoanPurpose
from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField, RateField
from weilidai.lib.owner import OwnerField

NOTHING = Decimal("0.00")


class LoanState(models.TextChoices):
    DISBURSING = "disbursing", _("Disbursing")
    ACTIVE = "active", _("Active")
    SETTLED = "settled", _("Settled")
    FAILED = "failed", _("Failed")
    WRITTEN_OFF = "written_off", _("Written off")


class LoanPlan(models.TextChoices):
    SINGLE = "single", _("Single payment")
    INSTALMENTS = "instalments", _("Instalments")


class Loan(models.Model):
    """One drawdown on a line. The figures of its terms are copied at request: later policy never touches it.

    Interest on a date is the closed formula over `interest_settled_amount` and the segment that started on
    `segment_start_date` with `outstanding_principal_amount`; only events write the row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Keys without an index of their own are the first column of another: each index is written at every event.
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="loans",
        db_index=False,
    )  # fmt: skip
    credit_line = models.ForeignKey(
        verbose_name=_("credit line"), to="risk.CreditLine", on_delete=models.PROTECT, related_name="loans",
        db_index=False,
    )  # fmt: skip
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="+"
    )
    terms = models.ForeignKey(
        verbose_name=_("product terms"), to="risk.ProductTerms", on_delete=models.PROTECT, related_name="+"
    )
    bank_card = models.ForeignKey(
        verbose_name=_("bank card"), to="accounts.BankCard", on_delete=models.PROTECT, related_name="+"
    )
    disclosure = models.OneToOneField(
        verbose_name=_("cost disclosure form"), to="loans.CostDisclosure", on_delete=models.PROTECT, related_name="loan"
    )
    state = StateField(
        _("state"), max_length=12, choices=LoanState.choices, default=LoanState.DISBURSING, protected=True
    )
    purpose = models.CharField(_("purpose"), max_length=20, choices=LoanPurpose.choices)
    plan = models.CharField(_("plan"), max_length=12, choices=LoanPlan.choices)
    principal_amount = MoneyField(_("principal"))
    daily_rate = RateField(_("daily rate"))
    days_count = models.PositiveSmallIntegerField(_("days"), null=True, blank=True)
    periods_count = models.PositiveSmallIntegerField(_("periods"), null=True, blank=True)
    fee_rate = RateField(_("fee per period"), default=Decimal("0"))
    fee_base = models.CharField(_("fee base"), max_length=20, choices=FeeBase.choices)
    with_interest = models.BooleanField(_("with interest"), default=True)
    prepaid_fee_discount = RateField(_("discount for a period paid ahead"), default=Decimal("0"))
    settlement_fee_rate = RateField(_("early settlement fee"))
    penalty_method = models.CharField(_("penalty method"), max_length=20, choices=PenaltyMethod.choices)
    penalty_share = RateField(_("penalty share"))
    cost_cap_rate = RateField(_("cost cap, a year"), null=True, blank=True, help_text=_("empty: cap switched off"))
    early_fees_in_cap = models.BooleanField(_("early fees inside the cap"), default=False)

    requested_at = models.DateTimeField(_("requested at"))
    requested_date = models.DateField(_("requested on"))
    disbursed_at = models.DateTimeField(_("disbursed at"), null=True, blank=True)
    start_date = models.DateField(_("paid out on"), null=True, blank=True)
    due_date = models.DateField(_("last due date"), null=True, blank=True)
    settled_date = models.DateField(_("settled on"), null=True, blank=True)

    outstanding_principal_amount = MoneyField(_("outstanding principal"), default=NOTHING)
    segment_start_date = models.DateField(_("interest runs from"), null=True, blank=True)
    interest_settled_amount = MoneyField(_("interest up to the last event"), default=NOTHING)
    interest_paid_amount = MoneyField(_("interest paid"), default=NOTHING)
    fee_charged_amount = MoneyField(_("fees charged"), default=NOTHING)
    fee_paid_amount = MoneyField(_("fees paid"), default=NOTHING)
    settlement_fee_amount = MoneyField(_("settlement fee paid"), default=NOTHING)
    penalty_claimed_amount = MoneyField(_("penalty claimed"), default=NOTHING)
    penalty_charged_amount = MoneyField(_("penalty charged"), default=NOTHING)
    penalty_paid_amount = MoneyField(_("penalty paid"), default=NOTHING)
    # The figures up to the last event, kept so that the night need not replay the loan. `fee_charged_amount` and
    # `penalty_claimed_amount` hold on `figures_date`: the night carries them on when a period starts or falls due.
    exposure_amount = models.DecimalField(
        _("principal times days, yuan-days"), max_digits=24, decimal_places=2, null=True, blank=True
    )
    figures_date = models.DateField(_("figures of"), null=True, blank=True)
    # The bucket of the newest overdue fact.
    recorded_bucket = models.CharField(_("recorded bucket"), max_length=20, default="0", db_default="0")
    # Oldest unpaid due date: kept at events, so that lists of overdue loans are one index scan.
    next_due_date = models.DateField(_("oldest unpaid due date"), null=True, blank=True)
    # What is given up counts among what is paid, so that receivables close; this tells it apart.
    penalty_waived_amount = MoneyField(_("penalty waived"), default=NOTHING, db_default=NOTHING)
    # The day the schedule in force began, or came back; such a loan is told by its events, never by its columns alone.
    rearranged_date = models.DateField(_("rearranged on"), null=True, blank=True)
    # The business date on which what lay behind was last rewritten: a night of an earlier day replays the loan.
    replayed_date = models.DateField(_("history rewritten on"), null=True, blank=True)
    # Since the night of which day what an ended loan had earned is in `FoldedEarnings`, and no night asks its row.
    folded_date = models.DateField(_("earnings folded on"), null=True, blank=True)
    # When that was taken back because something was entered: a night of an earlier day still has it there.
    unfolded_date = models.DateField(_("earnings unfolded on"), null=True, blank=True)

    class Meta:
        verbose_name = _("loan")
        verbose_name_plural = _("loans")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(principal_amount__gt=0), name="loan_principal_positive"),
            models.CheckConstraint(
                condition=models.Q(outstanding_principal_amount__gte=0), name="loan_outstanding_not_negative"
            ),
            # Who brings a loan back to life must unfold it first (`loans/services/folding.py`).
            models.CheckConstraint(
                condition=models.Q(folded_date__isnull=True) | ~models.Q(state="active"), name="loan_folded_has_ended"
            ),
        ]
        indexes = [
            # Serves the customer's list, the line's sum and the night's scan of what falls due.
            models.Index(fields=["customer", "-id"], name="loan_by_customer"),
            models.Index(fields=["credit_line", "state"], name="loan_by_line"),
            models.Index(fields=["state", "next_due_date", "id"], name="loan_by_due_date"),
            # Serves the night: who stands in a bucket may leave it. By key, as the night goes by ranges of keys.
            models.Index(fields=["id"], condition=~models.Q(recorded_bucket="0"), name="loan_in_bucket"),
            # Serves the night: the few whose columns may not tell what they earned.
            models.Index(
                fields=["id"],
                condition=models.Q(state="active")
                & (
                    models.Q(exposure_amount__isnull=True)
                    | models.Q(penalty_method="rate_uplift")
                    | models.Q(rearranged_date__isnull=False)
                    | models.Q(plan="instalments", with_interest=True)
                ),
                name="loan_with_history",
            ),
            # Serves the night: all whose earnings it has to add up.
            models.Index(
                fields=["id"],
                condition=models.Q(folded_date__isnull=True, start_date__isnull=False),
                name="loan_not_folded",
            ),
            # Serves the night and the list: the few that were rearranged.
            models.Index(
                fields=["rearranged_date"], condition=models.Q(rearranged_date__isnull=False), name="loan_rearranged"
            ),
        ]

    # What a file of many rows reads to name a loan.
    TOLD_BY = ("product_id", "principal_amount")

    def __str__(self) -> str:
        return self.told(self.product_id, self.principal_amount)

    @staticmethod
    def told(product_id: str, principal_amount: Decimal) -> str:
        return f"{product_id} {principal_amount}"

    @transition(field=state, source=LoanState.DISBURSING, target=LoanState.ACTIVE)
    def disburse(self) -> None:
        """The bank confirmed that the money went out."""

    @transition(field=state, source=LoanState.DISBURSING, target=LoanState.FAILED)
    def fail(self) -> None:
        """The bank confirmed that no money went out."""

    @transition(field=state, source=LoanState.ACTIVE, target=LoanState.SETTLED)
    def settle(self) -> None:
        """Nothing is owed any more."""

    @transition(field=state, source=LoanState.ACTIVE, target=LoanState.WRITTEN_OFF)
    def write_off(self) -> None:
        """Given up as uncollectable; the claim stays."""

    @transition(field=state, source=LoanState.SETTLED, target=LoanState.ACTIVE)
    def reopen(self) -> None:
        """What had settled it was taken back."""

    @transition(field=state, source=LoanState.WRITTEN_OFF, target=LoanState.ACTIVE)
    def restore(self) -> None:
        """The write-off was a mistake and is reversed."""

    @transition(field=state, source=[LoanState.ACTIVE, LoanState.SETTLED], target=LoanState.FAILED)
    def return_payout(self) -> None:
        """The bank sent the money back: there never was a loan."""


class Instalment(models.Model):
    """One due date of a loan; a single-payment loan has one. `interest` and `fee` are the disclosed amounts.

    Schedules are kept: `version` 0 was agreed at drawdown, each rearrangement brings the next. A row that was replaced
    is closed on that day, `moved_amount` is the principal of it that went into the new schedule. So is one of a new
    schedule that was undone, with all of its principal.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    loan = models.ForeignKey(
        verbose_name=_("loan"), to=Loan, on_delete=models.PROTECT, related_name="instalments", db_index=False
    )
    number = models.PositiveSmallIntegerField(_("number"))
    start_date = models.DateField(_("from"))
    due_date = models.DateField(_("due date"))
    principal_amount = MoneyField(_("principal"))
    interest_amount = MoneyField(_("interest"))
    fee_amount = MoneyField(_("fee"))
    principal_paid_amount = MoneyField(_("principal paid"), default=NOTHING)
    interest_paid_amount = MoneyField(_("interest paid"), default=NOTHING)
    fee_paid_amount = MoneyField(_("fee paid"), default=NOTHING)
    settled_date = models.DateField(_("settled on"), null=True, blank=True)
    version = models.PositiveSmallIntegerField(_("schedule"), default=0, db_default=0)
    moved_amount = MoneyField(_("moved to the new schedule"), default=NOTHING, db_default=NOTHING)
    # Of this principal a penalty may be claimed at most, so that none is claimed for twice; empty: for all of it.
    claimable_amount = MoneyField(_("penalty may be claimed for"), null=True, blank=True)
    customer_id = OwnerField(of="loan")

    class Meta:
        verbose_name = _("instalment")
        verbose_name_plural = _("instalments")
        ordering = ["loan_id", "number"]
        constraints = [models.UniqueConstraint(fields=["loan", "number"], name="instalment_once")]
        indexes = [
            # Serves the night: whose fee is charged because its period starts.
            models.Index(
                fields=["start_date", "loan"],
                condition=models.Q(settled_date__isnull=True),
                name="instalment_by_start",
            ),
            # Serves reminders and the night: what falls due on a day and is not paid.
            models.Index(
                fields=["due_date", "loan"],
                condition=models.Q(settled_date__isnull=True),
                name="instalment_unpaid_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.due_date}"


class LoanEvent(models.Model):
    """What happened to a loan, in the order it became known: replaying these gives the row's figures again.

    Rows are never changed. `effective_date` is the day it counts from, `business_date` the day it was entered;
    a reversal names what it reverses, which from then on never was. The amounts are those of the day of entry.
    """

    class Kind(models.TextChoices):
        DRAWDOWN = "drawdown", _("Drawdown")
        REPAYMENT = "repayment", _("Repayment")
        SETTLEMENT = "settlement", _("Early settlement")
        PENALTY = "penalty", _("Penalty")
        FEE = "fee", _("Fee")
        REVERSAL = "reversal", _("Reversal")
        PAYOUT_RETURN = "payout_return", _("Payout returned")
        WRITE_OFF = "write_off", _("Write-off")
        REARRANGEMENT = "rearrangement", _("Rearrangement")

    class Funding(models.TextChoices):
        BANK = "bank", _("Bank")
        UNAPPLIED = "unapplied", _("Unapplied money")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    loan = models.ForeignKey(
        verbose_name=_("loan"), to=Loan, on_delete=models.PROTECT, related_name="events", db_index=False
    )
    sequence = models.PositiveIntegerField(_("sequence"))
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    effective_date = models.DateField(_("effective date"))
    business_date = models.DateField(_("entered on"))
    funding = models.CharField(_("paid from"), max_length=10, choices=Funding.choices, default=Funding.BANK)
    reverses = models.OneToOneField(
        verbose_name=_("reverses"),
        to="self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reversed_by",
    )
    posted_at = models.DateTimeField(_("posted at"))
    principal_amount = MoneyField(_("principal"), default=NOTHING)
    interest_amount = MoneyField(_("interest"), default=NOTHING)
    fee_amount = MoneyField(_("fee"), default=NOTHING)
    penalty_amount = MoneyField(_("penalty"), default=NOTHING)
    outstanding_principal_amount = MoneyField(_("outstanding principal after"))
    # What a rearrangement agreed, as `loans.maths.rearrangement.Agreed` writes it.
    agreed = models.JSONField(_("agreed"), null=True, blank=True)
    entry = models.ForeignKey(
        verbose_name=_("journal entry"),
        to="loans.JournalEntry",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    customer_id = OwnerField(of="loan")

    class Meta:
        verbose_name = _("loan event")
        verbose_name_plural = _("loan events")
        ordering = ["loan_id", "sequence"]
        constraints = [models.UniqueConstraint(fields=["loan", "sequence"], name="event_sequence_once")]
        # Serves the night: loans of a range on which something happened on the day being closed, or after it.
        indexes = [models.Index(fields=["business_date", "loan"], name="event_by_date")]

    def __str__(self) -> str:
        return f"{self.sequence} {self.get_kind_display()}"


class LoanTally(models.Model):
    """What the events of a loan add up to, kept for loans that have many: reading such a loan replays nothing.

    Written at each event from the replay of all of them. It counts only while `sequence` is that of the loan's newest
    event; what is decided about money never starts from it.
    """

    loan = models.OneToOneField(
        verbose_name=_("loan"), to=Loan, on_delete=models.PROTECT, primary_key=True, related_name="tally"
    )
    sequence = models.PositiveIntegerField(_("sequence of the newest event"))
    content = models.JSONField(_("content"))
    customer_id = OwnerField(of="loan")

    class Meta:
        verbose_name = _("tally of a loan")
        verbose_name_plural = _("tallies of loans")

    def __str__(self) -> str:
        return f"{self.loan_id} {self.sequence}"


class CostDisclosure(models.Model):
    """The form of R59: every charge, shown before the loan and confirmed; what is charged never exceeds it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    credit_line = models.ForeignKey(
        verbose_name=_("credit line"), to="risk.CreditLine", on_delete=models.PROTECT, related_name="+"
    )
    form_version = models.CharField(_("version of the form"), max_length=20)
    terms_key = models.CharField(_("terms key"), max_length=64, help_text=_("hash of amount, plan, term and prices"))
    content = models.JSONField(_("content"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    shown_at = models.DateTimeField(_("shown at"))
    business_date = models.DateField(_("business date"))
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("cost disclosure form")
        verbose_name_plural = _("cost disclosure forms")
        ordering = ["-id"]
        indexes = [models.Index(fields=["credit_line", "terms_key", "-id"], name="disclosure_latest")]

    def __str__(self) -> str:
        return f"{self.form_version} {localtime(self.shown_at):%Y-%m-%d %H:%M}"
