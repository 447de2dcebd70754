"""Figures of a simulation as people read them."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from weilidai.lib.models import SimulationFigure
from weilidai.simulation.seed import BY_CODE

Unit = SimulationFigure.Unit
WITHIN = {True: _("within"), False: _("outside")}


def title_of(code: str) -> Any:
    """What a figure says; one that is measured no more shows its code."""
    return BY_CODE[code].words if code in BY_CODE else code


def figure_text(value: Decimal, unit: str) -> str:
    """A share in percent, points with a sign, a daily rate in percent a day, a ratio as it is."""
    match unit:
        case Unit.SHARE:
            return f"{_plain(value * 100, 2)} %"
        case Unit.POINTS:
            return f"{value * 100:+.1f}"
        case Unit.DAILY_RATE:
            return f"{_plain(value * 100, 4)} %"
    return _plain(value, 3)


def _plain(value: Decimal, places: int) -> str:
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".")


def range_text(figure: SimulationFigure) -> str:
    """What the source says, with the tolerance where there is one."""
    low, high = (None if edge is None else figure_text(edge, figure.unit) for edge in (figure.low, figure.high))
    if low is None and high is None:
        return "–"
    if low is None or high is None:
        said = f"≤ {high}" if low is None else f"≥ {low}"
    else:
        said = low if low == high else f"{low} – {high}"
    return f"{said} ± {figure_text(figure.tolerance, figure.unit).lstrip('+')}" if figure.tolerance else said


def measured_text(figure: SimulationFigure) -> str:
    return "–" if figure.measured is None else figure_text(figure.measured, figure.unit)


def judged_word(figure: SimulationFigure) -> Any:
    if figure.is_within is not None:
        return WITHIN[figure.is_within]
    if figure.low is None and figure.high is None:
        return _("no figure in the source")
    return _("too few to judge")
