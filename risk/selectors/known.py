"""What several questions about one customer share at one moment, read once."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from accounts.models import BankCard, Consent, ConsentCode, Customer
from risk.models import BureauReport, CreditLine


def consents_live(customer: Customer) -> set[str]:
    """Codes the customer agreed to and has not withdrawn."""
    return set(Consent.objects.filter(customer=customer, withdrawn_at__isnull=True).values_list("code", flat=True))


@dataclass(frozen=True)
class Known:
    """Read when first asked for. Made anew for each act: never kept beyond the transaction."""

    customer: Customer
    as_of: date
    locked_lines: tuple[CreditLine, ...] | None = None

    @cached_property
    def consents(self) -> set[str]:
        return consents_live(self.customer)

    @cached_property
    def cards(self) -> list[BankCard]:
        """Bank cards in use."""
        rows = BankCard.objects.filter(customer=self.customer, removed_at__isnull=True)
        return list(rows.only("number_hash", "holder", "phone_hash").order_by("pk"))

    @cached_property
    def bureau(self) -> BureauReport | None:
        """The newest report up to the date, with the customer's consent only."""
        if ConsentCode.CREDIT_REPORT not in self.consents:
            return None
        rows = BureauReport.objects.filter(customer=self.customer, as_of__lte=self.as_of)
        return rows.order_by("-as_of", "-id").first()

    @cached_property
    def lines(self) -> list[CreditLine]:
        """All lines, closed ones too."""
        if self.locked_lines is not None:
            return list(self.locked_lines)
        return list(CreditLine.objects.filter(customer=self.customer).order_by("pk"))
