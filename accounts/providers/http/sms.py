from accounts.errors import ProviderUnavailable
from accounts.providers.http.client import bearer, call
from accounts.providers.types import Check


class Provider:
    """`POST {url}/messages` `{reference, phone, text}` → `{accepted, id}`; a repeated reference is delivered once."""

    def send(self, reference: str, phone: str, text: str) -> Check:
        answer = call(
            "sms", "POST", "/messages", json={"reference": reference, "phone": phone, "text": text},
            headers=bearer("sms"),
        )  # fmt: skip
        if not isinstance(answer.get("accepted"), bool):
            raise ProviderUnavailable
        return Check(answer["accepted"], str(answer.get("id", ""))[:100])
