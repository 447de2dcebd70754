from accounts.providers.http.client import bearer, call
from accounts.providers.types import Check


class Provider:
    """`POST {url}/identity-checks` `{name, id_number}` → `{passed, reference}`."""

    def check(self, name: str, id_number: str) -> Check:
        body = {"name": name, "id_number": id_number}
        answer = call("identity", "POST", "/identity-checks", json=body, headers=bearer("identity"))
        return Check(answer.get("passed") is True, str(answer.get("reference", ""))[:100])
