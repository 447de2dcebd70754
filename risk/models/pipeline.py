"""The screening pipeline (R33–R37): its versions, every run with what it saw, and what the layers remember."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from risk.models.product import VersionedPolicy
from risk.rules.alerts import layer_word
from weilidai.lib.ids import uuid7
from weilidai.lib.owner import OwnerField


class ScreeningPolicy(VersionedPolicy):
    """One version of the twelve layers in their order; `risk/rules/screening` reads `definition`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.SlugField(_("code"), max_length=40, default="main")
    definition = models.JSONField(_("definition"))
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("pipeline of layers")
        verbose_name_plural = _("pipelines of layers")
        ordering = ["code", "-version"]
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="screening_version_once")]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


class ScreeningEvent(models.TextChoices):
    APPLICATION = "application", _("Application")
    DEVICE_VERIFICATION = "device_verification", _("Verification of a device")
    LOGIN = "login", _("Login")
    LOAN = "loan", _("Loan")


class ScreeningVerdict(models.TextChoices):
    """Weakest first."""

    PASS = "pass", _("Pass")
    ALERT = "alert", _("Alert")
    CHALLENGE = "challenge", _("Challenge")
    REFER = "refer", _("Refer")
    FREEZE = "freeze", _("Freeze")
    BLOCK = "block", _("Block")


class Screening(models.Model):
    """One run of the pipeline, kept whole: what went in, which version judged, what each layer saw. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event = models.CharField(_("event"), max_length=20, choices=ScreeningEvent.choices)
    customer = models.ForeignKey(
        verbose_name=_("customer"),
        to="accounts.Customer",
        on_delete=models.PROTECT,
        related_name="screenings",
        db_index=False,
    )
    # What it was about: `app.model` and key; for a loan the credit line, because the loan is made afterwards.
    subject_type = models.CharField(_("kind of object"), max_length=60)
    subject_id = models.CharField(_("object"), max_length=64)
    policy = models.ForeignKey(
        verbose_name=_("pipeline"), to=ScreeningPolicy, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    business_date = models.DateField(_("business date"))
    at = models.DateTimeField(_("time"))
    verdict = models.CharField(_("verdict"), max_length=10, choices=ScreeningVerdict.choices)
    decided_by = models.CharField(_("layer that decided"), max_length=40, blank=True, default="")
    inputs = models.JSONField(_("inputs"))
    result = models.JSONField(_("result"))
    result_sha256 = models.CharField(_("SHA-256 of the result"), max_length=64)
    duration_ms = models.PositiveIntegerField(_("duration, ms"), default=0)

    class Meta:
        verbose_name = _("screening")
        verbose_name_plural = _("screenings")
        ordering = ["-id"]
        indexes = [
            # Serve a customer's runs, what was said about one object, and the list by verdict or event, newest first.
            models.Index(fields=["customer", "-id"], name="screening_by_customer"),
            models.Index(fields=["subject_id"], name="screening_by_subject"),
            models.Index(fields=["verdict", "-id"], name="screening_by_verdict"),
            models.Index(fields=["event", "-id"], name="screening_by_event"),
            # Serves the number of runs per day and event from the index alone.
            models.Index(fields=["business_date", "event"], name="screening_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()} {self.get_verdict_display()} {self.business_date}"


class ScreeningHit(models.Model):
    """One condition that held in one run; most runs have none, so that counting hits costs what was hit."""

    id = models.BigAutoField(primary_key=True)
    screening = models.ForeignKey(
        verbose_name=_("screening"), to=Screening, on_delete=models.PROTECT, related_name="hits"
    )
    business_date = models.DateField(_("business date"))
    layer = models.CharField(_("layer"), max_length=40)
    condition = models.CharField(_("condition"), max_length=60)
    verdict = models.CharField(_("verdict"), max_length=10, choices=ScreeningVerdict.choices)
    is_enforced = models.BooleanField(_("enforced"))
    customer_id = OwnerField(of="screening")

    class Meta:
        verbose_name = _("hit of a layer")
        verbose_name_plural = _("hits of layers")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["business_date", "layer", "is_enforced"], name="hit_by_day"),
            models.Index(fields=["layer", "-screening"], name="hit_by_layer"),
        ]

    def __str__(self) -> str:
        return f"{layer_word(self.layer)} {self.get_verdict_display()}"


class DenyKind(models.TextChoices):
    OPENID = "openid", _("openid")
    IDENTITY = "identity", _("Identity card number")
    CARD = "card", _("Bank card number")
    PHONE = "phone", _("Phone number")
    DEVICE = "device", _("Device fingerprint")
    IP = "ip", _("IP address")


class DenyEntry(models.Model):
    """Somebody or something we do not deal with. Numbers of persons are kept as keyed hashes; `shown` is masked."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=DenyKind.choices)
    value = models.CharField(_("value"), max_length=200, editable=False)
    shown = models.CharField(_("value"), max_length=200)
    reason = models.CharField(_("reason"), max_length=300)
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True, help_text=_("last day, open if empty"))
    added_by = models.ForeignKey(
        verbose_name=_("added by"), to=settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    added_at = models.DateTimeField(_("added at"))
    ended_at = models.DateTimeField(_("ended early at"), null=True, blank=True)

    class Meta:
        verbose_name = _("entry of the deny list")
        verbose_name_plural = _("deny list")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "value"], condition=models.Q(ended_at__isnull=True), name="denied_once_at_a_time"
            )
        ]
        indexes = [models.Index(fields=["kind", "value"], name="deny_by_value")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.shown}"


class ActCounter(models.Model):
    """When a customer did one kind of thing: milliseconds since 1970, newest last, written under its row lock (R37)."""

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    act = models.CharField(_("act"), max_length=20)
    times = models.JSONField(_("times"), default=list)

    class Meta:
        verbose_name = _("counter of acts")
        verbose_name_plural = _("counters of acts")
        constraints = [models.UniqueConstraint(fields=["customer", "act"], name="one_counter_per_act")]

    def __str__(self) -> str:
        return self.act


class LoginRecord(models.Model):
    """A login at our own door with the city its address belongs to, empty where nobody knows."""

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    at = models.DateTimeField(_("time"))
    date = models.DateField(_("date"))
    ip = models.GenericIPAddressField(_("IP"), null=True, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True, default="")
    device = models.CharField(_("device"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("own login")
        verbose_name_plural = _("own logins")
        indexes = [models.Index(fields=["customer", "date"], name="own_login_by_day")]

    def __str__(self) -> str:
        return f"{self.at} {self.city}"
