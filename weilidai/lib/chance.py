"""Chance that comes out the same again: for made-up people and measurements, never for a secret."""

from random import Random


def seeded(seed: int | str | bytes) -> Random:
    """The same seed, the same throws."""
    return Random(seed)  # noqa: S311 - foreseeable on purpose
