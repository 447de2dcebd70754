"""Figures of the law: proposed by one person, in force once another approved (R54)."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.changes import ChangeKind, change_kind_register
from accounts.models import ChangeRequest, StaffUser
from accounts.services.change_request import change_request
from risk.models import RegulationParameter
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import FieldInvalid

KIND = "regulation"
PERMISSION = "risk.change_regulationparameter"
Name = RegulationParameter.Name
# Where the classes after the first begin, in their order.
CLASS_DAYS = (Name.SPECIAL_MENTION_DAYS, Name.SUBSTANDARD_DAYS, Name.DOUBTFUL_DAYS, Name.LOSS_DAYS)
# Shares of one: who types per cent is told so before it holds.
SHARES = (Name.COST_CAP_RATE, Name.NPL_RATIO_ALERT)
# The names of figures that count days end so.
DAYS = "_days"


@transaction.atomic
def regulation_propose(
    *,
    name: RegulationParameter.Name | str,
    value: Decimal,
    valid_from: date,
    source: str,
    reason: str,
    user: StaffUser,
    as_of: date,
    at: datetime,
) -> ChangeRequest:
    """Asks for a figure that holds from `valid_from` on; the figures before it stay as they were.

    Raises `FieldInvalid` for a day in the past, one that has its figure already, a value not above 0, a share above 1
    or a part of a day; `ReasonRequired`, `ChangePending`.
    """
    _check(name, value, valid_from, as_of)
    before = RegulationParameter.objects.filter(name=name, valid_from__lt=valid_from).order_by("-valid_from").first()
    # The name and the day are the object: two requests for the same figure cannot wait side by side.
    subject = RegulationParameter(id=None, name=str(name), valid_from=valid_from)
    subject.pk = f"{name}:{valid_from.isoformat()}"
    return change_request(
        kind=KIND,
        subject=subject,
        subject_name=f"{RegulationParameter.Name(name).label} {valid_from.isoformat()}",
        before={"value": str(before.value) if before else None},
        after={"name": str(name), "value": str(value), "valid_from": valid_from.isoformat(), "source": source},
        reason=reason,
        user=user,
        as_of=as_of,
        at=at,
    )


def _check(name: str, value: Decimal, valid_from: date, as_of: date) -> None:
    if valid_from < as_of:
        raise _fault("valid_from", _("A policy cannot begin in the past"))
    if value <= 0:
        raise _fault("value", _("The figure must be above 0"))
    if RegulationParameter.objects.filter(name=name, valid_from=valid_from).exists():
        raise _fault("valid_from", _("This day has its figure already"))
    if name in SHARES and value > 1:
        raise _fault("value", _("A share is at most 1: 24 per cent is 0.24"))
    if name.endswith(DAYS) and value != int(value):
        raise _fault("value", _("Days are a whole number"))
    if name in CLASS_DAYS:
        _check_class_days(name, value, valid_from)


def _check_class_days(name: str, value: Decimal, valid_from: date) -> None:
    """A class begins after the one before it and before the one behind, on every day on which the figure will hold."""
    place = CLASS_DAYS.index(name)
    for neighbour in CLASS_DAYS[max(0, place - 1) : place + 2]:
        if neighbour == name:
            continue
        is_before = CLASS_DAYS.index(neighbour) < place
        rows = RegulationParameter.objects.filter(name=neighbour).order_by("-valid_from")
        holding = rows.filter(valid_from__lte=valid_from)[:1]
        for row in [*holding, *rows.filter(valid_from__gt=valid_from)]:
            if (row.value >= value) if is_before else (row.value <= value):
                raise _fault("value", _("The classes must follow one another in days past due"))


def _fault(field: str, detail: object) -> FieldInvalid:
    return FieldInvalid(str(detail), field_errors=[{"field": field, "code": "invalid", "detail": detail}])


def _apply(request: ChangeRequest, actor: Actor, as_of: date, at: datetime) -> None:
    """Writes the row; a request approved after its first day is refused."""
    after = request.after
    name, value = after["name"], Decimal(after["value"])
    valid_from = date.fromisoformat(after["valid_from"])
    _check(name, value, valid_from, as_of)
    row = RegulationParameter.objects.create(name=name, value=value, valid_from=valid_from, source=after["source"])
    audit_record(
        action="regulation.activate", actor=actor, subject=row, at=at, as_of=as_of, before=request.before,
        after=after, reason=request.reason,
    )  # fmt: skip


def register() -> None:
    words = {"name": _("parameter"), "value": _("value"), "valid_from": _("valid from"), "source": _("source")}
    change_kind_register(ChangeKind(KIND, _("Figure of the law"), _apply, permission=PERMISSION, words=words))
