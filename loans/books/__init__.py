"""Proof that the books are right: every invariant that can be checked at rest, each a function that names rows at fault."""
