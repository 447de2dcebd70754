from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from weilidai.lib.ids import uuid7


class LegalDocument(models.Model):
    """One version of one of the six texts of a product (R10); the Chinese text is the binding one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    product = models.ForeignKey(
        verbose_name=_("product"), to="risk.Product", on_delete=models.PROTECT, related_name="documents"
    )
    code = models.CharField(_("code"), max_length=60)
    version = models.CharField(_("version"), max_length=20)
    valid_from = models.DateField(_("valid from"))
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    title_zh = models.CharField(_("title (Chinese)"), max_length=120)
    title_en = models.CharField(_("title (English)"), max_length=200)
    body_zh = models.TextField(_("text (Chinese)"))
    body_en = models.TextField(_("text (English)"))
    sha256_zh = models.CharField(_("SHA-256 (Chinese)"), max_length=64)
    sha256_en = models.CharField(_("SHA-256 (English)"), max_length=64)

    class Meta:
        verbose_name = _("legal document")
        verbose_name_plural = _("legal documents")
        ordering = ["product_id", "position", "-valid_from"]
        constraints = [models.UniqueConstraint(fields=["product", "code", "version"], name="document_version_once")]

    def __str__(self) -> str:
        return f"{self.title} {self.version}"

    @property
    def _is_chinese(self) -> bool:
        return (get_language() or "zh").startswith("zh")

    @property
    def title(self) -> str:
        return self.title_zh if self._is_chinese else self.title_en

    @property
    def body(self) -> str:
        return self.body_zh if self._is_chinese else self.body_en

    @property
    def sha256(self) -> str:
        return self.sha256_zh if self._is_chinese else self.sha256_en


class Signature(models.Model):
    """What was signed: the version and hash of the text shown, when, from where (R10)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="signatures"
    )
    application = models.ForeignKey(
        verbose_name=_("credit application"),
        to="risk.CreditApplication",
        on_delete=models.PROTECT,
        related_name="signatures",
    )
    document = models.ForeignKey(
        verbose_name=_("legal document"), to=LegalDocument, on_delete=models.PROTECT, related_name="signatures"
    )
    language = models.CharField(_("language"), max_length=10)
    sha256 = models.CharField(_("SHA-256 of the text"), max_length=64)
    signed_at = models.DateTimeField(_("signed at"))
    ip = models.GenericIPAddressField(_("IP"), null=True, blank=True)
    device_fingerprint = models.CharField(_("device"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["customer", "document"], name="signature_once")]

    def __str__(self) -> str:
        return f"{self.document_id} {self.signed_at:%Y-%m-%d}"
