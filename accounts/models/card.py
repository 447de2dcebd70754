from django.db import models
from django.utils.translation import gettext_lazy as _

from weilidai.lib.crypto import EncryptedTextField
from weilidai.lib.ids import uuid7


class BankCard(models.Model):
    """A card in the customer's own name, verified with the bank. Removed cards stay for the loans paid to them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="bank_cards"
    )
    number = EncryptedTextField(_("card number"))
    number_hash = models.CharField(max_length=64, db_index=True, editable=False)
    last_four = models.CharField(_("last four digits"), max_length=4)
    holder = EncryptedTextField(_("holder"))
    phone = EncryptedTextField(_("phone"))
    phone_hash = models.CharField(max_length=64, editable=False)
    verification_reference = models.CharField(max_length=100, blank=True, default="")
    verified_at = models.DateTimeField(_("verified at"))
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("bank card")
        verbose_name_plural = _("bank cards")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "number_hash"],
                condition=models.Q(removed_at__isnull=True),
                name="one_live_card_per_number",
            )
        ]

    def __str__(self) -> str:
        return f"**** {self.last_four}"
