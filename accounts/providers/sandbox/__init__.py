"""The sandbox institutions: what a client sends decides what they answer. Never in production."""
