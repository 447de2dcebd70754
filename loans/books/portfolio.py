"""The portfolio's figures against the tape they were made of."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from django.db import models

from loans.books.fault import Fault
from loans.models import PortfolioFigure, RollFigure, SegmentFigure, VintageFlow
from loans.selectors.portfolio import class_bands
from loans.selectors.portfolio_tape import figures_of, flows_of, rolls_of, segments_of
from weilidai.lib.models import JobRun

# How many of the last nights are made again.
NIGHTS = 3
MAKERS: tuple[tuple[type[models.Model], Callable[[date], Sequence[models.Model]]], ...] = (
    (PortfolioFigure, lambda day: figures_of(day, class_bands(day))),
    (VintageFlow, flows_of),
    (RollFigure, rolls_of),
    (SegmentFigure, segments_of),
)


def portfolio_matches_tape() -> Iterator[Fault]:
    """The figures of each of the last closed days, and the rolls of the last month, are what the tape adds up to."""
    nights = JobRun.objects.filter(job="end_of_day.portfolio", state=JobRun.State.DONE).order_by("-business_date")
    for day in nights.values_list("business_date", flat=True)[:NIGHTS]:
        for model, make in MAKERS:
            yield from _faults(model, day, make(day))
    month = RollFigure.objects.order_by("-business_date").values_list("business_date", flat=True).first()
    if month is not None:
        yield from _faults(RollFigure, month, rolls_of(month))


def _faults(model: type[models.Model], day: date, made: Sequence[models.Model]) -> Iterator[Fault]:
    stored = {_values(row) for row in model._default_manager.filter(business_date=day)}
    expected = {_values(row) for row in made}
    for values in sorted(stored ^ expected, key=str)[:10]:
        which = "stored and not on the tape" if values in stored else "on the tape and not stored"
        yield Fault("portfolio_matches_tape", f"{model._meta.model_name} {day}", f"{which}: {values}"[:500])


def _values(row: models.Model) -> tuple[Any, ...]:
    names = [field.attname for field in row._meta.concrete_fields if not field.primary_key]
    return tuple(str(getattr(row, name)) if name.endswith("_id") else getattr(row, name) for name in names)
