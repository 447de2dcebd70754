"""Who belongs to the hold-out and to which fold: a function of the client's id alone, so that no run differs."""

from hashlib import sha256

import numpy as np

from risk.rules.workbench.measures import Ints

SALT = "weilidai-workbench-1"
_SPACE = 2**32


def place(client_id: str, salt: str = SALT) -> float:
    """A number in [0, 1) that depends on the id and the salt only."""
    return int.from_bytes(sha256(f"{salt}:{client_id}".encode()).digest()[:4], "big") / _SPACE


def holdout_mask(ids: list[str], share: float = 0.3, salt: str = SALT) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """True for the clients held out from a fit: about `share` of them, the same whatever the order of the rows."""
    if not 0 < share < 1:
        raise ValueError("the share lies between 0 and 1")
    return np.array([place(one, salt) < share for one in ids], dtype=np.bool_)


def fold_numbers(ids: list[str], folds: int = 5, salt: str = SALT) -> Ints:
    """Fold 0 … folds-1 of each client, independent of the hold-out."""
    return np.array([int(place(one, f"{salt}:fold") * folds) for one in ids], dtype=np.int64)
