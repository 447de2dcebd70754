"""What customers say of themselves."""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Customer
from weilidai.lib.audit import Actor, audit_record

# Field of the request → column. A declaration never overrides what a feed says of a student.
EDITABLE = {"occupation": "declared_occupation", "student": "declared_student", "language": "language"}


@transaction.atomic
def profile_update(*, customer: Customer, changes: dict[str, Any], at: datetime) -> Customer:
    """Writes the fields of `EDITABLE` found in `changes`."""
    row = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    columns = {EDITABLE[name]: value for name, value in changes.items() if name in EDITABLE}
    before = {column: getattr(row, column) for column in columns}
    for column, value in columns.items():
        setattr(row, column, value)
    if columns:
        row.save(update_fields=list(columns))
        audit_record(action="customer.profile", actor=Actor.of(row), subject=row, at=at, before=before, after=columns)
    return row
