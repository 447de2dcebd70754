"""Proofs of the loan book that take minutes: `python -m tests.audit NAME --count N --seed S`."""
