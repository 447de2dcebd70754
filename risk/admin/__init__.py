"""The back office of credit granted."""

from risk.admin import alert, application, feed, invitation, line, policy

__all__ = ["alert", "application", "feed", "invitation", "line", "policy"]
