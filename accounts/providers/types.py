"""What an institution answers, and what each must be able to do."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True)
class Check:
    """A yes or no with the institution's reference."""

    passed: bool
    reference: str


@dataclass(frozen=True)
class Factor:
    """One biometric factor: passed, and with which error rate the provider vouches for it."""

    passed: bool
    error_rate: Decimal | None
    reference: str

    def counts(self, error_rate_below: Decimal) -> bool:
        """A pass counts only under the threshold (R11): 0.0029 is under 0.003, 0.003 is not."""
        return self.passed and self.error_rate is not None and self.error_rate < error_rate_below


class Wechat(Protocol):
    def openid_of(self, code: str) -> str:
        """The openid behind a log-in code; raises WechatCodeRefused or ProviderUnavailable."""


class Identity(Protocol):
    def check(self, name: str, id_number: str) -> Check:
        """Whether name and number belong together; raises ProviderUnavailable."""


class BankCards(Protocol):
    def check(self, number: str, holder: str, id_number: str, phone: str) -> Check:
        """Whether the bank knows the card as the holder's; raises ProviderUnavailable."""


@dataclass(frozen=True)
class DocumentCheck:
    """Whether a picture shows what it should; `reason` is `unreadable`, `other_person`, `expired` or empty."""

    passed: bool
    reason: str
    reference: str


class Documents(Protocol):
    def check(self, kind: str, image: bytes, name: str, id_number: str) -> DocumentCheck:
        """Reads a picture (`id_front`, `id_back`, `holding_id`; JPEG) of the person's identity card.

        Raises ProviderUnavailable.
        """


class Face(Protocol):
    def liveness(self, token: str) -> Factor: ...

    def voiceprint(self, token: str) -> Factor: ...


class Sms(Protocol):
    def send(self, reference: str, phone: str, text: str) -> Check:
        """Hands one message over; the same reference is never delivered twice, so a try may be repeated.

        `passed` False: the number cannot be reached and no repeat will help. Raises ProviderUnavailable.
        """


class Geo(Protocol):
    def city_of(self, ip: str) -> str:
        """The city an address belongs to, empty where it is not known. Never raises."""
