"""What a paying bank can be asked and can answer."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol


class GatewayTimeout(Exception):
    """No usable answer came: the outcome is unknown, the money may have moved."""


@dataclass(frozen=True, slots=True)
class PayoutOrder:
    """Pay `amount` yuan to a card. The bank pays one `reference` at most once."""

    reference: str
    amount: Decimal
    card_number: str
    holder: str

    def __repr__(self) -> str:
        """Without the card and the name: orders end up in logs."""
        return f"PayoutOrder({self.reference!r}, {self.amount})"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The bank has the order and will report."""


@dataclass(frozen=True, slots=True)
class Paid:
    bank_reference: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Not paid, and never will be under this reference."""

    code: str


@dataclass(frozen=True, slots=True)
class Pending:
    """Known to the bank and not decided yet."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """The bank never saw this reference."""


SendAnswer = Accepted | Paid | Refused
InquiryAnswer = Paid | Refused | Pending | NotFound


class PayoutGateway(Protocol):
    """Both calls raise `GatewayTimeout` where no answer came. `at` is the caller's clock: a real bank ignores it."""

    def send(self, order: PayoutOrder, *, at: datetime) -> SendAnswer: ...

    def inquire(self, reference: str, *, at: datetime) -> InquiryAnswer: ...
