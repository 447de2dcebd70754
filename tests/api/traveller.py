"""A customer who knows nothing but the API, in-process."""

from typing import Any
from uuid import uuid4

from rest_framework.response import Response
from rest_framework.test import APIClient
from stdnum import luhn
from stdnum.cn import ric

PASSWORD = "135790"


def id_number(number: int) -> str:
    """A valid identity number of a grown person, another for each `number` below 1000."""
    body = f"110101199001{number % 28 + 1:02d}{number:03d}"
    return body + str(ric.calc_check_digit(body + "0"))


def card_number(number: int, ending: str) -> str:
    """The first card from `number` on with that ending and its check digit right."""
    while True:
        body = f"622202{number:012d}"
        card = body + luhn.calc_check_digit(body)
        if card.endswith(ending):
            return card
        number += 1


def verification(face: str, voice: str) -> dict[str, str]:
    return {"payment_password": PASSWORD, "face_token": face, "voice_token": voice}


class Traveller:
    """Signed in as `openid` by the sandbox's WeChat."""

    def __init__(self, openid: str, number: int) -> None:
        self.openid, self.number = openid, number
        self.http = APIClient(headers={"X-Device-Id": f"{openid}-phone", "Accept-Language": "en"})
        self.sign_in()

    def sign_in(self) -> None:
        self.http.credentials()
        token = self.post("auth/token", {"wechat_code": f"sandbox:{self.openid}"}, expect=200)["access"]
        self.http.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def get(self, path: str, **query: Any) -> Any:
        answer: Any = self.http.get(f"/api/v1/{path}", query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def answer(self, path: str, body: Any = None, *, key: str = "") -> Response:
        headers = {"Idempotency-Key": key or str(uuid4())}
        answer: Response = self.http.post(f"/api/v1/{path}", body or {}, format="json", headers=headers)
        return answer

    def post(self, path: str, body: Any = None, *, expect: int = 201, key: str = "") -> Any:
        """The body of the answer, whose status must be `expect`."""
        answer = self.answer(path, body, key=key)
        assert answer.status_code == expect, answer.content
        return answer.content and answer.json()

    def refusal(self, path: str, body: Any) -> str:
        """The code of the problem that answers."""
        answer = self.answer(path, body)
        assert 400 <= answer.status_code < 500, answer.content
        return str(answer.json()["code"])

    # --- The steps of the way ---

    def apply(self) -> str:
        return str(self.post("applications", {"product": "weilidai"})["id"])

    def prove_identity(self, ending: str = "00") -> None:
        """Real name, own card, payment password."""
        self.post("me/identity", {"name": "王小明", "id_number": id_number(self.number)}, expect=200)
        card = card_number(self.number * 1000, ending)
        self.post("me/bank-cards", {"number": card, "holder": "王小明", "phone": "13800138000"})
        self.post("me/payment-password", {"new": PASSWORD}, expect=204)

    def sign(self, application: str, document: dict[str, Any]) -> Any:
        body = {"document": document["id"], "sha256": document["sha256"]}
        return self.post(f"applications/{application}/signatures", body)

    def sign_all(self, application: str) -> Any:
        return [self.sign(application, document) for document in self.get("documents", product="weilidai")][-1]

    def verify(self, application: str, *, face: str = "ok", voice: str = "ok") -> Any:
        return self.post(f"applications/{application}/verifications", verification(face, voice), expect=200)

    def verification_refusal(self, application: str, *, face: str = "ok", voice: str = "ok") -> Any:
        answer = self.answer(f"applications/{application}/verifications", verification(face, voice))
        assert answer.status_code >= 400
        return answer.json()

    def entry_step(self) -> str:
        return str(self.get("entry", product="weilidai")["step"])

    def ready_to_assess(self, *, ending: str = "00") -> str:
        application = self.apply()
        self.prove_identity(ending)
        self.sign_all(application)
        self.verify(application)
        return application

    def assess(self, application: str) -> Any:
        return self.post(f"applications/{application}/assessment", expect=200)

    def onboard(self) -> Any:
        return self.assess(self.ready_to_assess())
