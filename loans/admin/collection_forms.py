"""What a collector and a supervisor fill in (R60)."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.models import StaffUser
from loans.models import CollectionTask, Outcome
from loans.selectors.collection_page import phones_of
from risk.selectors.alerts import staff_who_act
from weilidai.lib.backoffice import ReasonForm

WORK = "loans.work_collections"
# A promise and a dispute have forms of their own.
ENDINGS = [choice for choice in Outcome.choices if choice[0] not in (Outcome.PROMISED, Outcome.DISPUTED)]


def _day(label: Any, **more: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}), **more)


def _note(label: Any = None, **more: Any) -> forms.CharField:
    return forms.CharField(
        label=label or _("note"), max_length=2000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}), **more
    )


class CallForm(BaseDialogForm):
    """Which of the customer's own numbers is called."""

    phone = forms.ChoiceField(label=_("phone"), widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        task = CollectionTask.objects.select_related("customer").filter(pk=self.object_id).first()
        phones = phones_of(task) if task is not None else []
        choices = [(phone.key, f"{phone.masked} {source_word(phone.source)}") for phone in phones]
        cast(forms.ChoiceField, self.fields["phone"]).choices = choices


def source_word(source: str) -> str:
    return str(_("own number")) if source == "own" else str(_("card **** {tail}")).format(tail=source)


class OutcomeForm(BaseDialogForm):
    """How a call ended, where neither money was promised nor the debt disputed."""

    outcome = forms.ChoiceField(label=_("Outcome"), choices=[("", "–"), *ENDINGS], widget=UnfoldAdminSelectWidget)
    next_action_date = _day(_("next action on"), required=False)
    note = _note(required=False)


class PromiseForm(BaseDialogForm):
    """An amount by a day."""

    promise_amount = forms.DecimalField(
        label=_("amount"), max_digits=12, decimal_places=2, min_value=0, widget=UnfoldAdminDecimalFieldWidget
    )
    promise_date = _day(_("to be paid by"))
    note = _note(required=False)


class DisputeForm(BaseDialogForm):
    """What the customer says against the debt."""

    note = _note(min_length=3)


class NoteForm(BaseDialogForm):
    note = _note()
    next_action_date = _day(_("next action on"), required=False)


class HardshipForm(BaseDialogForm):
    """In the customer's words."""

    wish = _note(_("what would help"), min_length=3)


class StaffField(forms.ModelChoiceField[StaffUser]):
    """Those who work on collections."""

    widget = UnfoldAdminSelectWidget

    def label_from_instance(self, obj: StaffUser) -> str:
        return str(obj)


class HandOverForm(ReasonForm):
    to = StaffField(queryset=StaffUser.objects.none(), label=_("collector"))
    field_order = ("to", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(StaffField, self.fields["to"]).queryset = staff_who_act(WORK)


class PriorityForm(ReasonForm):
    priority = forms.TypedChoiceField(
        label=_("priority"), coerce=int, choices=[(n, n) for n in range(1, 10)], widget=UnfoldAdminSelectWidget
    )
    field_order = ("priority", "reason")
