"""Legal texts: which six are current, which of them a customer has signed (R10)."""

from datetime import date
from typing import Any
from uuid import UUID

from accounts.models import Customer
from risk.models import LegalDocument, Product, Signature
from risk.selectors.remembered import remembered
from weilidai.lib.errors import ObjectNotFound
from weilidai.lib.prepared import prepared


def documents_current(product: Product | str, as_of: date) -> list[LegalDocument]:
    """The newest version of each text in force on the date, in their order."""
    return list(_documents(product if isinstance(product, str) else product.pk, as_of))


@remembered
def _documents(code: str, as_of: date) -> tuple[LegalDocument, ...]:
    rows = LegalDocument.objects.filter(product_id=code, valid_from__lte=as_of)
    newest = {row.code: row for row in rows.order_by("valid_from", "id")}
    return tuple(sorted(newest.values(), key=lambda row: (row.position, row.code)))


def documents_unsigned(customer: Customer, product: Product | str, as_of: date) -> list[LegalDocument]:
    """Current texts this customer has not signed yet; loans asks again when a version is new."""
    current = documents_current(product, as_of)
    signed = set(documents_signed(customer.pk))
    return [document for document in current if document.pk not in signed]


@prepared
def documents_signed(customer: Any) -> Any:
    """Texts this customer has signed in any version: some dozens in a life."""
    return Signature.objects.filter(customer=customer).order_by().values_list("document_id", flat=True)


def document_get(document_id: UUID, as_of: date) -> LegalDocument:
    """A text that is or was in force: what was signed can always be read again."""
    document = LegalDocument.objects.filter(pk=document_id, valid_from__lte=as_of).first()
    if document is None:
        raise ObjectNotFound
    return document


def signature_of(customer: Customer, document: LegalDocument) -> Signature | None:
    return Signature.objects.filter(customer=customer, document=document).first()


def signed_ids(customer: Customer, documents: list[LegalDocument]) -> set[UUID]:
    """Which of these texts the customer has signed."""
    rows = Signature.objects.filter(customer=customer, document__in=documents)
    return set(rows.values_list("document_id", flat=True))
