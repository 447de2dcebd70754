"""A whole simulation: a database that is nobody's, its people, their life, the table."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from tempfile import TemporaryDirectory

from django.conf import settings
from django.db import transaction
from django.test.utils import override_settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Customer
from loans.services.journal import ledger_accounts_load
from risk.services.presets import presets_load
from weilidai.bench.server import scratch_database
from weilidai.lib.business_date import business_date_set
from weilidai.lib.errors import DomainError
from weilidai.lib.models import BusinessDay, SimulationFigure, SimulationRun
from weilidai.lib.uploads import private_storage_in
from weilidai.simulation.assumptions import Assumptions, assumptions
from weilidai.simulation.behaviour import month_end
from weilidai.simulation.hashing import QUICK
from weilidai.simulation.life import Life
from weilidai.simulation.measures import Measured, Span
from weilidai.simulation.people import members, months_from
from weilidai.simulation.seed import CLAIMS, Claim, is_within

Watch = Callable[[int, int], None]
PLACES = Decimal("0.000001")
QUARTER_MONTHS = 3


class SimulationRefused(DomainError):
    code = "simulation_refused"
    title = _("A simulation needs a database without customers and without a closed day")
    http_state = 409


class SandboxNeeded(DomainError):
    code = "sandbox_needed"
    title = _("A simulation asks no real institution: every provider must be the sandbox")
    http_state = 409


@dataclass(frozen=True)
class Result:
    """Claims beside what came out, in the order of `CLAIMS`."""

    people: int
    seed: int
    span: Span
    assumed: Assumptions
    figures: tuple[tuple[Claim, Measured], ...]
    # Draws that were refused, by code.
    refused: dict[str, int] = field(default_factory=dict)


def _quiet(done: int, total: int) -> None:
    """Nobody watches."""


def last_day(quarters: int) -> date:
    """Of a life of so many quarters by the shipped assumptions."""
    return month_end(months_from(assumptions().life["first_day"], quarters * QUARTER_MONTHS)[-1])


def simulation_check() -> None:
    """Raises `SandboxNeeded`, `SimulationRefused`: made-up people never mix with anybody's."""
    if any(provider["kind"] == "http" for provider in settings.PROVIDERS.values()):
        raise SandboxNeeded
    closed = BusinessDay.objects.exclude(state=BusinessDay.State.OPEN)
    if Customer.objects.exists() or closed.exists():
        raise SimulationRefused


def simulate(
    *, people: int, last: date, seed: int, watch: Watch = _quiet, assumed: Assumptions | None = None
) -> Result:
    """Lives and measures in the database of this process. Raises what `simulation_check` raises."""
    simulation_check()
    assumed = assumed or assumptions()
    first: date = assumed.life["first_day"]
    presets_load(as_of=first)
    ledger_accounts_load()
    business_date_set(first, at=timezone.now())
    population = members(people, last=last, seed=seed, assumed=assumed)
    life = Life(population, last=last, seed=seed, assumed=assumed)
    with override_settings(PASSWORD_HASHERS=[QUICK]):
        life.behaviour.past_deliver()
        life.live(watch)
    span = Span(first, last)
    return Result(people, seed, span, assumed, measured(span), dict(sorted(life.refused.items())))


def measured(span: Span) -> tuple[tuple[Claim, Measured], ...]:
    """Every claim beside what the rows of the database say."""
    return tuple((claim, claim.measure(span)) for claim in CLAIMS)


@contextmanager
def scratch_place() -> Iterator[None]:
    """A database and a folder of pictures that are gone afterwards: made-up people and papers never lie beside real
    ones, and no made-up night sweeps those.
    """
    with TemporaryDirectory() as folder, private_storage_in(folder), scratch_database():
        yield


@transaction.atomic
def result_store(result: Result, *, at: datetime, seconds: int) -> SimulationRun:
    """The table as rows."""
    run = SimulationRun.objects.create(
        created_at=at, people_count=result.people, seed=result.seed, first_date=result.span.first,
        last_date=result.span.last, assumptions_sha256=result.assumed.fingerprint, duration_seconds=seconds,
    )  # fmt: skip
    SimulationFigure.objects.bulk_create(
        _figure(run, position, claim, found) for position, (claim, found) in enumerate(result.figures, start=1)
    )
    return run


def _figure(run: SimulationRun, position: int, claim: Claim, found: Measured) -> SimulationFigure:
    value = None if found.value is None else found.value.quantize(PLACES, rounding=ROUND_HALF_UP)
    return SimulationFigure(
        run=run, position=position, code=claim.code, requirement=claim.requirement, unit=claim.unit, low=claim.low,
        high=claim.high, tolerance=claim.tolerance, measured=value, observations_count=found.observations,
        least_count=claim.least, is_within=is_within(claim, Measured(value, found.observations)),
    )  # fmt: skip
