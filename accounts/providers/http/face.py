from decimal import Decimal, InvalidOperation
from typing import Any

from accounts.providers.http.client import bearer, call
from accounts.providers.types import Factor


class Provider:
    """`POST {url}/liveness` and `/voiceprint` `{token}` → `{passed, error_rate, reference}`."""

    def liveness(self, token: str) -> Factor:
        return _factor(call("face", "POST", "/liveness", json={"token": token}, headers=bearer("face")))

    def voiceprint(self, token: str) -> Factor:
        return _factor(call("face", "POST", "/voiceprint", json={"token": token}, headers=bearer("face")))


def _factor(answer: dict[str, Any]) -> Factor:
    try:
        rate = Decimal(str(answer.get("error_rate")))
    except InvalidOperation:
        rate = Decimal("NaN")
    known = rate.is_finite() and 0 <= rate <= 1
    return Factor(answer.get("passed") is True, rate if known else None, str(answer.get("reference", ""))[:100])
