"""Throw-away servers and processes that tests run against."""
