"""Proof that the books are right: each invariant that can be checked at rest is a function naming rows at fault."""
