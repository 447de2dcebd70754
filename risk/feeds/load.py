"""Taking a feed in: batch by batch, each batch with its counts in one transaction, so a kill costs at most a batch."""

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer, ErasedOpenid
from accounts.models.erased import erased_hash
from risk.feeds.kinds import KINDS, Kind, Row
from risk.feeds.parse import LINE_BYTES_MAX, Rejection, parse_line, reject
from risk.feeds.summaries import months_mark, summaries_build
from risk.models import CustomerFeedRow, FeedDelivery, FeedKind, FeedRejection
from risk.services.feed_watch import feed_watch
from weilidai.lib.errors import DomainError
from weilidai.lib.models import MachineMessage
from weilidai.lib.signing import Machine

BATCH = 2000
WRITE_BATCH = 500
RETRIES = 5
CUSTOMER_COLUMNS = ["registered_on", "registered_occupation", "city", "residence_since"]


class FeedReplayed(DomainError):
    code = "message_replayed"
    title = _("This message was taken in before")
    http_state = 409


@dataclass
class BatchResult:
    """What became of one batch."""

    good: int
    repeated: int
    rejections: list[Rejection]


def delivery_create(*, kind: str, source: str, fingerprint: str, as_of: date) -> FeedDelivery:
    return FeedDelivery.objects.create(kind=kind, source=source[:300], content_sha256=fingerprint, business_date=as_of)


def delivery_broken(*, kind: str, source: str, fingerprint: str) -> FeedDelivery | None:
    """The delivery of the same content from the same place that broke off before it was finished."""
    broken = FeedDelivery.objects.filter(
        kind=kind, source=source[:300], content_sha256=fingerprint, finished_at__isnull=True
    )
    return broken.order_by("id").first()


def file_fingerprint(path: Path) -> str:
    """Tells one file from another without reading all of it: name, size, time and first block."""
    stat = path.stat()
    with path.open("rb") as file:
        head = file.read(1 << 16)
    return hashlib.sha256(f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}:".encode() + head).hexdigest()


def feed_load(
    delivery: FeedDelivery,
    stream: IO[bytes],
    *,
    on_batch: Callable[[int, int], None] | None = None,
    summarise: bool = True,
) -> FeedDelivery:
    """Takes the lines in, going on where the delivery stands; `on_batch(lines, bytes)` hears of each batch.

    Without `summarise` the months stay marked: who brings several files builds them once, after the last.

    A resumed delivery is judged by the business date it began with, so that it ends as if never broken off.
    """
    kind = KINDS[delivery.kind]
    for batch in _batches(enumerate(bounded_lines(stream), start=1)):
        if batch[-1][0] > delivery.lines_done:
            delivery = _batch_take(delivery, kind, batch)
        if on_batch is not None:
            on_batch(len(batch), sum(len(raw) for number, raw in batch))
    if summarise:
        summaries_build()
    delivery.finished_at = timezone.now()
    delivery.save(update_fields=["finished_at"])
    return delivery


def bounded_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines of a stream; of one that is too long only as much as shows that it is."""
    while line := stream.readline(LINE_BYTES_MAX + 1):
        yield line
        while len(line) > LINE_BYTES_MAX and not line.endswith(b"\n"):
            line = stream.readline(LINE_BYTES_MAX + 1)


def _batches(numbered: Iterator[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    while batch := list(islice(numbered, BATCH)):
        yield batch


def _batch_take(delivery: FeedDelivery, kind: Kind, batch: list[tuple[int, bytes]]) -> FeedDelivery:
    parsed = [parse_line(kind, raw, number, delivery.business_date) for number, raw in batch if raw.strip()]
    for attempt in range(RETRIES):
        try:
            return _parsed_write(delivery, kind, parsed, batch[-1][0])
        except (IntegrityError, OperationalError):
            # Somebody else delivered some of these rows between our look and our write, or the database gave
            # way to them (deadlock, serialization): look again.
            if attempt == RETRIES - 1:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


@transaction.atomic
def _parsed_write(delivery: FeedDelivery, kind: Kind, parsed: list[Row | Rejection], lines_done: int) -> FeedDelivery:
    """One batch and its counts. Lines that another process has taken for this delivery meanwhile are left out."""
    locked = FeedDelivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
    if locked.lines_done >= lines_done:
        return locked
    rows = [item for item in parsed if _line_number(item) > locked.lines_done]
    result = _rows_write(kind, rows, delivery.business_date)
    return _delivery_count(locked, result, lines_done)


def _line_number(item: Row | Rejection) -> int:
    number: int = item.line_number if isinstance(item, Rejection) else item["line_number"]
    return number


def _delivery_count(delivery: FeedDelivery, result: BatchResult, lines_done: int) -> FeedDelivery:
    FeedRejection.objects.bulk_create(
        FeedRejection(
            delivery=delivery,
            line_number=item.line_number,
            field=item.field,
            code=item.code,
            detail=item.detail[:300],
            row_excerpt=item.excerpt,
        )
        for item in result.rejections
    )
    delivery.lines_done = lines_done
    delivery.good_count += result.good
    delivery.bad_count += len(result.rejections)
    delivery.repeated_count += result.repeated
    delivery.save(update_fields=["lines_done", "good_count", "bad_count", "repeated_count"])
    return delivery


def _rows_write(kind: Kind, parsed: list[Row | Rejection], as_of: date) -> BatchResult:
    rejections = [item for item in parsed if isinstance(item, Rejection)]
    rows = [item for item in parsed if not isinstance(item, Rejection)]
    customers = _customers_of(rows)
    rows, forgotten = _erased_refuse(rows, customers)
    rejections += forgotten
    if kind.model is not None:
        strangers = [row for row in rows if row["openid"] not in customers]
        rejections += [
            reject(row["raw"], row["line_number"], "openid", "unknown_openid", "no such customer") for row in strangers
        ]
        rows = [row for row in rows if row["openid"] in customers]
    fresh, repeated = _fresh(kind.model or CustomerFeedRow, rows)
    if kind.model is None:
        _people_write(fresh, customers)
    else:
        _behaviour_write(kind.model, fresh, customers, as_of)
    return BatchResult(len(fresh), repeated, sorted(rejections, key=lambda item: item.line_number))


def _erased_refuse(rows: list[Row], customers: dict[str, Any]) -> tuple[list[Row], list[Rejection]]:
    """Who asked to be forgotten does not come back by a feed, and nothing of the row is kept (R55)."""
    hashes = {row["openid"]: erased_hash(row["openid"]) for row in rows if row["openid"] not in customers}
    known = ErasedOpenid.objects.filter(openid_hash__in=hashes.values()) if hashes else ErasedOpenid.objects.none()
    erased = set(known.values_list("openid_hash", flat=True))
    gone = [row for row in rows if hashes.get(row["openid"]) in erased]
    refused = [reject(b"", row["line_number"], "openid", "erased_customer", "asked to be forgotten") for row in gone]
    return [row for row in rows if hashes.get(row["openid"]) not in erased], refused


def _customers_of(rows: list[Row]) -> dict[str, Any]:
    openids = {row["openid"] for row in rows}
    return dict(Customer.objects.filter(openid__in=openids).values_list("openid", "pk"))


def _fresh(model: Any, rows: list[Row]) -> tuple[list[Row], int]:
    """Rows whose id is new, here and in the table, in line order; the number of the others."""
    seen = set(model.objects.filter(row_id__in=[row["row_id"] for row in rows]).values_list("row_id", flat=True))
    fresh: list[Row] = []
    for row in rows:
        if row["row_id"] not in seen:
            seen.add(row["row_id"])
            fresh.append(row)
    return fresh, len(rows) - len(fresh)


NOT_COLUMNS = ("line_number", "raw", "openid")


def _columns(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in NOT_COLUMNS}


def _by_row_id(rows: list[Row]) -> list[Row]:
    """One order for everybody: parallel deliveries of the same rows wait for each other, never crosswise."""
    return sorted(rows, key=lambda row: row["row_id"])


def _behaviour_write(model: type[Model], rows: list[Row], customers: dict[str, Any], as_of: date) -> None:
    objects: Any = model._default_manager
    written = [model(customer_id=customers[row["openid"]], **_columns(row)) for row in _by_row_id(rows)]
    objects.bulk_create(written, batch_size=WRITE_BATCH)
    months_mark(model, written)
    feed_watch(model=model, rows=written, as_of=as_of, at=timezone.now())


def _people_write(rows: list[Row], known: dict[str, Any]) -> None:
    """New people are made, known ones updated; the last row of a person in the batch counts."""
    latest = {row["openid"]: row for row in rows}
    facts = {openid: {name: latest[openid][name] for name in CUSTOMER_COLUMNS} for openid in sorted(latest)}
    new = [Customer(openid=openid, **values) for openid, values in facts.items() if openid not in known]
    Customer.objects.bulk_create(new, batch_size=WRITE_BATCH)
    people = known | {customer.openid: customer.pk for customer in new}
    old = Customer.objects.select_for_update(no_key=True).filter(
        openid__in=[openid for openid in facts if openid in known]
    )
    changed = []
    for customer in old.order_by("openid"):
        for name, value in facts[customer.openid].items():
            setattr(customer, name, value)
        changed.append(customer)
    Customer.objects.bulk_update(changed, CUSTOMER_COLUMNS, batch_size=WRITE_BATCH)
    CustomerFeedRow.objects.bulk_create(
        (CustomerFeedRow(row_id=row["row_id"], customer_id=people[row["openid"]]) for row in _by_row_id(rows)),
        batch_size=WRITE_BATCH,
    )


def file_load(
    *,
    kind: str,
    path: Path,
    as_of: date,
    on_batch: Callable[[int, int], None] | None = None,
    summarise: bool = True,
) -> FeedDelivery:
    """A whole file, resumable; customers must be delivered before what they did.

    Who holds the file's lock may go on with a broken delivery. Who does not is a second import of the same file at
    the same time: it counts by itself, so that every row is good in one of the two only.
    """
    with path.open("rb") as file:
        return feed_load(_file_delivery(kind, path, file, as_of), file, on_batch=on_batch, summarise=summarise)


def _file_delivery(kind: str, path: Path, file: IO[bytes], as_of: date) -> FeedDelivery:
    source = str(path.resolve())
    if not _file_lock(file):
        # Without a fingerprint nobody takes it for broken while it runs.
        return delivery_create(kind=kind, source=source, fingerprint="", as_of=as_of)
    fingerprint = file_fingerprint(path)
    return delivery_broken(kind=kind, source=source, fingerprint=fingerprint) or delivery_create(
        kind=kind, source=source, fingerprint=fingerprint, as_of=as_of
    )


def _file_lock(file: IO[bytes]) -> bool:
    """Whether this process has the file to itself; the lock goes with the open file, so a kill releases it."""
    # Held by another process, or a file system without locks: then this import is a delivery of its own.
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def stream_load(
    *, kind: str, machine: Machine, fingerprint: str, stream: IO[bytes], as_of: date, at: datetime
) -> FeedDelivery:
    """A signed request's body, spooled by the caller.

    The same message again goes on where it broke off; raises FeedReplayed when it was finished, or said otherwise.
    """
    source = f"{machine.key_id}:{machine.message_id}"
    try:
        with transaction.atomic():
            MachineMessage.objects.create(credential=machine.key_id, message_id=machine.message_id, received_at=at)
            delivery = delivery_create(kind=kind, source=source, fingerprint=fingerprint, as_of=as_of)
    except IntegrityError as error:
        broken = delivery_broken(kind=kind, fingerprint=fingerprint, source=source)
        if broken is None:
            raise FeedReplayed from error
        delivery = broken
    return feed_load(delivery, stream)


ORDER = (FeedKind.CUSTOMERS, *(kind for kind in FeedKind if kind != FeedKind.CUSTOMERS))
