"""How charts look where the theme's plain preset is not enough: values on the axis, names of the series."""

import json
from typing import Any

# Readable on both backgrounds; the theme colours the grid itself.
INK = "#8b95a3"


def chart_options(*, legend: bool = True, stacked: bool = False) -> str:
    """Options of a bar or line chart, as the theme's component takes them; stacked bars are shares of 100."""
    ticks: dict[str, Any] = {"color": INK, "font": {"size": 12}}
    return json.dumps(
        {
            "animation": False,
            "maintainAspectRatio": False,
            "responsive": True,
            "datasets": {"line": {"borderWidth": 2, "pointRadius": 2}},
            "plugins": {
                "legend": {"display": legend, "position": "bottom", "labels": {"color": INK, "boxWidth": 14}},
                "tooltip": {"enabled": True},
            },
            "scales": {
                "x": {"stacked": stacked, "border": {"width": 0}, "ticks": ticks, "grid": {"display": False}},
                "y": {
                    "stacked": stacked,
                    "border": {"width": 0},
                    "ticks": ticks,
                    "grid": {"display": True},
                    "beginAtZero": True,
                    **({"max": 100} if stacked else {}),
                },
            },
        }
    )
