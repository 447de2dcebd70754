"""A month of behaviour as bytes: one record per day and measure that has a value."""

import numpy as np
import numpy.typing as npt

# The most one day of a measure counts, in fen or pieces: a hundred billion yuan. A year of such days, with all
# that is computed from it, stays within 64 bits; whatever a feed brings, no value wraps round.
VALUE_MAX = 10**13

RECORD = np.dtype([("day", "u1"), ("measure", "<u2"), ("value", "<i8")])
Records = npt.NDArray[np.void]


def month_pack(values: dict[tuple[int, int], int]) -> bytes:
    """(day of month from 0, measure) → value, in order, so that equal months are equal bytes."""
    records = np.array(
        [(day, measure, min(value, VALUE_MAX)) for (day, measure), value in sorted(values.items())], dtype=RECORD
    )
    return records.tobytes()


def month_unpack(packed: bytes) -> Records:
    """Reverses `month_pack`."""
    return np.frombuffer(packed, dtype=RECORD)
