"""Benchmarks as ratios: each case is timed beside a baseline in the same run, on whatever database is configured.

A case is a function from the sizes asked for to its results, one line in `CASES`. What writes leaves nothing behind.
"""

from weilidai.bench.assessment import assessment
from weilidai.bench.draw import draw, draw_partitioned
from weilidai.bench.layers import layers
from weilidai.bench.long_loan import long_loan
from weilidai.bench.measure import Case, Result
from weilidai.bench.night import night
from weilidai.bench.partitions import partitions
from weilidai.bench.portfolio import portfolio
from weilidai.bench.posting import journal
from weilidai.bench.recalculation import recalculation
from weilidai.bench.review import review
from weilidai.bench.small import decision, replay_of_a_loan
from weilidai.bench.variables import variables

CASES: dict[str, Case] = {
    "replay": replay_of_a_loan,
    "journal": journal,
    "decision": decision,
    "night": night,
    "portfolio": portfolio,
    "recalculation": recalculation,
    "layers": layers,
    "assessment": assessment,
    "review": review,
    "variables": variables,
    "long_loan": long_loan,
    "draw": draw,
    "draw_partitioned": draw_partitioned,
    "partitions": partitions,
}

__all__ = ["CASES", "Case", "Result"]
