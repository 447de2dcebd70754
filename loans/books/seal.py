"""What a seal is the hash of: an entry with its postings in one fixed form, after the seal before it. Pure."""

import hashlib
import json
from datetime import UTC

from loans.models import JournalEntry

# What the first seal follows.
ORIGIN = "0" * 64


def entry_text(entry: JournalEntry) -> str:
    """Everything that must never change, in a form in which equal entries are equal texts."""
    postings = sorted((str(p.pk), p.ledger_account_id, p.side, f"{p.amount:.2f}") for p in entry.postings.all())
    content = {
        "id": str(entry.pk),
        "kind": entry.kind,
        "reference": entry.reference,
        "effective_date": entry.effective_date.isoformat(),
        "posted_at": entry.posted_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "product": entry.product_id,
        "customer": str(entry.customer_id or ""),
        "loan": str(entry.loan_id or ""),
        "postings": postings,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def seal_sha256(previous: str, entry: JournalEntry) -> str:
    """The link after `previous` (`ORIGIN` for the first)."""
    return hashlib.sha256(f"{previous or ORIGIN}\n{entry_text(entry)}".encode()).hexdigest()
