"""The deny list: who or what is added, until when, and ended early; each act with its reason on the record (R33)."""

from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import StaffUser
from risk.errors import DenyEntryOpen, ReasonRequired
from risk.models import DenyEntry, DenyKind
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.crypto import keyed_hash, mask
from weilidai.lib.errors import FieldInvalid, ObjectNotFound, TransitionRefused

# Numbers of persons are kept as the hashes that stand beside the customers' own.
HASHED = {DenyKind.IDENTITY: "id_number", DenyKind.CARD: "card", DenyKind.PHONE: "phone"}
VALUE_LENGTH_MAX = 200


@transaction.atomic
def deny_add(
    *,
    kind: str,
    value: str,
    reason: str,
    user: StaffUser,
    as_of: date,
    at: datetime,
    valid_to: date | None = None,
) -> DenyEntry:
    """Holds from `as_of` until the end of `valid_to`. Raises `ReasonRequired`, `FieldInvalid`, `DenyEntryOpen`."""
    if not reason.strip():
        raise ReasonRequired
    text = _cleaned(DenyKind(kind), value)
    if valid_to is not None and valid_to < as_of:
        raise _fault("valid_to", _("The last day lies in the past"))
    purpose = HASHED.get(DenyKind(kind))
    kept = keyed_hash(text, purpose) if purpose else text
    # What ran out by itself makes room for a new entry.
    DenyEntry.objects.filter(kind=kind, value=kept, ended_at__isnull=True, valid_to__lt=as_of).update(ended_at=at)
    try:
        with transaction.atomic():
            entry = DenyEntry.objects.create(
                kind=kind, value=kept,
                shown=mask(text, head=3, tail=4) if purpose else text, reason=reason.strip(), valid_from=as_of,
                valid_to=valid_to, added_by=user, added_at=at,
            )  # fmt: skip
    except IntegrityError as error:
        raise DenyEntryOpen from error
    audit_record(
        action="deny_list.add", actor=Actor.of(user), subject=entry, at=at, as_of=as_of, reason=entry.reason,
        after={"kind": kind, "shown": entry.shown, "valid_to": valid_to.isoformat() if valid_to else None},
    )  # fmt: skip
    return entry


@transaction.atomic
def deny_end(*, entry_id: UUID, reason: str, user: StaffUser, as_of: date, at: datetime) -> DenyEntry:
    """Ends an entry from this moment on. Raises `ReasonRequired`, `ObjectNotFound`, `TransitionRefused`."""
    if not reason.strip():
        raise ReasonRequired
    entry = DenyEntry.objects.select_for_update(no_key=True).filter(pk=entry_id).first()
    if entry is None:
        raise ObjectNotFound
    if entry.ended_at is not None:
        raise TransitionRefused(state="ended")
    entry.ended_at = at
    entry.save(update_fields=["ended_at"])
    audit_record(action="deny_list.end", actor=Actor.of(user), subject=entry, at=at, as_of=as_of, reason=reason.strip())
    return entry


def _cleaned(kind: DenyKind, value: str) -> str:
    """The value as it is compared. Numbers lose their spaces, the letter of an identity number is large."""
    text = "".join(value.split()) if kind in HASHED else value.strip()
    text = text.upper() if kind == DenyKind.IDENTITY else text
    if not text or len(text) > VALUE_LENGTH_MAX:
        raise _fault("value", _("A value is needed"))
    if kind == DenyKind.IP:
        try:
            validate_ipv46_address(text)
        except ValidationError as error:
            raise _fault("value", _("This is no IP address")) from error
    return text


def _fault(field: str, detail: object) -> FieldInvalid:
    return FieldInvalid(field_errors=[{"field": field, "code": "invalid", "detail": detail}])
