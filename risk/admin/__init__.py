"""The back office of credit granted."""

from risk.admin import (
    alert,
    appeal,
    application,
    asset_proof,
    backtest,
    feed,
    invitation,
    line,
    policy,
    rate_review,
    screening,
    shadow,
    workbench,
)

__all__ = [
    "alert",
    "appeal",
    "application",
    "asset_proof",
    "backtest",
    "feed",
    "invitation",
    "line",
    "policy",
    "rate_review",
    "screening",
    "shadow",
    "workbench",
]
