"""The back office of credit granted."""

from risk.admin import (
    alert,
    appeal,
    application,
    asset_proof,
    backtest,
    feed,
    invitation,
    limit_raise,
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
    "limit_raise",
    "line",
    "policy",
    "rate_review",
    "screening",
    "shadow",
    "workbench",
]
