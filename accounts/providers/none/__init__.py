"""Institutions one can do without: nothing is known."""
