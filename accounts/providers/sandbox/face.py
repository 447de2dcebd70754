from decimal import Decimal, InvalidOperation

from accounts.providers.types import Factor

GOOD_RATE = Decimal("0.001")


class Provider:
    """`ok`, `bad`, or `rate:<error rate>`; anything else fails."""

    def liveness(self, token: str) -> Factor:
        return _factor(token)

    def voiceprint(self, token: str) -> Factor:
        return _factor(token)


def _factor(token: str) -> Factor:
    if token == "ok":  # noqa: S105 - the sandbox word, no secret
        return Factor(True, GOOD_RATE, "sandbox")
    if token.startswith("rate:"):
        try:
            rate = Decimal(token.removeprefix("rate:"))
        except InvalidOperation:
            return Factor(False, None, "sandbox")
        if rate.is_finite() and 0 <= rate <= 1:
            return Factor(True, rate, "sandbox")
    return Factor(False, None, "sandbox")
