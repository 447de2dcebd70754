"""A customer's device speaking to the API."""

from dataclasses import dataclass
from typing import Any

from rest_framework.test import APIClient

from accounts.models import Customer, CustomerToken


@dataclass
class Client:
    customer: Customer
    http: APIClient

    def get(self, path: str, **headers: str) -> Any:
        return self.http.get(f"/api/v1/{path}", headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.http.post(f"/api/v1/{path}", {} if body is None else body, format="json", headers=headers)


def client_of(customer: Customer, device: str = "alice-phone") -> Client:
    _, token = CustomerToken.objects.create(user=customer)
    http = APIClient(headers={"Authorization": f"Bearer {token}", "X-Device-Id": device, "Accept-Language": "en"})
    return Client(customer, http)
