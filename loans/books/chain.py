"""The chain of seals walked from its first link: what was changed, taken out or cut off shows."""

from collections.abc import Iterator
from itertools import islice

from loans.books.fault import Fault
from loans.books.seal import seal_sha256
from loans.models import JournalChain, JournalEntry, JournalSeal

BATCH = 1000
NAME = "seals_hold"


def seals_hold() -> Iterator[Fault]:
    """I7: every sealed entry is still what was sealed, in the order in which it was sealed."""
    expected, previous = 0, ""
    links = JournalSeal.objects.order_by("sequence").iterator(chunk_size=BATCH)
    while seals := list(islice(links, BATCH)):
        rows = JournalEntry.objects.filter(pk__in=[seal.entry_id for seal in seals]).prefetch_related("postings")
        entries = {entry.pk: entry for entry in rows}
        for seal in seals:
            expected += 1
            if seal.sequence != expected:
                yield Fault(NAME, f"seal {expected}", f"missing before {seal.sequence}")
                expected = seal.sequence
            yield from _link(seal, previous, entries.get(seal.entry_id))
            previous = seal.sha256
    yield from _end(expected, previous)


def _link(seal: JournalSeal, previous: str, entry: JournalEntry | None) -> Iterator[Fault]:
    if entry is None:
        yield Fault(NAME, str(seal.entry_id), f"seal {seal.sequence}: the entry is gone")
    elif seal_sha256(previous, entry) != seal.sha256:
        yield Fault(NAME, entry.reference, f"seal {seal.sequence}: not what was sealed")


def _end(sequence: int, sha256: str) -> Iterator[Fault]:
    chain = JournalChain.objects.filter(pk=1).first()
    if (chain.sequence, chain.sha256) != (sequence, sha256) if chain else sequence:
        yield Fault(NAME, "chain", f"ends at {sequence}, sealed up to {chain.sequence if chain else 0}")
