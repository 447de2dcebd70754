"""What several questions about one customer share at one moment, asked once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from accounts.models import BankCard, Consent, ConsentCode, Customer
from risk.models import BureauReport, CreditLine
from weilidai.lib.prepared import Answers, Reads, prepared


class Card(NamedTuple):
    """A bank card in use."""

    number_hash: str
    holder: str
    phone_hash: str


@prepared
def _consents(customer: Any) -> Any:
    return (
        Consent.objects.filter(customer=customer, withdrawn_at__isnull=True).order_by().values_list("code", flat=True)
    )


@prepared
def _cards(customer: Any) -> Any:
    rows = BankCard.objects.filter(customer=customer, removed_at__isnull=True)
    return rows.order_by("pk").values_list(*Card._fields)


@prepared
def _bureau(customer: Any, as_of: Any) -> Any:
    return BureauReport.objects.filter(customer=customer, as_of__lte=as_of).order_by("-as_of", "-id")[:1]


@prepared
def _lines(customer: Any) -> Any:
    return CreditLine.objects.filter(customer=customer).order_by("pk")


@dataclass(frozen=True)
class Known:
    """Asked when first wanted. Made anew for each act: never kept beyond the transaction."""

    customer: Customer
    as_of: date
    locked_lines: tuple[CreditLine, ...] | None = None
    answers: Answers = field(default_factory=dict, compare=False, repr=False)

    def consents(self) -> Reads[set[str]]:
        return set((yield _consents.of(self.customer.pk)))

    def cards(self) -> Reads[list[Card]]:
        return [Card(*row) for row in (yield _cards.of(self.customer.pk))]

    def bureau(self) -> Reads[BureauReport | None]:
        """The newest report up to the date, with the customer's consent only."""
        if ConsentCode.CREDIT_REPORT not in (yield from self.consents()):
            return None
        rows = yield _bureau.of(self.customer.pk, self.as_of)
        return rows[0] if rows else None

    def lines(self) -> Reads[Sequence[CreditLine]]:
        """All lines, closed ones too."""
        if self.locked_lines is not None:
            return self.locked_lines
        return (yield _lines.of(self.customer.pk))
