from accounts.providers.http.client import bearer, call
from accounts.providers.types import Check


class Provider:
    """`POST {url}/card-checks`: the four elements number, holder, identity number, phone → `{passed, reference}`."""

    def check(self, number: str, holder: str, id_number: str, phone: str) -> Check:
        body = {"number": number, "holder": holder, "id_number": id_number, "phone": phone}
        answer = call("bank_card", "POST", "/card-checks", json=body, headers=bearer("bank_card"))
        return Check(answer.get("passed") is True, str(answer.get("reference", ""))[:100])
