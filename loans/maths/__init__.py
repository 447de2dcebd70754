"""Lending arithmetic: pure functions on values, without a database and without a clock."""
