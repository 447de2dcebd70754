from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from weilidai.lib.ids import uuid7


class ImagePurpose(models.TextChoices):
    APPEAL = "appeal", _("Appeal")
    ASSET_PROOF = "asset_proof", _("Asset proof")
    VOUCHER = "voucher", _("Use-of-funds voucher")


class StoredImage(models.Model):
    """A picture a customer sent, cleaned and encrypted; `file_name` is empty once it was erased.

    `measures` holds what was measured when it came in: sharpness, brightness, look (see `CleanImage`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="images"
    )
    purpose = models.CharField(_("purpose"), max_length=20, choices=ImagePurpose.choices)
    file_name = models.CharField(_("file name"), max_length=100, blank=True, default="")
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    size_bytes = models.PositiveIntegerField(_("size, bytes"))
    width = models.PositiveIntegerField(_("width, pixels"))
    height = models.PositiveIntegerField(_("height, pixels"))
    measures: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(_("measures"), default=dict)
    created_at = models.DateTimeField(_("created at"))
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True)

    class Meta:
        verbose_name = _("stored image")
        verbose_name_plural = _("stored images")
        ordering = ["-id"]
        indexes = [
            # Serves "did somebody else send this very picture?".
            models.Index(fields=["sha256"], name="image_by_sha256"),
            # Serves the sweep, which asks which of the files at hand still have a row.
            models.Index(fields=["file_name"], name="image_by_file_name"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.width} × {self.height}"

    @property
    def bound_to(self) -> str:
        """What the ciphertext is bound to."""
        return f"image:{self.pk}"
