"""Taking a feed in: batch by batch, each batch with its counts in one transaction, so a kill costs at most a batch."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.db import IntegrityError, transaction
from django.db.models import F, Model
from django.utils import timezone

from accounts.models import Customer
from risk.feeds.kinds import KINDS, Kind, Row
from risk.feeds.parse import Rejection, parse_line, reject
from risk.models import CustomerFeedRow, FeedDelivery, FeedKind, FeedRejection

BATCH = 2000
RETRIES = 5
CUSTOMER_COLUMNS = ["registered_on", "registered_occupation", "city", "residence_since"]


@dataclass
class BatchResult:
    """What became of one batch."""

    good: int
    repeated: int
    rejections: list[Rejection]


def delivery_open(*, kind: str, source: str, fingerprint: str, as_of: date) -> FeedDelivery:
    """The delivery to go on with when the same content broke off before, else a new one."""
    broken = FeedDelivery.objects.filter(kind=kind, content_sha256=fingerprint, finished_at__isnull=True)
    return broken.order_by("id").first() or FeedDelivery.objects.create(
        kind=kind, source=source[:300], content_sha256=fingerprint, business_date=as_of
    )


def file_fingerprint(path: Path) -> str:
    """Tells one file from another without reading all of it: name, size, time and first block."""
    stat = path.stat()
    with path.open("rb") as file:
        head = file.read(1 << 16)
    return hashlib.sha256(f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}:".encode() + head).hexdigest()


def feed_load(
    delivery: FeedDelivery, lines: Iterable[bytes], *, as_of: date, on_batch: Callable[[int, int], None] | None = None
) -> FeedDelivery:
    """Takes `lines` in, going on where the delivery stands. `on_batch(lines, bytes)` hears of each batch."""
    kind = KINDS[delivery.kind]
    numbered = enumerate(lines, start=1)
    for batch in _batches(islice(numbered, delivery.lines_done, None)):
        _batch_take(delivery, kind, batch, as_of)
        if on_batch is not None:
            on_batch(len(batch), sum(len(raw) for _, raw in batch))
    delivery.finished_at = timezone.now()
    delivery.save(update_fields=["finished_at"])
    return delivery


def _batches(numbered: Iterator[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    while batch := list(islice(numbered, BATCH)):
        yield batch


def _batch_take(delivery: FeedDelivery, kind: Kind, batch: list[tuple[int, bytes]], as_of: date) -> None:
    parsed = [parse_line(kind, raw, number, as_of) for number, raw in batch if raw.strip()]
    for attempt in range(RETRIES):
        try:
            with transaction.atomic():
                result = _rows_write(kind, parsed)
                _delivery_count(delivery, result, batch[-1][0])
            return
        except IntegrityError:
            # Somebody else delivered some of these rows between our look and our write: look again.
            if attempt == RETRIES - 1:
                raise


def _delivery_count(delivery: FeedDelivery, result: BatchResult, lines_done: int) -> None:
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
    FeedDelivery.objects.filter(pk=delivery.pk).update(
        lines_done=lines_done,
        good_count=F("good_count") + result.good,
        bad_count=F("bad_count") + len(result.rejections),
        repeated_count=F("repeated_count") + result.repeated,
    )
    delivery.refresh_from_db()


def _rows_write(kind: Kind, parsed: list[Row | Rejection]) -> BatchResult:
    rejections = [item for item in parsed if isinstance(item, Rejection)]
    rows = [item for item in parsed if not isinstance(item, Rejection)]
    customers = _customers_of(rows)
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
        _behaviour_write(kind.model, fresh, customers)
    return BatchResult(len(fresh), repeated, sorted(rejections, key=lambda item: item.line_number))


def _customers_of(rows: list[Row]) -> dict[str, Any]:
    openids = {row["openid"] for row in rows}
    return dict(Customer.objects.filter(openid__in=openids).values_list("openid", "pk"))


def _fresh(model: Any, rows: list[Row]) -> tuple[list[Row], int]:
    """Rows whose id is new, here and in the table; the number of the others."""
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


def _behaviour_write(model: type[Model], rows: list[Row], customers: dict[str, Any]) -> None:
    objects: Any = model._default_manager
    objects.bulk_create([model(customer_id=customers[row["openid"]], **_columns(row)) for row in rows], batch_size=500)


def _people_write(rows: list[Row], known: dict[str, Any]) -> None:
    """New people are made, known ones updated; the last row of a person in the batch counts."""
    latest = {row["openid"]: row for row in rows}
    facts = {openid: {name: row[name] for name in CUSTOMER_COLUMNS} for openid, row in latest.items()}
    new = [Customer(openid=openid, **values) for openid, values in facts.items() if openid not in known]
    Customer.objects.bulk_create(new)
    people = known | {customer.openid: customer.pk for customer in new}
    old = Customer.objects.filter(openid__in=[openid for openid in facts if openid in known])
    changed = []
    for customer in old:
        for name, value in facts[customer.openid].items():
            setattr(customer, name, value)
        changed.append(customer)
    Customer.objects.bulk_update(changed, CUSTOMER_COLUMNS, batch_size=500)
    CustomerFeedRow.objects.bulk_create(
        CustomerFeedRow(row_id=row["row_id"], customer_id=people[row["openid"]]) for row in rows
    )


def file_load(
    *, kind: str, path: Path, as_of: date, on_batch: Callable[[int, int], None] | None = None
) -> FeedDelivery:
    """A whole file, resumable; customers must be delivered before what they did."""
    delivery = delivery_open(kind=kind, source=str(path), fingerprint=file_fingerprint(path), as_of=as_of)
    with path.open("rb") as file:
        return feed_load(delivery, file, as_of=as_of, on_batch=on_batch)


def stream_load(*, kind: str, source: str, fingerprint: str, stream: IO[bytes], as_of: date) -> FeedDelivery:
    """A request's body, spooled by the caller."""
    delivery = FeedDelivery.objects.create(
        kind=kind, source=source[:300], content_sha256=fingerprint, business_date=as_of
    )
    return feed_load(delivery, stream, as_of=as_of)


ORDER = (FeedKind.CUSTOMERS, *(kind for kind in FeedKind if kind != FeedKind.CUSTOMERS))
