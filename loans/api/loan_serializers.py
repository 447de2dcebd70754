"""Loans on the wire."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from loans.disclosure import penalty_text
from loans.models import CostDisclosure, DemandState, LoanPlan, RearrangementOffer, VoucherDemand
from loans.selectors.quote import Quote
from risk.rules.purposes import LoanPurpose
from weilidai.lib.serializers import MoneyField, RateField

AMOUNT_DIGITS_MAX = 16


class QuoteRequest(serializers.Serializer[Any]):
    """More than two decimals are told as `amount_out_of_range`, so they are let through to the rule."""

    credit_line = serializers.UUIDField()
    amount = serializers.DecimalField(max_digits=AMOUNT_DIGITS_MAX, decimal_places=6, min_value=Decimal(0))
    plan = serializers.ChoiceField(choices=LoanPlan.choices)
    days = serializers.IntegerField(required=False, allow_null=True, min_value=-100_000, max_value=100_000)
    periods = serializers.IntegerField(required=False, allow_null=True, min_value=-1000, max_value=1000)


class LoanRequest(QuoteRequest):
    """`disclosure` is the id of the form the customer confirmed."""

    bank_card = serializers.UUIDField(required=False, allow_null=True)
    purpose = serializers.ChoiceField(choices=LoanPurpose.choices)
    disclosure = serializers.UUIDField(required=False, allow_null=True)


class ScheduleRowSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    start_date = serializers.DateField()
    due_date = serializers.DateField()
    days = serializers.IntegerField()
    principal = MoneyField()
    interest = MoneyField()
    fee = MoneyField()
    total = MoneyField()


class PenaltySerializer(serializers.Serializer[Any]):
    method = serializers.CharField()
    share = RateField()
    description = serializers.CharField()


class DisclosureSerializer(serializers.Serializer[Any]):
    """The form of the total cost (R59); `form` carries its texts in Chinese and English."""

    id = serializers.UUIDField()
    sha256 = serializers.CharField()
    form_version = serializers.CharField()
    shown_at = serializers.DateTimeField()
    form = serializers.JSONField(source="content")
    minimum_reading_seconds = serializers.SerializerMethodField()

    def get_minimum_reading_seconds(self, form: CostDisclosure) -> int:
        return int(self.context["reading_seconds"])


class QuoteSerializer(serializers.Serializer[Any]):
    product = serializers.CharField()
    plan = serializers.CharField(source="terms.plan")
    amount = MoneyField(source="terms.principal")
    days = serializers.IntegerField(allow_null=True)
    periods = serializers.IntegerField(allow_null=True)
    start_date = serializers.DateField(source="terms.start")
    daily_rate = RateField(source="terms.daily_rate")
    fee_rate = RateField(source="terms.fee_rate")
    interest = MoneyField()
    fees = MoneyField()
    total_cost = MoneyField()
    total_repayment = MoneyField()
    apr = RateField()
    irr = serializers.DecimalField(max_digits=24, decimal_places=6)
    cost_cap = RateField(source="terms.cost_cap_rate", allow_null=True)
    settlement_fee_rate = RateField(source="terms.settlement_fee_rate")
    prepaid_fee_discount = RateField(source="terms.prepaid_fee_reduction")
    penalty = serializers.SerializerMethodField()
    schedule = ScheduleRowSerializer(many=True)

    def get_penalty(self, quote: Quote) -> dict[str, str]:
        texts = penalty_text(quote.terms)
        return {
            "method": str(quote.terms.penalty_method),
            "share": str(quote.terms.penalty_share),
            "description": texts[self.context["text_language"]],
        }


class DisclosedQuoteSerializer(QuoteSerializer):
    disclosure = DisclosureSerializer()


class RearrangementSerializer(serializers.Serializer[Any]):
    """The new schedule of a loan in difficulty, in force since `effective_date`; `daily_rate` holds from then on."""

    version = serializers.IntegerField()
    effective_date = serializers.DateField()
    periods = serializers.IntegerField(source="periods_count")
    first_due_date = serializers.DateField()
    last_due_date = serializers.DateField()
    daily_rate = RateField()
    waived_amount = MoneyField()
    disclosure = serializers.UUIDField(source="disclosure_id")


class VoucherDemandSerializer(serializers.Serializer[VoucherDemand]):
    """Proof of the use of funds that was asked for (R52); `rest` is what vouchers still have to prove."""

    state = serializers.ChoiceField(choices=DemandState.choices)
    asked = MoneyField(source="asked_amount")
    accepted = MoneyField(source="accepted_amount")
    rest = MoneyField(source="rest_amount")
    due_date = serializers.DateField()


class LoanOfferSerializer(serializers.Serializer[RearrangementOffer]):
    """A new schedule the customer can confirm or refuse; all of it is at `rearrangement-offers/{id}`."""

    id = serializers.UUIDField()
    offered_on = serializers.DateField(source="business_date")
    answer_until = serializers.DateField(source="expires_date")
    begins_on = serializers.DateField(source="begins_date", allow_null=True)


class LoanSerializer(serializers.Serializer[Any]):
    """A `LoanSeen` on the business date. Overdue is a fact of the schedule (`days_past_due`), not a state."""

    id = serializers.UUIDField(source="loan.id")
    state = serializers.CharField(source="loan.state")
    credit_line = serializers.UUIDField(source="loan.credit_line_id")
    product = serializers.CharField(source="loan.product_id")
    bank_card = serializers.UUIDField(source="loan.bank_card_id")
    disclosure = serializers.UUIDField(source="loan.disclosure_id")
    plan = serializers.CharField(source="loan.plan")
    amount = MoneyField(source="loan.principal_amount")
    days = serializers.IntegerField(source="loan.days_count", allow_null=True)
    periods = serializers.IntegerField(source="loan.periods_count", allow_null=True)
    purpose = serializers.CharField(source="loan.purpose")
    daily_rate = RateField(source="loan.daily_rate")
    fee_rate = RateField(source="loan.fee_rate")
    requested_at = serializers.DateTimeField(source="loan.requested_at")
    disbursed_at = serializers.DateTimeField(source="loan.disbursed_at", allow_null=True)
    start_date = serializers.DateField(source="loan.start_date", allow_null=True)
    due_date = serializers.DateField(source="loan.due_date", allow_null=True)
    settled_date = serializers.DateField(source="loan.settled_date", allow_null=True)
    failure = serializers.CharField(source="loan.payout.refusal_code")
    days_past_due = serializers.IntegerField(source="figures.days_past_due")
    bucket = serializers.CharField(source="figures.bucket")
    outstanding_principal = MoneyField(source="figures.outstanding_principal")
    debt_amount = MoneyField(source="figures.debt_amount")
    due_amount = MoneyField(source="figures.due_amount")
    penalty_amount = MoneyField(source="figures.penalty_unpaid")
    next_due_date = serializers.DateField(source="figures.next_due_date", allow_null=True)
    next_due_amount = MoneyField(source="figures.next_due_amount", allow_null=True)
    rearrangement = RearrangementSerializer(allow_null=True)
    rearrangement_offer = LoanOfferSerializer(source="offer", allow_null=True)
    vouchers = VoucherDemandSerializer(source="loan.voucher_demand", default=None, allow_null=True)


class ScheduleLineSerializer(serializers.Serializer[Any]):
    """A due date: the disclosed amounts, then what is charged and paid by now (null before the payout)."""

    number = serializers.IntegerField(source="row.number")
    start_date = serializers.DateField(source="row.start_date")
    due_date = serializers.DateField(source="row.due_date")
    principal = MoneyField(source="row.principal")
    interest = MoneyField(source="row.interest")
    fee = MoneyField(source="row.fee")
    total = MoneyField(source="row.total")
    penalty_claim = MoneyField(source="now.penalty_claim", default=None, allow_null=True)
    penalty_charged = MoneyField(source="now.penalty_charged", default=None, allow_null=True)
    penalty_paid = MoneyField(source="now.penalty_paid", default=None, allow_null=True)
    interest_accrued = MoneyField(source="now.interest_accrued", default=None, allow_null=True)
    interest_paid = MoneyField(source="now.interest_paid", default=None, allow_null=True)
    fee_charged = MoneyField(source="now.fee_charged", default=None, allow_null=True)
    fee_paid = MoneyField(source="now.fee_paid", default=None, allow_null=True)
    principal_paid = MoneyField(source="now.principal_paid", default=None, allow_null=True)
    unpaid = MoneyField(source="now.unpaid", default=None, allow_null=True)
    settled = serializers.BooleanField(source="is_settled")


class ScheduleSerializer(serializers.Serializer[Any]):
    loan = serializers.UUIDField()
    as_of = serializers.DateField()
    is_preview = serializers.BooleanField()
    version = serializers.IntegerField(help_text="0: as agreed at drawdown, then one more with each rearrangement")
    rows = ScheduleLineSerializer(many=True)
    former = ScheduleLineSerializer(many=True, help_text="due dates that a rearrangement replaced")


class LoanFormSerializer(serializers.Serializer[Any]):
    """A cost disclosure form of a loan as it was shown and confirmed."""

    id = serializers.UUIDField()
    sha256 = serializers.CharField()
    form_version = serializers.CharField()
    shown_at = serializers.DateTimeField()
    confirmed_at = serializers.DateTimeField(allow_null=True)
    form = serializers.JSONField(source="content")


class CompareRequest(serializers.Serializer[Any]):
    """`days` or `periods`, not both; without either the product's own preset of days."""

    amount = serializers.DecimalField(
        max_digits=AMOUNT_DIGITS_MAX, decimal_places=2, min_value=Decimal("0.01"), max_value=Decimal(100_000_000)
    )
    days = serializers.IntegerField(required=False, min_value=1, max_value=3650)
    periods = serializers.IntegerField(required=False, min_value=1, max_value=120)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "days" in attrs and "periods" in attrs:
            raise serializers.ValidationError({"periods": "not together with days"}, code="invalid")
        return attrs


class EligibilitySerializer(serializers.Serializer[Any]):
    eligible = serializers.BooleanField(source="is_eligible")
    reason = serializers.CharField(allow_null=True)


class ComparisonSerializer(serializers.Serializer[Any]):
    product = serializers.CharField(source="product.code")
    name = serializers.CharField(source="product.name")
    cost = MoneyField(source="quote.total_cost")
    total_repayment = MoneyField(source="quote.total_repayment")
    daily_rate = RateField(source="quote.terms.daily_rate")
    own_rate = serializers.BooleanField(source="is_own_rate")
    apr = RateField(source="quote.apr")
    irr = serializers.DecimalField(source="quote.irr", max_digits=24, decimal_places=6)
    time_to_money_seconds = serializers.IntegerField()
    eligibility = EligibilitySerializer(source="*")


class PayoutResultRequest(serializers.Serializer[Any]):
    """What the bank reports."""

    reference = serializers.CharField(max_length=64)
    result = serializers.ChoiceField(choices=["paid", "refused"])
    bank_reference = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    code = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")


class PayoutResultAnswer(serializers.Serializer[Any]):
    reference = serializers.CharField()
    effect = serializers.CharField()
