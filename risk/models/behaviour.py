"""Stored behaviour: what other systems say a customer did. Every row is the sender's, once per kind.

`row_id` is the sender's id. Dates are lending days in Asia/Shanghai, kept beside the instant so that
windows of days and months need no time-zone arithmetic in SQL.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from weilidai.lib.money import MoneyField


class BehaviourRow(models.Model):
    """Common part of all behaviour tables."""

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )
    row_id = models.CharField(max_length=100, unique=True)

    class Meta:
        abstract = True


class ScoreReading(BehaviourRow):
    class Name(models.TextChoices):
        WECHAT_PAY = "wechat_pay", _("WeChat pay score")
        ZHIMA = "zhima", _("Zhima credit")
        XIAOBAI = "xiaobai", _("Xiaobai credit")

    name = models.CharField(_("score"), max_length=20, choices=Name.choices)
    score = models.IntegerField(_("value"))
    as_of = models.DateField(_("as of"))

    class Meta:
        verbose_name = _("score reading")
        verbose_name_plural = _("score readings")
        indexes = [models.Index(fields=["customer", "name", "-as_of"], name="score_latest")]

    def __str__(self) -> str:
        return f"{self.name} {self.score}"


class ActivityDay(BehaviourRow):
    date = models.DateField(_("date"))
    opens = models.PositiveIntegerField(_("opens"))
    minutes = models.PositiveIntegerField(_("minutes"))
    friends = models.PositiveIntegerField(_("friends"))
    active_groups = models.PositiveIntegerField(_("active groups"))

    class Meta:
        verbose_name = _("day of activity")
        verbose_name_plural = _("days of activity")
        indexes = [models.Index(fields=["customer", "date"], name="activity_by_day")]

    def __str__(self) -> str:
        return f"{self.date} {self.opens}"


class PaymentEvent(BehaviourRow):
    class Kind(models.TextChoices):
        PAYMENT = "payment", _("Payment")
        TRANSFER_OUT = "transfer_out", _("Transfer out")
        TRANSFER_IN = "transfer_in", _("Transfer in")
        RED_PACKET_SENT = "red_packet_sent", _("Red packet sent")
        RED_PACKET_RECEIVED = "red_packet_received", _("Red packet received")
        CARD_REPAYMENT = "card_repayment", _("Card repayment")
        SALARY = "salary", _("Salary")
        UTILITY = "utility", _("Utility bill")

    class Channel(models.TextChoices):
        BALANCE = "balance", _("Balance")
        CARD = "card", _("Card")
        ECNY = "ecny", _("Digital RMB")

    at = models.DateTimeField(_("time"))
    date = models.DateField(_("date"))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    amount = MoneyField(_("amount"))
    category = models.CharField(_("category"), max_length=60, blank=True, default="")
    counterparty = models.CharField(_("counterparty"), max_length=100, blank=True, default="")
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices)

    class Meta:
        verbose_name = _("payment event")
        verbose_name_plural = _("payment events")
        indexes = [models.Index(fields=["customer", "date"], name="payment_by_day")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"


class AssetMonth(BehaviourRow):
    month = models.DateField(_("month"), help_text=_("first day of the month"))
    current_fund_mean_amount = MoneyField(_("current-money fund, monthly mean"))
    wealth_products_amount = MoneyField(_("wealth products"))
    deposits_amount = MoneyField(_("deposits"))
    ecny_wallet_amount = MoneyField(_("digital-RMB wallet"))
    card_limit_amount = MoneyField(_("card limit"))
    card_debt_amount = MoneyField(_("card balance owed"))

    class Meta:
        verbose_name = _("month of assets")
        verbose_name_plural = _("months of assets")
        indexes = [models.Index(fields=["customer", "-month"], name="assets_by_month")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class Friendship(BehaviourRow):
    friend_openid = models.CharField(_("friend"), max_length=128, db_index=True)
    since_date = models.DateField(_("since"))
    until_date = models.DateField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("friendship")
        verbose_name_plural = _("friendships")
        indexes = [models.Index(fields=["customer", "friend_openid"], name="friendship_pair")]

    def __str__(self) -> str:
        return self.friend_openid


class LoginEvent(BehaviourRow):
    at = models.DateTimeField(_("time"))
    date = models.DateField(_("date"))
    device = models.CharField(_("device"), max_length=200)
    device_model = models.CharField(_("device model"), max_length=100, blank=True, default="")
    ip = models.GenericIPAddressField(_("IP"))
    city = models.CharField(_("city"), max_length=80, blank=True, default="")

    class Meta:
        verbose_name = _("login")
        verbose_name_plural = _("logins")
        indexes = [models.Index(fields=["customer", "at"], name="login_by_time")]

    def __str__(self) -> str:
        return f"{self.at} {self.device}"


class BureauReport(BehaviourRow):
    as_of = models.DateField(_("as of"))
    open_accounts = models.PositiveIntegerField(_("open accounts"))
    debts_amount = MoneyField(_("debts"))
    monthly_due_amount = MoneyField(_("monthly due"))
    worst_dpd_24m = models.PositiveIntegerField(_("worst days past due in 24 months"))
    inquiries_6m = models.PositiveIntegerField(_("inquiries in 6 months"))
    on_deny_list = models.BooleanField(_("on the deny list"))

    class Meta:
        verbose_name = _("bureau report")
        verbose_name_plural = _("bureau reports")
        indexes = [models.Index(fields=["customer", "-as_of"], name="bureau_latest")]

    def __str__(self) -> str:
        return str(self.as_of)


class AuxiliaryReading(BehaviourRow):
    class Item(models.TextChoices):
        SOCIAL_INSURANCE = "social_insurance", _("Social insurance")
        HOUSING_FUND = "housing_fund", _("Housing fund")
        EDUCATION = "education", _("Education")
        EMPLOYMENT = "employment", _("Employment")
        INCOME_TAX = "income_tax", _("Income tax")
        PROPERTY = "property", _("Property")
        VEHICLE = "vehicle", _("Vehicle")
        COMMERCIAL_INSURANCE = "commercial_insurance", _("Commercial insurance")
        UTILITY_PAYMENTS = "utility_payments", _("Utility payments")
        MOBILE_TENURE = "mobile_tenure", _("Mobile tenure")
        BUSINESS_REGISTRATION = "business_registration", _("Business registration")
        ADDRESS_STABILITY = "address_stability", _("Address stability")

    class State(models.TextChoices):
        VERIFIED = "verified", _("Verified")
        CONTRADICTED = "contradicted", _("Contradicted")

    item = models.CharField(_("item"), max_length=30, choices=Item.choices)
    months = models.PositiveIntegerField(_("months"))
    state = models.CharField(_("state"), max_length=20, choices=State.choices)
    source = models.CharField(_("source"), max_length=60)
    as_of = models.DateField(_("as of"))

    class Meta:
        verbose_name = _("auxiliary reading")
        verbose_name_plural = _("auxiliary readings")
        indexes = [models.Index(fields=["customer", "item", "-as_of"], name="auxiliary_latest")]

    def __str__(self) -> str:
        return f"{self.item} {self.state}"


class GreenAct(BehaviourRow):
    class Act(models.TextChoices):
        TRANSIT = "transit", _("Public transit")
        CYCLING = "cycling", _("Cycling")
        WALKING = "walking", _("Walking")
        RECYCLING = "recycling", _("Recycling")
        E_BILL = "e_bill", _("Electronic bill")
        REFORESTATION = "reforestation", _("Reforestation")

    at = models.DateTimeField(_("time"))
    date = models.DateField(_("date"))
    act = models.CharField(_("act"), max_length=20, choices=Act.choices)
    quantity = models.DecimalField(_("quantity"), max_digits=12, decimal_places=2)

    class Meta:
        verbose_name = _("green act")
        verbose_name_plural = _("green acts")
        indexes = [models.Index(fields=["customer", "date"], name="green_by_day")]

    def __str__(self) -> str:
        return f"{self.act} {self.quantity}"


class CustomerFeedRow(models.Model):
    """Which `customers` rows were taken in: the person is updated in place, the row counts once."""

    id = models.BigAutoField(primary_key=True)
    row_id = models.CharField(max_length=100, unique=True)
    customer = models.ForeignKey(
        verbose_name=_("customer"), to="accounts.Customer", on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("customer feed row")
        verbose_name_plural = _("customer feed rows")

    def __str__(self) -> str:
        return self.row_id
