"""The back office of credit granted."""

from risk.admin import application, feed, invitation, line, policy

__all__ = ["application", "feed", "invitation", "line", "policy"]
