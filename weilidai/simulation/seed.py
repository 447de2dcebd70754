"""The figures of the specification's source that a running system can give, each with the tolerance it is judged by.

A figure is what the source says, never what came out. Tolerances of shares are about two standard errors among the
thousand people of an ordinary run; what holds for every row has none. Below `least` observations chance decides more
than the rules, and nothing is judged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Occupation
from weilidai.lib.models import SimulationFigure
from weilidai.simulation import measures as m

D = Decimal
MAIN, OTHER = "weilidai", "jintiao"
Unit = SimulationFigure.Unit


@dataclass(frozen=True)
class Claim:
    """From `low` to `high`, an edge that is None is open; None twice: the source gives no figure, it is only shown."""

    code: str
    requirement: str
    words: Any
    unit: str
    low: Decimal | None
    high: Decimal | None
    tolerance: Decimal
    least: int
    measure: Callable[[m.Span], m.Measured]


def _exactly(
    code: str,
    requirement: str,
    words: Any,
    figure: str,
    tolerance: str,
    least: int,
    measure: Any,
    unit: str = Unit.SHARE,
) -> Claim:
    return Claim(code, requirement, words, unit, D(figure), D(figure), D(tolerance), least, measure)


def _always(code: str, requirement: str, words: Any, measure: Any) -> Claim:
    """Holds for every row there is."""
    return _exactly(code, requirement, words, "1", "0", 1, measure)


def _tier(tier: str, requirement: str, words: Any, limits: tuple[str, str], rates: tuple[str, str]) -> Claim:
    inside = partial(
        m.tier_inside, product=MAIN, tier=tier, limits=(D(limits[0]), D(limits[1])), rates=(D(rates[0]), D(rates[1]))
    )
    return _always(f"tier_{tier}", requirement, words, inside)


BLUE, MERCHANTS = Occupation.BLUE_COLLAR, Occupation.MICRO_MERCHANT
CLAIMS: tuple[Claim, ...] = (
    _exactly("housing_fund_ratio", "R6", _("Pass rate with 12 months of housing fund over that without"),
             "1.40", "0.13", 150, partial(m.housing_fund_ratio, product=MAIN), Unit.RATIO),
    Claim("approval_share", "R7", _("Approved of those who meet every visible rule"), Unit.SHARE,
          D("0.62"), D("0.75"), D(0), 200, partial(m.approval_share, product=MAIN)),
    _exactly("meets_score", "R8", _("Applicants with the payment score"), "0.85", "0.03", 200,
             partial(m.condition_share, product=MAIN, condition="meets_score")),
    _exactly("meets_real_name", "R8", _("Applicants with a verified real name"), "1", "0", 200,
             partial(m.condition_share, product=MAIN, condition="meets_real_name")),
    _exactly("meets_activity", "R8", _("Applicants active for six months"), "0.78", "0.03", 200,
             partial(m.condition_share, product=MAIN, condition="meets_activity")),
    _exactly("red_packet_bad", "R17", _("Loans more than 90 days past due: of generous senders over others"),
             "0.88", "0.05", 10_000, partial(m.red_packet_bad_ratio, days=m.BAD_DAYS), Unit.RATIO),
    _exactly("red_packet_late", "R17", _("Loans ever past due: of generous senders over others"),
             "0.88", "0.05", 10_000, partial(m.red_packet_bad_ratio, days=0), Unit.RATIO),
    _always("device_deductions", "R18", _("Frequent changes of device that cost 8 to 15 points"),
            partial(m.device_deductions_inside, low=D(8), high=D(15))),
    _tier("new", "R22", _("New customers: lines inside 500 to 8 000 yuan and 0.03 to 0.05 % a day"),
          ("500", "8000"), ("0.0003", "0.0005")),
    _tier("quality", "R23", _("Quality customers: lines inside 8 000 to 40 000 yuan and 0.02 to 0.035 % a day"),
          ("8000", "40000"), ("0.0002", "0.00035")),
    _tier("vip", "R24", _("VIPs: lines inside 40 000 to 200 000 yuan and 0.015 to 0.025 % a day"),
          ("40000", "200000"), ("0.00015", "0.00025")),
    _exactly("fund_raises", "R27", _("Raised within 3 months of a current-money fund of 10 000 with a wealth product"),
             "0.87", "0.06", 60, partial(m.fund_raises, product=MAIN)),
    _always("reviews_done", "R28", _("Open lines reviewed each quarter"), m.reviews_done),
    _always("on_time_lowered", "R29", _("Six months on time: rate lowered, or the lowest already"), m.on_time_lowered),
    Claim("daily_rate_weilidai", "R30", _("Weilidai: mean daily rate of loans"), Unit.DAILY_RATE,
          D("0.00015"), D("0.0005"), D(0), 100, partial(m.daily_rate_mean, product=MAIN)),
    Claim("daily_rate_jintiao", "R30", _("Jintiao: mean daily rate of loans"), Unit.DAILY_RATE,
          D("0.0003"), D("0.0009"), D(0), 100, partial(m.daily_rate_mean, product=OTHER)),
    _exactly("blue_collar_weilidai", "R32", _("Weilidai: blue-collar applicants approved"), "0.61", "0.06", 150,
             partial(m.occupation_coverage, product=MAIN, occupation=BLUE)),
    _exactly("blue_collar_jintiao", "R32", _("Jintiao: blue-collar applicants approved"), "0.73", "0.09", 80,
             partial(m.occupation_coverage, product=OTHER, occupation=BLUE)),
    _exactly("merchants_ahead", "R32", _("Weilidai: micro-merchants approved more often than salaried"), "0.18", "0.08",
             120, partial(m.merchants_ahead, product=MAIN), Unit.POINTS),
    _exactly("proofs_raise", "R38", _("Raised after two asset proofs"), "0.92", "0.05", 60,
             partial(m.proofs_raise, product=MAIN)),
    _always("appeals_answered", "R39", _("Appeals against a freeze answered within 3 working days"),
            m.appeals_answered),
    _always("student_limits", "R50", _("Students' first limits of at most 1 000 yuan"),
            partial(m.student_limits_inside, high=D(1000))),
    Claim("npl_share", "R53", _("Bad-loan ratio on the last evening"), Unit.SHARE, None, D("0.012"), D(0), 100,
          m.npl_share),
    Claim("overdue_share", "R53", _("Principal past due on the last evening"), Unit.SHARE, None, None, D(0), 100,
          m.overdue_share),
)  # fmt: skip
BY_CODE = {claim.code: claim for claim in CLAIMS}


def is_within(claim: Claim, found: m.Measured) -> bool | None:
    """None where there is nothing to judge by: no figure in the source, none measured, or on too few observations."""
    if found.value is None or found.observations < claim.least or (claim.low is None and claim.high is None):
        return None
    above = claim.low is None or found.value >= claim.low - claim.tolerance
    return above and (claim.high is None or found.value <= claim.high + claim.tolerance)
