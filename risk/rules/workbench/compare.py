"""Champion and challenger on the same people: who separates better, and whom each would refuse. Pure."""

from typing import Any

import numpy as np

from risk.rules.workbench.measures import Floats, Ints, auc, gini, ks

_PLACES = 4


def comparison(bad: Ints, champion: Floats, challenger: Floats, approve_share: float = 0.7) -> dict[str, Any]:
    """Measures of both, and the swap set when each approves the same share of people, best points first.

    `swap_in`: refused by the champion, approved by the challenger; `swap_out` the other way round.
    """
    measures = {
        name: {
            "auc": round(auc(bad, s), _PLACES),
            "ks": round(ks(bad, s), _PLACES),
            "gini": round(gini(bad, s), _PLACES),
        }
        for name, s in (("champion", champion), ("challenger", challenger))
    }
    first, second = (s >= np.quantile(s, 1 - approve_share) for s in (champion, challenger))
    groups = {
        "both_approve": first & second,
        "swap_in": ~first & second,
        "swap_out": first & ~second,
        "both_refuse": ~first & ~second,
    }
    swap = {name: {"count": int(mask.sum()), "bad": int(bad[mask].sum())} for name, mask in groups.items()}
    return {**measures, "approve_share": approve_share, "swap": swap}
