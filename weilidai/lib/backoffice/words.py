"""Words for the codes that the trail stores: what a person reads in a list is never a program's name."""

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.apps import apps
from django.contrib.admin import AllValuesFieldListFilter
from django.core.exceptions import FieldDoesNotExist
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from weilidai.lib.backoffice.lists import values_that_occur
from weilidai.lib.backoffice.search import is_leading

ACTOR_KINDS = {"staff": _("Staff"), "customer": _("Customer"), "system": _("Automatic"), "machine": _("Institution")}


def actor_word(kind: str) -> str:
    """Who acted: a member of staff, a customer, a job or a partner's machine; an unknown kind shows its code."""
    return str(ACTOR_KINDS.get(kind, kind))


def _model(subject_type: str) -> Any:
    """The model of `app.model`, None where a later release no longer has it: its trail stays readable."""
    try:
        return apps.get_model(subject_type)
    except (LookupError, ValueError):
        return None


def subject_word(subject_type: str) -> str:
    """The name of the kind of object, or its code where the model is gone."""
    model = _model(subject_type)
    return capfirst(str(model._meta.verbose_name)) if model else subject_type


def state_word(subject_type: str, field: str, value: str) -> str:
    """A stored state as its page shows it, or its code where the model, field or state is gone."""
    model = _model(subject_type)
    try:
        choices = model._meta.get_field(field).flatchoices if model else []
    except FieldDoesNotExist:
        choices = []
    return str(dict(choices).get(value, value))


def words_filter(word: Callable[[str], str], known: Iterable[str] = ()) -> type[AllValuesFieldListFilter]:
    """A filter over the `known` values, each shown as its word; where none are named, over those that occur.

    To find what occurs is a look-up a value where an index begins with the column; elsewhere it reads the whole table.
    """

    class WordsFilter(AllValuesFieldListFilter):
        def __init__(self, field: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(field, *args, **kwargs)
            if known or is_leading(field.model, field.name):
                values: Any = sorted(known) or values_that_occur(field.model, field.name)
                self.lookup_choices = values

        def choices(self, changelist: Any) -> Any:
            for choice in super().choices(changelist):
                yield {**choice, "display": word(str(choice["display"]))}

    return WordsFilter


def percent(rate: Decimal | None) -> str:
    """A fraction as people read it, with one place; a dash where there is none."""
    if rate is None:
        return "–"
    return f"{(rate * 100).quantize(Decimal('0.1'), rounding=ROUND_HALF_UP)} %"
