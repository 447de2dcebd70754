"""How often a long-lived process looks for garbage."""

import gc


def garbage_settle() -> None:
    """What was loaded at start is never garbage: looking through it again and again costs every request and range."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
