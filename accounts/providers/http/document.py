import base64

from accounts.providers.http.client import bearer, call
from accounts.providers.types import DocumentCheck

REASONS = ("unreadable", "other_person", "expired")


class Provider:
    """`POST {url}/document-checks` `{kind, image (base64 JPEG), name, id_number}` → `{passed, reason, reference}`."""

    def check(self, kind: str, image: bytes, name: str, id_number: str) -> DocumentCheck:
        body = {"kind": kind, "image": base64.b64encode(image).decode(), "name": name, "id_number": id_number}
        answer = call("document", "POST", "/document-checks", json=body, headers=bearer("document"))
        passed, reason = answer.get("passed") is True, str(answer.get("reason", ""))
        return DocumentCheck(
            passed=passed,
            reason="" if passed else reason if reason in REASONS else "unreadable",
            reference=str(answer.get("reference", ""))[:100],
        )
