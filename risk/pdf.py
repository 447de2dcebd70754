"""A legal document as PDF; a signed one carries the particulars of the signature (R10)."""

from django.utils.translation import gettext as _

from risk.models import LegalDocument, Signature
from weilidai.lib.pdf import paper_pdf


def document_pdf(document: LegalDocument, signature: Signature | None) -> bytes:
    """The text that was signed, in the language it was signed in; unsigned, in the language in force."""
    chinese = signature.language.startswith("zh") if signature else document.sha256 == document.sha256_zh
    title = document.title_zh if chinese else document.title_en
    body = document.body_zh if chinese else document.body_en
    lines = body.splitlines()
    if lines and lines[0].lstrip("# ").strip("《》 ") == title.strip("《》 "):
        # The text begins with its own title, which the paper sets already.
        body = "\n".join(lines[1:])
    return paper_pdf(
        title=title, body=body, rows=_particulars(document, signature), footer=f"{document.code} {document.version}"
    )


def _particulars(document: LegalDocument, signature: Signature | None) -> list[tuple[str, str]]:
    rows = [(_("Version"), document.version)]
    if signature is None:
        return rows
    return [
        *rows,
        (_("Signed by"), str(signature.customer)),
        (_("Signed at"), signature.signed_at.isoformat(timespec="seconds")),
        ("SHA-256", signature.sha256),
        (_("IP"), signature.ip or "–"),
        (_("Device"), signature.device_fingerprint or "–"),
    ]
