"""Labelled sets of the platform's own loans: built as known on a date, kept, fitted like any other set (R15, R17)."""

import gzip
import hashlib
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import StaffUser
from risk.models import LabelledSet
from risk.rules.workbench.own_loans import people_dump
from risk.selectors.own_loans import Definition, Seen, loans_seen
from risk.selectors.policy import monitoring_current
from risk.variables.catalogue import described
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import FieldInvalid


def own_loans_definition(as_of: date) -> Definition:
    """What counts as bad on this date: a figure of the monitoring policy, versioned and approved by two."""
    policy = monitoring_current(as_of)
    return Definition(policy.label_months, policy.label_days_past_due, as_of)


@transaction.atomic
def own_loans_create(*, as_of: date, today: date, user: StaffUser | None, at: datetime) -> LabelledSet:
    """The set as known at the end of `as_of`; the same people again are the set there is.

    Raises `FieldInvalid` on a day that has not ended, or where nobody went bad or nobody paid.
    """
    if as_of >= today:
        raise _fault(_("What was known at the end of a day is told once the day is over"))
    definition = own_loans_definition(as_of)
    seen = loans_seen(definition)
    labels = {person.bad for person in seen.people}
    if not {0, 1} <= labels:
        raise _fault(_("Needs clients who defaulted and clients who did not"))
    names = [name for name in described() if any(name in person.values for person in seen.people)]
    text = people_dump(seen.people, names)
    return _keep(definition, seen, text, user, at)


def _keep(definition: Definition, seen: Seen, text: str, user: StaffUser | None, at: datetime) -> LabelledSet:
    values: dict[str, Any] = {
        "name": f"own_loans {definition.as_of} >{definition.days} dpd {definition.months} m",
        "kind": LabelledSet.Kind.LOANS,
        "packed": gzip.compress(text.encode(), mtime=0),
        "columns": text.partition("\n")[0].split(","),
        "row_count": len(seen.people),
        "bad_count": sum(person.bad == 1 for person in seen.people),
        "rejected_count": seen.without_loan + seen.too_young,
        "created_at": at,
        "created_by": user,
    }
    row, created = LabelledSet.objects.get_or_create(sha256=hashlib.sha256(text.encode()).hexdigest(), defaults=values)
    if created:
        actor = Actor.of(user) if user else Actor.system("own_loans")
        audit_record(
            action="labelled_set.create", actor=actor, subject=row, at=at, as_of=definition.as_of,
            after={"name": row.name, "clients": row.row_count, "without_loan": seen.without_loan,
                   "too_young": seen.too_young},
        )  # fmt: skip
    return row


def _fault(detail: Any) -> FieldInvalid:
    return FieldInvalid(field_errors=[{"field": "as_of", "code": "invalid", "detail": detail}])
