"""The strategies that ship, and the check of a draft before it comes into force (R60)."""

import json
from datetime import date

from django.utils.translation import gettext_lazy as _

from loans.maths.collection import DefinitionInvalid, Strategies, strategies_read
from loans.models import CollectionPolicy
from loans.selectors.collection_policy import PRESET
from risk.models import PolicyState
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.errors import FieldInvalid


def collection_definition_check(policy: CollectionPolicy) -> Strategies:
    """Raises `FieldInvalid` on a definition that must not come into force."""
    try:
        return strategies_read(policy.definition)
    except DefinitionInvalid as error:
        detail = _("The strategy cannot be read: {fault}").format(fault=error)
        raise FieldInvalid(field_errors=[{"field": "definition", "code": "invalid", "detail": detail}]) from error


def collection_preset(as_of: date) -> bool:
    """The strategies that ship, unless the house has its own."""
    row = json.loads(PRESET.read_text(encoding="utf-8"))
    if CollectionPolicy.objects.filter(code=row["code"]).exists():
        return False
    strategies_read(row["definition"])
    policy = CollectionPolicy(
        code=row["code"],
        version=1,
        state=PolicyState.ACTIVE,
        valid_from=date.fromisoformat(row["valid_from"]),
        definition=row["definition"],
    )
    # Whoever's request it is in, nobody of the staff wrote it.
    policy._history_user = None
    policy.save()
    audit_record(
        action="preset.load", actor=Actor.system("load_presets"), subject=policy, as_of=as_of, after={"version": 1}
    )
    return True
