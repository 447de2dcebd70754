import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve

from risk.rules.workbench.logistic import weights_fit
from risk.rules.workbench.measures import (
    MeasureUndefined,
    auc,
    band_counts,
    bands,
    evidence,
    gini,
    information_value,
    ks,
    psi,
    quantile_edges,
)
from risk.rules.workbench.split import fold_numbers, holdout_mask

pytestmark = [pytest.mark.req("R15", "R25")]


def people(seed=5, size=3000, rounding=1):
    rng = np.random.default_rng(seed)
    score = np.round(rng.normal(size=size), rounding)
    bad = (rng.random(size) < 1 / (1 + np.exp(1 + score))).astype(np.int64)
    return bad, score


@pytest.mark.parametrize("rounding", [0, 1, 6])
def test_auc_and_ks_agree_with_scikit_learn_also_with_ties(rounding):
    bad, score = people(rounding=rounding)
    false, true, _ = roc_curve(bad, -score)
    assert auc(bad, score) == pytest.approx(roc_auc_score(bad, -score), abs=1e-12)
    assert gini(bad, score) == pytest.approx(2 * roc_auc_score(bad, -score) - 1, abs=1e-12)
    assert ks(bad, score) == pytest.approx(np.max(true - false), abs=1e-12)


def test_perfect_useless_and_upside_down_scores():
    bad = np.array([1, 1, 0, 0])
    assert auc(bad, np.array([1.0, 2, 3, 4])) == 1
    assert auc(bad, np.array([4.0, 3, 2, 1])) == 0
    assert auc(bad, np.ones(4)) == 0.5


@pytest.mark.parametrize("bad", [[0, 0], [1, 1], []])
def test_a_group_without_both_kinds_has_no_auc(bad):
    with pytest.raises(MeasureUndefined):
        auc(np.array(bad, dtype=np.int64), np.zeros(len(bad)))


def test_weight_of_evidence_by_hand():
    codes = np.array([0] * 100 + [1] * 100)
    bad = np.array([1] * 40 + [0] * 60 + [1] * 10 + [0] * 90)
    rows = evidence(codes, bad, 3)
    assert rows[0].woe == pytest.approx(math.log((60.5 / 150.5) / (40.5 / 50.5)))
    assert rows[1].woe > 0 > rows[0].woe
    assert (rows[0].count, rows[0].bad, rows[0].bad_rate) == (100, 40, 0.4)
    assert (rows[2].count, rows[2].woe, rows[2].iv, rows[2].bad_rate) == (0, 0, 0, 0)
    assert information_value(rows) == pytest.approx(rows[0].iv + rows[1].iv)


def test_psi_is_nothing_for_the_same_people_and_known_for_others():
    same = np.array([50, 50])
    assert psi(same, same * 3) == 0
    assert psi(same, np.array([70, 30])) == pytest.approx(0.2 * math.log(0.7 / 0.5) - 0.2 * math.log(0.3 / 0.5))
    with pytest.raises(MeasureUndefined):
        psi(same, np.zeros(2, dtype=np.int64))
    with pytest.raises(ValueError, match="same bins"):
        psi(same, np.ones(3, dtype=np.int64))


def test_bands_hold_everybody_once_and_start_with_the_worst():
    bad, score = people()
    rows = bands(bad, score, 1 / (1 + np.exp(1 + score)))
    assert sum(row.count for row in rows) == len(bad)
    assert sum(row.bad for row in rows) == bad.sum()
    assert rows[0].bad_rate > rows[-1].bad_rate
    assert band_counts(score, quantile_edges(score)).sum() == len(score)


def test_logistic_weights_agree_with_scikit_learn():
    bad, score = people(rounding=6)
    other = np.random.default_rng(9).normal(size=len(bad))
    woe = np.stack([score, other], axis=1)
    mine = weights_fit(woe, bad, ridge=2.0, non_negative=False)
    theirs = LogisticRegression(C=0.5, tol=1e-9, max_iter=1000).fit(woe, 1 - bad)
    assert mine.coefficients == pytest.approx(theirs.coef_[0], abs=1e-4)
    assert mine.intercept == pytest.approx(theirs.intercept_[0], abs=1e-4)


def test_a_weight_never_falls_below_zero():
    bad, score = people()
    assert weights_fit(np.stack([score, -score], axis=1), bad, ridge=1.0).coefficients[1] == 0


def test_the_split_depends_on_the_id_alone():
    ids = [str(number) for number in range(5000)]
    mask = holdout_mask(ids)
    assert 0.28 < mask.mean() < 0.32
    assert (holdout_mask(ids[::-1])[::-1] == mask).all()
    assert holdout_mask(["1", "2", "3", "4", "5", "6"]).tolist() == mask[1:7].tolist()
    folds = fold_numbers(ids)
    assert set(folds) == {0, 1, 2, 3, 4}
    assert 0.25 < mask[folds == 0].mean() < 0.35
    with pytest.raises(ValueError, match="between 0 and 1"):
        holdout_mask(ids, 1.0)
