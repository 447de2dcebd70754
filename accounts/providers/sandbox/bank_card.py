from accounts.providers.types import Check


class Provider:
    """Every card of the right holder passes; number and holder were checked by rule before."""

    def check(self, number: str, holder: str, id_number: str, phone: str) -> Check:
        return Check(True, f"sandbox-{number[-4:]}")
