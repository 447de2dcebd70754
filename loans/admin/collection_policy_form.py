"""The form of a draft of the strategies: segments and, per bucket and segment, its steps as rows of fields."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as translate
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.notices import NOTICES
from loans.maths.collection import (
    CALL,
    OVERDUE_BUCKETS,
    PRIORITY_MAX,
    TEMPLATES,
    DefinitionInvalid,
    strategies_read,
)
from loans.maths.collection_figures import BOUNDS
from loans.models import CollectionPolicy
from loans.selectors.collection_policy import figures_of

CHANNEL_WORDS: dict[str, str | Promise] = {CALL: _("Task for a collector"), "sms": _("SMS"), "notice": _("Notice")}
SEGMENT_TEXTS = (
    ("code", _("code")),
    ("amount_min", _("amount from")),
    ("amount_max", _("amount below")),
    ("products", _("products")),
    ("tiers", _("tiers")),
)
LISTS = ("products", "tiers")
FIGURE_WORDS = {
    "promise_days": _("A promise lies at most so many days ahead"),
    "next_action_days": _("The next action lies at most so many days ahead"),
    "wish_days": _("Days without a call after a wish for relief"),
    "no_answer_days": _("No answer: days until the next call"),
    "wrong_number_days": _("Wrong number: days until the next call"),
    "paid_days": _("Says it is paid: days until the next call"),
    "refused_days": _("Refuses to pay: days until the next call"),
    "disputed_days": _("Disputes the debt: days until the next call"),
    "relief_periods": _("A new schedule has at most so many periods"),
    "relief_grace_months": _("Its first due date lies at most so many months ahead"),
    "relief_begin_days": _("It begins at most so many days after it was asked for"),
    "relief_undo_days": _("It can be undone for so many days"),
    "approval_days": _("An act for two persons waits for the second so many days"),
    "offer_days": _("A customer has so many days to answer the offer of a new schedule"),
    "broken_raises": _("A promise that was not kept makes its task so much more urgent"),
    "message_late_days": _("A message is still sent so many days after its day"),
}


def what_choices() -> list[tuple[str, Any]]:
    """A call, or a channel with one of its texts."""
    texts = [(f"{channel}:{name}", f"{CHANNEL_WORDS[channel]} · {NOTICES[name][0]}")
             for channel, names in TEMPLATES.items() for name in names]  # fmt: skip
    return [("", "–"), (CALL, str(CHANNEL_WORDS[CALL])), *texts]


def rows_of(definition: dict[str, Any], bucket: str, segment: str) -> list[dict[str, Any]]:
    """The steps of a cell; a segment that is new starts with those of the last one."""
    found = {(row["bucket"], row["segment"]): row["steps"] for row in definition.get("strategies", [])}
    segments = definition.get("segments", [])
    last = segments[-1]["code"] if segments else ""
    steps: list[dict[str, Any]] = found.get((bucket, segment), found.get((bucket, last), []))
    return steps


def step_name(bucket: str, segment: str, row: int, field: str) -> str:
    return f"step__{bucket}__{segment}__{row}__{field}"


class CollectionPolicyForm(forms.ModelForm[CollectionPolicy]):
    """Writes `definition`. One row more than there are, for a segment and for each step."""

    # A new draft that was posted names no version: the page makes a class that does.
    started_from: ClassVar[dict[str, Any] | None] = None

    class Meta:
        model = CollectionPolicy
        fields = ("valid_from", "change_reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        initial = kwargs.setdefault("initial", {}) or {}
        instance = kwargs.get("instance")
        stored = instance.definition if instance is not None and instance.pk and instance.definition else None
        self.source: dict[str, Any] = self.started_from or initial.get("definition") or stored or {}
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        self.fields.update(form_fields(self.source))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        definition = self._definition(cleaned)
        try:
            strategies_read(definition)
        except DefinitionInvalid as error:
            raise ValidationError(_("The strategy cannot be read: {fault}").format(fault=error)) from error
        self.instance.definition = definition
        return cleaned

    def _definition(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        segments = [row for row in (_segment(cleaned, number) for number in range(_segment_rows(self.source))) if row]
        # Who takes everybody comes last, wherever it was typed.
        segments.sort(key=lambda row: len(row) == 1)
        known = {row["code"] for row in self.source.get("segments", [])}
        strategies = [
            {
                "bucket": bucket,
                "segment": row["code"],
                "steps": _steps(cleaned, self.source, bucket, row["code"])
                if row["code"] in known
                else rows_of(self.source, bucket, row["code"]),
            }
            for bucket in OVERDUE_BUCKETS
            for row in segments
        ]
        figures = {name: cleaned[f"figure__{name}"] for name in FIGURE_WORDS}
        return {"figures": figures, "segments": segments, "strategies": strategies}


def _segment_rows(definition: dict[str, Any]) -> int:
    return len(definition.get("segments", [])) + 1


def form_fields(definition: dict[str, Any]) -> dict[str, forms.Field]:
    """Every field beside those of the model."""
    fields: dict[str, forms.Field] = _figure_fields(definition)
    segments = definition.get("segments", [])
    for number in range(_segment_rows(definition)):
        row = segments[number] if number < len(segments) else {}
        for name, label in SEGMENT_TEXTS:
            value = ", ".join(row.get(name, [])) if name in LISTS else row.get(name, "")
            fields[f"segment__{number}__{name}"] = forms.CharField(
                label=label, required=False, max_length=200, initial=value, widget=UnfoldAdminTextInputWidget
            )
    for bucket in OVERDUE_BUCKETS:
        for row in segments:
            fields.update(_cell_fields(definition, bucket, row["code"]))
    return fields


def _figure_fields(definition: dict[str, Any]) -> dict[str, forms.Field]:
    values = figures_of(definition)
    return {
        f"figure__{name}": forms.IntegerField(
            label=label, min_value=BOUNDS[name][0], max_value=BOUNDS[name][1], initial=values[name],
            widget=UnfoldAdminIntegerFieldWidget,
        )
        for name, label in FIGURE_WORDS.items()
    }  # fmt: skip


def _cell_fields(definition: dict[str, Any], bucket: str, segment: str) -> dict[str, forms.Field]:
    fields: dict[str, forms.Field] = {}
    steps = rows_of(definition, bucket, segment)
    for number in range(len(steps) + 1):
        step = steps[number] if number < len(steps) else {}
        what = CALL if step.get("channel") == CALL else f"{step['channel']}:{step['template']}" if step else ""
        fields[step_name(bucket, segment, number, "day")] = forms.IntegerField(
            label=f"{segment} · {translate('day of the bucket')}", required=False, min_value=0, max_value=3650,
            initial=step.get("day"), widget=UnfoldAdminIntegerFieldWidget,
        )  # fmt: skip
        fields[step_name(bucket, segment, number, "what")] = forms.ChoiceField(
            label=_("what"), required=False, choices=what_choices, initial=what, widget=UnfoldAdminSelectWidget
        )
        fields[step_name(bucket, segment, number, "priority")] = forms.IntegerField(
            label=_("priority"), required=False, min_value=1, max_value=PRIORITY_MAX, initial=step.get("priority"),
            widget=UnfoldAdminIntegerFieldWidget,
        )  # fmt: skip
    return fields


def _segment(cleaned: dict[str, Any], number: int) -> dict[str, Any]:
    """One segment as it is stored; empty where its code was taken away."""
    values = {name: cleaned.get(f"segment__{number}__{name}", "").strip() for name, _label in SEGMENT_TEXTS}
    if not values["code"]:
        return {}
    row: dict[str, Any] = {"code": values["code"]}
    for name, value in values.items():
        if name != "code" and value:
            row[name] = [part.strip() for part in value.split(",") if part.strip()] if name in LISTS else value
    return row


def _steps(cleaned: dict[str, Any], source: dict[str, Any], bucket: str, segment: str) -> list[dict[str, Any]]:
    """The filled-in rows of a cell; a row without a day or without a deed is taken away."""
    steps = []
    for number in range(len(rows_of(source, bucket, segment)) + 1):
        day, what, priority = (
            cleaned.get(step_name(bucket, segment, number, name)) for name in ("day", "what", "priority")
        )
        if day is None or not what:
            continue
        channel, _colon, template = what.partition(":")
        more = {"priority": priority} if channel == CALL else {"template": template}
        steps.append({"day": day, "channel": channel, **more})
    return steps
