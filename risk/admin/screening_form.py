"""The form of a pipeline's draft: every figure of the twelve layers as a field, built from what the layers declare."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from risk.models import ScreeningPolicy
from risk.rules.alerts import layer_word
from risk.rules.screening import LAYERS, ScreeningInvalid, definition_check
from risk.rules.screening.definition import CHALLENGE_MINUTES_MAX
from risk.rules.screening.spec import COUNT, WORDS, Layer, Parameter
from risk.rules.screening.words import EVENT_WORDS, MODE_WORDS, VERDICT_WORDS

MINUTES = "challenge_minutes"


def names_of(layer: Layer) -> list[str]:
    """The form's fields of one layer, in reading order."""
    parameters = [f"{layer.code}__p__{parameter.name}" for parameter in layer.parameters]
    verdicts = [f"{layer.code}__v__{condition.name}" for condition in layer.conditions]
    return [f"{layer.code}__mode", f"{layer.code}__events", *parameters, *verdicts]


def _parameter_field(parameter: Parameter) -> forms.Field:
    label: Any = parameter.label
    if parameter.kind == COUNT:
        return forms.IntegerField(label=label, min_value=int(parameter.low), max_value=int(parameter.high),
                                  widget=UnfoldAdminIntegerFieldWidget)  # fmt: skip
    if parameter.kind == WORDS:
        return forms.CharField(label=label, required=False, help_text=_("one in each line"),
                               widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}))  # fmt: skip
    return forms.CharField(label=label, max_length=20, widget=UnfoldAdminTextInputWidget)


def _layer_fields(layer: Layer) -> dict[str, forms.Field]:
    fields: dict[str, forms.Field] = {
        f"{layer.code}__mode": forms.ChoiceField(
            label=_("Mode"), choices=list(MODE_WORDS.items()), widget=UnfoldAdminSelectWidget
        ),
        f"{layer.code}__events": forms.MultipleChoiceField(
            label=_("Runs at"), choices=list(EVENT_WORDS.items()), required=False, widget=forms.CheckboxSelectMultiple
        ),
    }
    for parameter in layer.parameters:
        fields[f"{layer.code}__p__{parameter.name}"] = _parameter_field(parameter)
    for condition in layer.conditions:
        label: Any = condition.label
        fields[f"{layer.code}__v__{condition.name}"] = forms.ChoiceField(
            label=label, choices=list(VERDICT_WORDS.items()), widget=UnfoldAdminSelectWidget
        )
    return fields


class PolicyForm(forms.ModelForm[ScreeningPolicy]):
    """Writes `definition`; the order of the layers is that of the version it starts from."""

    # A new draft that was posted names no version: the page makes a class that does.
    started_from: ClassVar[dict[str, Any] | None] = None

    class Meta:
        model = ScreeningPolicy
        fields = ("valid_from", "change_reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        initial = kwargs.setdefault("initial", {}) or {}
        instance = kwargs.get("instance")
        source = (
            self.started_from or initial.get("definition") or (instance.definition if instance is not None else None)
        )
        self.source: dict[str, Any] = source or {}
        kwargs["initial"] = {**_initial(self.source), **initial} if self.source else initial
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        definition = self._definition(cleaned)
        try:
            definition_check(definition)
        except ScreeningInvalid as error:
            for fault in error.faults:
                name = self._field_of(fault["field"])
                self.add_error(name if name in self.fields else None, ValidationError(fault["detail"]))
        self.instance.definition = definition
        return cleaned

    def _definition(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        order = [row["layer"] for row in self.source.get("layers", [])] or list(LAYERS)
        return {MINUTES: cleaned[MINUTES], "layers": [_stored(LAYERS[code], cleaned) for code in order]}

    @staticmethod
    def _field_of(path: str) -> str:
        """`layers.velocity.parameters.count_24h_max` → the form's name of it."""
        parts = path.split(".")
        short = {"parameters": "p", "verdicts": "v"}
        return "__".join(short.get(part, part) for part in parts[1:]) if parts[0] == "layers" else path


def _stored(layer: Layer, cleaned: dict[str, Any]) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for parameter in layer.parameters:
        value = cleaned[f"{layer.code}__p__{parameter.name}"]
        is_list = parameter.kind == WORDS
        parameters[parameter.name] = [line.strip() for line in value.splitlines() if line.strip()] if is_list else value
    return {
        "layer": layer.code,
        "events": cleaned[f"{layer.code}__events"],
        "mode": cleaned[f"{layer.code}__mode"],
        "parameters": parameters,
        "verdicts": {condition.name: cleaned[f"{layer.code}__v__{condition.name}"] for condition in layer.conditions},
    }


def _initial(definition: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {MINUTES: definition[MINUTES]}
    for row in definition["layers"]:
        code = row["layer"]
        values |= {f"{code}__mode": row["mode"], f"{code}__events": row["events"]}
        for name, value in row["parameters"].items():
            values[f"{code}__p__{name}"] = "\n".join(value) if isinstance(value, list) else value
        values |= {f"{code}__v__{name}": verdict for name, verdict in row["verdicts"].items()}
    return values


def _all_fields() -> dict[str, forms.Field]:
    minutes = forms.IntegerField(
        label=_("Minutes an answered challenge holds"), min_value=1, max_value=CHALLENGE_MINUTES_MAX,
        widget=UnfoldAdminIntegerFieldWidget,
    )  # fmt: skip
    fields: dict[str, forms.Field] = {MINUTES: minutes}
    for layer in LAYERS.values():
        fields |= _layer_fields(layer)
    return fields


# The class is made once; its labels are translated when they are shown.
ScreeningPolicyForm: Any = type("ScreeningPolicyForm", (PolicyForm,), _all_fields())
FIELDSETS: list[tuple[str | None, dict[str, Any]]] = [
    (None, {"fields": ("valid_from", "change_reason", MINUTES)}),
    *((str(code), {"fields": names_of(layer), "classes": ("collapse",)}) for code, layer in LAYERS.items()),
]


def fieldsets(*, without: tuple[str, ...] = ()) -> list[tuple[Any, dict[str, Any]]]:
    """General figures, then one folded section for each layer under its name."""
    return [
        (layer_word(name) if name else None,
         {**options, "fields": tuple(field for field in options["fields"] if field not in without)})
        for name, options in FIELDSETS
    ]  # fmt: skip
