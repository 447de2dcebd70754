"""Collections (R60): the strategies, the steps taken about a loan, a customer's task, what was done, what was promised.

A loan goes through steps; a person is spoken to. So steps belong to loans and there is one open task per customer.
"""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition
from simple_history.models import HistoricalRecords

from risk.models.product import VersionedPolicy
from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7
from weilidai.lib.money import MoneyField

NOTHING = Decimal("0.00")


class CollectionPolicy(VersionedPolicy):
    """One version of the strategies by bucket and segment; `loans/maths/collection.py` reads `definition`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=40, default="main")
    definition = models.JSONField(_("definition"))
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("collection strategy")
        verbose_name_plural = _("collection strategies")
        ordering = ["code", "-version"]
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="collection_version_once")]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


class CollectionStep(models.Model):
    """A step that came for a loan, written once per overdue spell: `spell_date` is the oldest unpaid due date."""

    class Result(models.TextChoices):
        SENT = "sent", _("Sent")
        TASK = "task", _("Task for a collector")
        MERGED = "merged", _("Covered by another loan of the customer")
        PASSED = "passed", _("Passed over")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    loan = models.ForeignKey(
        verbose_name=_("loan"), to="loans.Loan", on_delete=models.PROTECT, related_name="collection_steps"
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    spell_date = models.DateField(_("overdue since"))
    code = models.CharField(_("step"), max_length=20)
    bucket = models.CharField(_("bucket"), max_length=20)
    segment = models.CharField(_("segment"), max_length=40)
    policy = models.ForeignKey(
        verbose_name=_("strategy"), to=CollectionPolicy, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    template = models.CharField(_("text"), max_length=60, blank=True, default="")
    result = models.CharField(_("result"), max_length=10, choices=Result.choices)
    business_date = models.DateField(_("business date"))

    class Meta:
        verbose_name = _("collection step")
        verbose_name_plural = _("collection steps")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["loan", "spell_date", "code"], name="collection_step_once"),
        ]
        # Serves the figures of a day.
        indexes = [models.Index(fields=["business_date", "result"], name="collection_step_by_day")]

    def __str__(self) -> str:
        return f"{self.business_date} {self.code}"


class TaskState(models.TextChoices):
    OPEN = "open", _("In the queue")
    ASSIGNED = "assigned", _("With a collector")
    CLOSED = "closed", _("Closed")


class CollectionTask(models.Model):
    """A customer to be spoken to about what is overdue. The night keeps its figures and closes it."""

    class Closed(models.TextChoices):
        PAID = "paid", _("Paid")
        WRITTEN_OFF = "written_off", _("Written off")
        REARRANGED = "rearranged", _("Rearranged or not due any more")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"),
        to="accounts.Customer",
        on_delete=models.PROTECT,
        related_name="collection_tasks",
        db_index=False,
    )
    state = StateField(_("state"), max_length=10, choices=TaskState.choices, default=TaskState.OPEN, protected=True)
    priority = models.PositiveSmallIntegerField(_("priority"), help_text=_("1 to 9, 9 is the most urgent"))
    overdue_amount = MoneyField(_("outstanding principal of overdue loans"))
    overdue_since_date = models.DateField(_("overdue since"))
    # The same day counted from the year 1: yuan-days are arithmetic on columns in both databases.
    since_ordinal = models.PositiveIntegerField(_("overdue since, as a count of days"), default=0, editable=False)
    bucket = models.CharField(_("bucket"), max_length=20)
    opened_date = models.DateField(_("opened on"))
    next_action_date = models.DateField(_("next action on"))
    assigned_to = models.ForeignKey(
        verbose_name=_("collector"),
        to=settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="collection_tasks",
    )
    is_disputed = models.BooleanField(_("disputed"), default=False)
    last_outcome = models.CharField(_("last outcome"), max_length=12, blank=True, default="")
    closed_date = models.DateField(_("closed on"), null=True, blank=True)
    closed_because = models.CharField(
        _("closed because"), max_length=12, choices=Closed.choices, blank=True, default=""
    )

    class Meta:
        verbose_name = _("collection task")
        verbose_name_plural = _("collection tasks")
        ordering = ["-priority", "overdue_since_date", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=~models.Q(state="closed"), name="collection_task_open_once"
            ),
            models.CheckConstraint(
                condition=models.Q(state="assigned", assigned_to__isnull=False)
                | models.Q(state="open", assigned_to__isnull=True)
                | models.Q(state="closed"),
                name="collection_task_has_its_collector",
            ),
        ]
        indexes = [
            # Serve the queue, most urgent first, and a customer's history of tasks.
            models.Index(fields=["state", "-priority", "next_action_date"], name="collection_queue"),
            models.Index(fields=["customer", "-id"], name="collection_task_by_customer"),
            models.Index(fields=["closed_date"], name="collection_task_closed"),
        ]
        permissions = [
            ("work_collections", _("Can work on collection tasks")),
            ("direct_collections", _("Can assign collection tasks and end disputes")),
        ]

    def __str__(self) -> str:
        return f"{self.bucket} {self.overdue_amount}"

    @transition(field=state, source=[TaskState.OPEN, TaskState.ASSIGNED], target=TaskState.ASSIGNED)
    def assign(self) -> None:
        """A collector has it."""

    @transition(field=state, source=TaskState.ASSIGNED, target=TaskState.OPEN)
    def release(self) -> None:
        """Back in the queue."""

    @transition(field=state, source=[TaskState.OPEN, TaskState.ASSIGNED], target=TaskState.CLOSED)
    def close(self) -> None:
        """Nothing is overdue any more."""


class Outcome(models.TextChoices):
    PROMISED = "promised", _("Promised to pay")
    NO_ANSWER = "no_answer", _("No answer")
    WRONG_NUMBER = "wrong_number", _("Wrong number")
    DISPUTED = "disputed", _("Disputes the debt")
    REFUSED = "refused", _("Refuses to pay")
    PAID = "paid", _("Says it is paid")


class CollectionAction(models.Model):
    """What a collector did about a task: a call with its outcome, or a note. A call stands before it is made."""

    class Kind(models.TextChoices):
        CALL = "call", _("Telephone call")
        NOTE = "note", _("Note")
        HARDSHIP = "hardship", _("Wish for relief")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(
        verbose_name=_("collection task"), to=CollectionTask, on_delete=models.PROTECT, related_name="actions"
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome.choices, blank=True, default="")
    note = models.TextField(_("note"), max_length=2000, blank=True, default="")
    contact_attempt = models.OneToOneField(
        verbose_name=_("contact attempt"),
        to="accounts.ContactAttempt",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="collection_action",
    )
    staff = models.ForeignKey(
        verbose_name=_("by"), to=settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(_("time"))
    business_date = models.DateField(_("business date"))

    class Meta:
        verbose_name = _("collection action")
        verbose_name_plural = _("collection actions")
        ordering = ["-id"]
        indexes = [models.Index(fields=["business_date", "outcome"], name="collection_action_by_day")]
        constraints = [
            # One call at a time: the outcome of the last is told before the next.
            models.UniqueConstraint(
                fields=["task"], condition=models.Q(kind="call", outcome=""), name="collection_call_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.get_outcome_display()}".strip()


class PromiseState(models.TextChoices):
    OPEN = "open", _("Open")
    KEPT = "kept", _("Kept")
    BROKEN = "broken", _("Broken")
    VOID = "void", _("Without object")


class PaymentPromise(models.Model):
    """A customer's word to pay an amount by a day. The night decides it by the repayments that counted from then."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(
        verbose_name=_("collection task"), to=CollectionTask, on_delete=models.PROTECT, related_name="promises"
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="payment_promises"
    )
    amount = MoneyField(_("amount"))
    promised_at = models.DateTimeField(_("promised at"))
    promised_date = models.DateField(_("promised on"))
    due_date = models.DateField(_("to be paid by"))
    state = models.CharField(_("state"), max_length=10, choices=PromiseState.choices, default=PromiseState.OPEN)
    received_amount = MoneyField(_("received"), default=NOTHING)
    decided_date = models.DateField(_("decided on"), null=True, blank=True)
    staff = models.ForeignKey(
        verbose_name=_("by"), to=settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("promise to pay")
        verbose_name_plural = _("promises to pay")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["customer"], condition=models.Q(state="open"), name="promise_open_once"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="promise_positive"),
            models.CheckConstraint(
                condition=models.Q(due_date__gte=models.F("promised_date")), name="promise_not_backwards"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "due_date"], name="promise_by_due"),
            models.Index(fields=["decided_date"], name="promise_decided"),
            models.Index(fields=["promised_date"], name="promise_given"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.due_date}"
