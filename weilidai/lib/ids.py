"""Identifiers: UUID version 7 (RFC 9562), so that keys sort by the time they were made."""

import os
import time
import uuid
from datetime import UTC, datetime

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


def uuid7() -> uuid.UUID:
    """A new UUIDv7: 48 bits of milliseconds, the rest random."""
    milliseconds = time.time_ns() // 1_000_000
    random_bits = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= ((random_bits >> 62) & 0xFFF) << 64
    value |= 0b10 << 62
    value |= random_bits & ((1 << 62) - 1)
    return uuid.UUID(int=value)
