"""Sealing the journal off the hot path: posting never waits for the chain.

Entries are sealed in the order in which they are found, oldest key first; one that was committed late is found by
a later round. The chain's row is locked for a round, so any number of workers make one chain.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from loans.books.seal import seal_sha256
from loans.models import JournalChain, JournalEntry, JournalSeal
from weilidai.lib.ids import uuid7_floor, uuid7_time

BATCH = 1000
# A transaction that began this long before the newest sealed entry may still bring an older one.
LATE = timedelta(hours=6)


def unsealed(chain: JournalChain | None) -> QuerySet[JournalEntry]:
    """Entries without a seal, oldest first, as far back as a late one can be."""
    entries = JournalEntry.objects.filter(~Exists(JournalSeal.objects.filter(entry_id=OuterRef("pk"))))
    if chain is not None and chain.horizon is not None:
        entries = entries.filter(pk__gte=uuid7_floor(uuid7_time(chain.horizon) - LATE))
    return entries.order_by("pk")


@transaction.atomic
def journal_seal(*, at: datetime, limit: int = BATCH) -> int:
    """Seals up to `limit` entries; how many there were."""
    JournalChain.objects.get_or_create(pk=1)
    chain = JournalChain.objects.select_for_update(no_key=True).get(pk=1)
    seals = []
    for entry in unsealed(chain).prefetch_related("postings")[:limit]:
        chain.sequence += 1
        chain.sha256 = seal_sha256(chain.sha256, entry)
        chain.horizon = max(chain.horizon or entry.pk, entry.pk)
        seals.append(JournalSeal(sequence=chain.sequence, entry_id=entry.pk, sha256=chain.sha256, sealed_at=at))
    if seals:
        JournalSeal.objects.bulk_create(seals)
        chain.save()
    return len(seals)
