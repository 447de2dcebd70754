from accounts.errors import ProviderUnavailable
from accounts.providers.types import Check


class Provider:
    """By the number's last two digits: `51` cannot be reached, `52` never answers; others are delivered at once."""

    def send(self, reference: str, phone: str, text: str) -> Check:
        if phone.endswith("52"):
            raise ProviderUnavailable
        return Check(not phone.endswith("51"), f"sandbox-{reference}")
