from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A broken invariant at one row."""

    check: str
    subject: str
    detail: str
