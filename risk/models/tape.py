from django.db import models
from django.utils.translation import gettext_lazy as _

from risk.models.credit_line import CreditLine
from risk.models.product import Product
from weilidai.lib.money import MoneyField, RateField


class LoanTape(models.Model):
    """What the loan book told of a loan at the end of a business date: a row only where something happened that day.

    A row holds from `business_date` to `valid_to` (empty: until further notice). Days past due on a day d that it
    covers are max(0, d − `unpaid_due_date`), so an overdue loan needs no row a night. Rows say what was known on their
    date; what became known later stands in a later row. Loans are named by id: this app knows no loans.
    """

    id = models.BigAutoField(primary_key=True)
    loan_id = models.UUIDField(_("loan"))
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    credit_line = models.ForeignKey(
        verbose_name=_("credit line"), to=CreditLine, on_delete=models.PROTECT, related_name="tape"
    )
    product = models.ForeignKey(verbose_name=_("product"), to=Product, on_delete=models.PROTECT, related_name="+")
    business_date = models.DateField(_("business date"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=12)
    plan = models.CharField(_("plan"), max_length=12)
    start_date = models.DateField(_("paid out on"))
    due_date = models.DateField(_("last due date"))
    principal_amount = MoneyField(_("principal"))
    outstanding_principal_amount = MoneyField(_("outstanding principal"))
    unpaid_due_date = models.DateField(_("oldest unpaid due date"), null=True, blank=True)
    daily_rate = RateField(_("daily rate"))
    # A rearranged loan is classed as at least so many days past due up to and including that day (R54).
    class_floor_days = models.PositiveIntegerField(_("class of at least days past due"), default=0, db_default=0)
    class_floor_until_date = models.DateField(_("class held down until"), null=True, blank=True)

    class Meta:
        verbose_name = _("line of the tape")
        verbose_name_plural = _("tape of the portfolio")
        ordering = ["-business_date", "-id"]
        constraints = [models.UniqueConstraint(fields=["loan_id", "business_date"], name="tape_once_per_day")]
        indexes = [
            # Serve the book as of a date, a line's history for its review, the newest row of a loan.
            models.Index(fields=["business_date", "valid_to"], name="tape_by_span"),
            models.Index(fields=["credit_line", "business_date"], name="tape_by_line"),
            models.Index(fields=["loan_id"], condition=models.Q(valid_to__isnull=True), name="tape_newest"),
            # Serves the night, from the index alone: the open book by days past due, and who goes past a threshold.
            models.Index(
                fields=[
                    "unpaid_due_date",
                    "product",
                    "start_date",
                    "business_date",
                    "state",
                    "outstanding_principal_amount",
                    "class_floor_days",
                    "class_floor_until_date",
                ],
                condition=models.Q(valid_to__isnull=True, state__in=["active", "written_off"]),
                name="tape_open_book",
            ),
            # Serves a day written again: what has changed since.
            models.Index(fields=["valid_to"], condition=models.Q(valid_to__isnull=False), name="tape_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.outstanding_principal_amount}"
