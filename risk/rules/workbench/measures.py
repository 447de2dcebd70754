"""How well a score separates bad clients from good ones, and how far two groups differ. Pure; bad = 1.

Scores rise with the quality of the client. What is measured here describes a model; it never enters money.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# Half a client in every empty cell, so that no logarithm is infinite.
SMOOTHING = 0.5
PSI_FLOOR = 1e-4


class MeasureUndefined(ValueError):
    """The group has only good or only bad clients, or nobody."""


@dataclass(frozen=True)
class BinEvidence:
    """One bin: people, bad ones among them, weight of evidence (positive: better than average), its share of IV."""

    count: int
    bad: int
    woe: float
    iv: float

    @property
    def bad_rate(self) -> float:
        return self.bad / self.count if self.count else 0.0


@dataclass(frozen=True)
class Band:
    """People of one score band, worst first: bounds of the score, bad rate seen and predicted."""

    low: float
    high: float
    count: int
    bad: int
    predicted: float

    @property
    def bad_rate(self) -> float:
        return self.bad / self.count if self.count else 0.0


def roc_points(bad: Ints, score: Floats) -> tuple[Floats, Floats]:
    """Shares of the good and of the bad who score at or below each distinct score, from (0, 0) to (1, 1)."""
    total_bad, total = int(bad.sum()), len(bad)
    if not 0 < total_bad < total:
        raise MeasureUndefined("a measure needs both good and bad clients")
    order = np.argsort(score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), total - 1)
    caught = np.cumsum(bad[order])[ends]
    refused = ends + 1 - caught
    start = np.zeros(1)
    return np.concatenate([start, refused / (total - total_bad)]), np.concatenate([start, caught / total_bad])


def auc(bad: Ints, score: Floats) -> float:
    """Chance that a good client scores above a bad one, ties half."""
    false, true = roc_points(bad, score)
    return float(np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2))


def gini(bad: Ints, score: Floats) -> float:
    return 2 * auc(bad, score) - 1


def ks(bad: Ints, score: Floats) -> float:
    """Largest distance between the two cumulative shares."""
    false, true = roc_points(bad, score)
    return float(np.max(np.abs(true - false)))


def evidence(codes: Ints, bad: Ints, bins: int) -> list[BinEvidence]:
    """Weight of evidence ln(share of good / share of bad) per bin 0 … bins-1; an empty bin weighs nothing."""
    counts = np.bincount(codes, minlength=bins)
    bads = np.bincount(codes, weights=bad, minlength=bins).astype(np.int64)
    goods = counts - bads
    good_share = (goods + SMOOTHING) / (goods.sum() + SMOOTHING)
    bad_share = (bads + SMOOTHING) / (bads.sum() + SMOOTHING)
    woe = np.where(counts > 0, np.log(good_share / bad_share), 0.0)
    iv = np.where(counts > 0, (good_share - bad_share) * woe, 0.0)
    return [BinEvidence(int(counts[i]), int(bads[i]), float(woe[i]), float(iv[i])) for i in range(bins)]


def information_value(rows: list[BinEvidence]) -> float:
    return sum(row.iv for row in rows)


def psi(expected: Ints, actual: Ints) -> float:
    """Population stability index of two counts over the same bins; under 0.1 stable, over 0.25 another people."""
    if len(expected) != len(actual):
        raise ValueError("both must be counted over the same bins")
    if not expected.sum() or not actual.sum():
        raise MeasureUndefined("nobody to compare")
    before = np.maximum(expected / expected.sum(), PSI_FLOOR)
    after = np.maximum(actual / actual.sum(), PSI_FLOOR)
    return float(np.sum((after - before) * np.log(after / before)))


def quantile_edges(score: Floats, bands: int = 10) -> Floats:
    """Inner bounds of equal-sized bands, each bound once."""
    inner = np.quantile(score, np.linspace(0, 1, bands + 1)[1:-1])
    return np.unique(inner)


def band_counts(score: Floats, edges: Floats) -> Ints:
    return np.bincount(np.searchsorted(edges, score, side="right"), minlength=len(edges) + 1)


def bands(bad: Ints, score: Floats, probability: Floats, number: int = 10) -> list[Band]:
    """Calibration by band of the score, worst band first; bands without anybody are left out."""
    edges = quantile_edges(score, number)
    codes = np.searchsorted(edges, score, side="right")
    rows = []
    for code in range(len(edges) + 1):
        inside = codes == code
        if inside.any():
            s = score[inside]
            mean = float(probability[inside].mean())
            rows.append(Band(float(s.min()), float(s.max()), int(inside.sum()), int(bad[inside].sum()), mean))
    return rows
