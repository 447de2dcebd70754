"""A new schedule that two persons approved, as it is offered to the customer (R54, R59)."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from weilidai.lib.fsm import StateField
from weilidai.lib.ids import uuid7


class OfferState(models.TextChoices):
    OPEN = "open", _("Waits for the customer's answer")
    CONFIRMED = "confirmed", _("Confirmed by the customer")
    REFUSED = "refused", _("Refused by the customer")
    EXPIRED = "expired", _("Not answered in time")
    OUTDATED = "outdated", _("The loan changed meanwhile")
    WITHDRAWN = "withdrawn", _("Taken back")


class RearrangementOffer(models.Model):
    """What `approval` holds, until the customer answers. Whoever answers or ends it holds the lock of `approval`.

    It is about the loan as it stood after event `loan_sequence`: one that has changed since needs another offer.
    `disclosure` is the form the customer confirmed; `ended_because` the code of what made the offer outdated.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    approval = models.OneToOneField(
        verbose_name=_("act for two persons"), to="loans.Approval", on_delete=models.PROTECT, related_name="offer"
    )
    loan = models.ForeignKey(
        verbose_name=_("loan"), to="loans.Loan", on_delete=models.PROTECT, related_name="rearrangement_offers"
    )
    customer = models.ForeignKey(
        verbose_name=_("customer"),
        to="accounts.Customer",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    state = StateField(_("state"), max_length=10, choices=OfferState.choices, default=OfferState.OPEN, protected=True)
    loan_sequence = models.PositiveIntegerField(_("newest event of the loan"))
    offered_at = models.DateTimeField(_("put forward at"))
    business_date = models.DateField(_("put forward on"))
    expires_date = models.DateField(_("answer until"))
    begins_date = models.DateField(_("begins on"), null=True, blank=True)
    disclosure = models.OneToOneField(
        verbose_name=_("cost disclosure form"),
        to="loans.CostDisclosure",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="offer",
    )
    ended_at = models.DateTimeField(_("answered or ended at"), null=True, blank=True)
    ended_date = models.DateField(_("answered or ended on"), null=True, blank=True)
    ended_because = models.CharField(_("ended because"), max_length=60, blank=True, default="")
    answer = models.CharField(_("the customer's words"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("offer of a new schedule")
        verbose_name_plural = _("offers of a new schedule")
        ordering = ["-id"]
        constraints = [
            # A loan has one plan to decide about at a time.
            models.UniqueConstraint(fields=["loan"], condition=models.Q(state="open"), name="offer_open_once"),
        ]
        indexes = [
            # Serves a customer's list, newest first.
            models.Index(fields=["customer", "-id"], name="offer_by_customer"),
            # Serves the night, which looks at all that wait.
            models.Index(fields=["id"], condition=models.Q(state="open"), name="offer_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.business_date}"

    @transition(field=state, source=OfferState.OPEN, target=OfferState.CONFIRMED)
    def confirm(self) -> None:
        """The customer agreed to the form as it was shown."""

    @transition(field=state, source=OfferState.OPEN, target=OfferState.REFUSED)
    def refuse(self) -> None:
        """The customer keeps the loan as it is."""

    @transition(field=state, source=OfferState.OPEN, target=OfferState.EXPIRED)
    def expire(self) -> None:
        """The last day passed without an answer."""

    @transition(field=state, source=[OfferState.OPEN, OfferState.CONFIRMED], target=OfferState.OUTDATED)
    def lapse(self) -> None:
        """The loan changed; or what was confirmed could not begin on its day."""

    @transition(field=state, source=[OfferState.OPEN, OfferState.CONFIRMED], target=OfferState.WITHDRAWN)
    def withdraw(self) -> None:
        """Staff took it back; one that was confirmed only while it waited for its day."""
