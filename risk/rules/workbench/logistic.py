"""Logistic regression on weights of evidence: no weight below zero, so that a better bin never costs points."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from risk.rules.workbench.measures import Floats, Ints

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Weights:
    """ln(odds of being good) = intercept + woe · coefficients."""

    intercept: float
    coefficients: Floats

    def log_odds(self, woe: Floats) -> Floats:
        odds: Floats = self.intercept + woe @ self.coefficients
        return odds


def weights_fit(woe: Floats, bad: Ints, *, ridge: float, non_negative: bool = True) -> Weights:
    """Maximum likelihood with a penalty `ridge`/2 · |coefficients|²; one minimum, so any run gives the same."""
    good = 1.0 - bad
    start = np.zeros(woe.shape[1] + 1)

    def loss(theta: Floats) -> tuple[float, Floats]:
        odds = theta[0] + woe @ theta[1:]
        value = np.logaddexp(0, odds).sum() - good @ odds + ridge / 2 * (theta[1:] @ theta[1:])
        error = 1 / (1 + np.exp(-odds)) - good
        slope = np.concatenate([[error.sum()], woe.T @ error + ridge * theta[1:]])
        return float(value), slope

    bounds = [(None, None)] + [(0.0 if non_negative else None, None)] * woe.shape[1]
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": 2000, "maxfun": 4000, "ftol": 1e-13, "gtol": 1e-6},
    )  # fmt: skip
    return Weights(float(found.x[0]), np.asarray(found.x[1:], dtype=np.float64))
