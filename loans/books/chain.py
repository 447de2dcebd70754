"""The chain of seals: what was changed, taken out or cut off shows, walked from its first link or at some of them."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, QuerySet

from loans.books.fault import Fault
from loans.books.seal import seal_sha256
from loans.models import JournalChain, JournalEntry, JournalSeal

BATCH = 1000
NAME = "seals_hold"
SHOWN = 100


def seals_hold(among: QuerySet[JournalEntry] | None = None) -> Iterator[Fault]:
    """I7: every sealed entry is still what was sealed, in the order in which it was sealed.

    Of some entries only the links are made again; that no link and no entry is missing, and where the chain ends, is
    looked at each time.
    """
    if among is None:
        yield from _walk()
        return
    yield from _links(among)
    yield from _holes()
    last = JournalSeal.objects.order_by("-sequence").first()
    yield from _end(*((last.sequence, last.sha256) if last else (0, "")))


def _walk() -> Iterator[Fault]:
    expected, previous = 0, ""
    links = JournalSeal.objects.order_by("sequence").iterator(chunk_size=BATCH)
    while seals := list(islice(links, BATCH)):
        entries = _entries(seals)
        for seal in seals:
            expected += 1
            if seal.sequence != expected:
                yield Fault(NAME, f"seal {expected}", f"missing before {seal.sequence}")
                expected = seal.sequence
            yield from _link(seal, previous, entries.get(seal.entry_id))
            previous = seal.sha256
    yield from _end(expected, previous)


def _entries(seals: list[Any]) -> dict[Any, JournalEntry]:
    rows = JournalEntry.objects.filter(pk__in=[seal.entry_id for seal in seals]).prefetch_related("postings")
    return {entry.pk: entry for entry in rows}


def _links(among: QuerySet[JournalEntry]) -> Iterator[Fault]:
    rows = JournalSeal.objects.filter(entry_id__in=among.values("pk")).order_by("sequence").iterator(chunk_size=BATCH)
    while seals := list(islice(rows, BATCH)):
        entries = _entries(seals)
        before = JournalSeal.objects.in_bulk([seal.sequence - 1 for seal in seals])
        for seal in seals:
            previous = before.get(seal.sequence - 1)
            # A hole before it is told by itself.
            if previous is not None or seal.sequence == 1:
                yield from _link(seal, previous.sha256 if previous else "", entries.get(seal.entry_id))


def _holes() -> Iterator[Fault]:
    """Links and entries that are not there any more."""
    seals = JournalSeal.objects.order_by("sequence")
    figures = seals.aggregate(count=Count("pk"), last=Max("sequence"))
    if figures["count"] != (figures["last"] or 0):
        lost = seals.exclude(sequence=1).filter(~Exists(JournalSeal.objects.filter(sequence=OuterRef("sequence") - 1)))
        for sequence in lost.values_list("sequence", flat=True)[:SHOWN]:
            yield Fault(NAME, f"seal {sequence - 1}", f"missing before {sequence}")
    gone = seals.filter(~Exists(JournalEntry.objects.filter(pk=OuterRef("entry_id"))))
    for seal in gone[:SHOWN]:
        yield from _link(seal, "", None)


def _link(seal: JournalSeal, previous: str, entry: JournalEntry | None) -> Iterator[Fault]:
    if entry is None:
        yield Fault(NAME, str(seal.entry_id), f"seal {seal.sequence}: the entry is gone")
    elif seal_sha256(previous, entry) != seal.sha256:
        yield Fault(NAME, entry.reference, f"seal {seal.sequence}: not what was sealed")


def _end(sequence: int, sha256: str) -> Iterator[Fault]:
    chain = JournalChain.objects.filter(pk=1).first()
    if (chain.sequence, chain.sha256) != (sequence, sha256) if chain else sequence:
        yield Fault(NAME, "chain", f"ends at {sequence}, sealed up to {chain.sequence if chain else 0}")
