"""The real institutions over HTTPS."""
