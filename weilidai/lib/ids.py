"""Identifiers: UUID version 7 (RFC 9562), so that keys sort by the time they were made."""

import os
import time
import uuid
from datetime import UTC, datetime
from threading import Lock

# A new UUIDv7 in a statement on PostgreSQL: the milliseconds over the first six bytes, the version over the next.
UUID7_SQL = (
    "encode(set_byte(overlay(uuid_send(gen_random_uuid())"
    " placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),"
    " 6, 112 + floor(random() * 16)::integer), 'hex')::uuid"
)


def uuid7_floor(at: datetime) -> uuid.UUID:
    """The smallest UUIDv7 of an instant: rows made at or after it have greater keys."""
    milliseconds = int(at.timestamp() * 1000)
    return uuid.UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | 0b10 << 62)


def uuid7_time(key: uuid.UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, tz=UTC)


class _Rising:
    """Milliseconds and 74 bits of chance, each value above the one before it in the same millisecond."""

    def __init__(self) -> None:
        self._lock, self._newest = Lock(), 0

    def next(self) -> int:
        with self._lock:
            milliseconds = time.time_ns() // 1_000_000 & ((1 << 48) - 1)
            # One bit stays free for those that follow.
            value = milliseconds << 74 | int.from_bytes(os.urandom(10), "big") >> 7
            if value <= self._newest and self._newest >> 74 == milliseconds:
                value = self._newest + 1 + (value & 0xFFFFFFFF)
            self._newest = value
        return value


_rising = _Rising()


def uuid7() -> uuid.UUID:
    """A new UUIDv7: 48 bits of milliseconds, the rest random. Those of one process and one millisecond rise as well, so
    that what one act wrote stands in the order in which it was written.
    """
    value = _rising.next()
    low = value & ((1 << 74) - 1)
    return uuid.UUID(int=value >> 74 << 80 | 0x7 << 76 | low >> 62 << 64 | 0b10 << 62 | low & ((1 << 62) - 1))
