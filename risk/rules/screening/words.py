"""The pipeline as a person reads it: parameters in words, verdicts, what changed between two versions. Pure."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from risk.rules.screening.registry import LAYERS
from risk.rules.screening.spec import COUNT, WORDS, Parameter

Word = str | Promise
MODE_WORDS: dict[str, Word] = {"shadow": gettext_lazy("Shadow"), "enforced": gettext_lazy("Enforced")}
EVENT_WORDS: dict[str, Word] = {
    "application": gettext_lazy("Application"),
    "device_verification": gettext_lazy("Verification of a device"),
    "login": gettext_lazy("Login"),
    "loan": gettext_lazy("Loan"),
}
VERDICT_WORDS: dict[str, Word] = {
    "pass": gettext_lazy("Pass"),
    "alert": gettext_lazy("Alert"),
    "challenge": gettext_lazy("Challenge"),
    "refer": gettext_lazy("Refer"),
    "freeze": gettext_lazy("Freeze"),
    "block": gettext_lazy("Block"),
}


@dataclass(frozen=True)
class LayerRow:
    """One layer of a version: code, mode, events, and pairs of words for its parameters and conditions."""

    code: str
    mode: str
    mode_word: str
    events: list[str]
    parameters: list[tuple[str, str]]
    verdicts: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Change:
    """One figure that differs between two versions; `old` is empty where there was none."""

    layer: str
    what: str
    old: str
    new: str


def layer_rows(definition: dict[str, Any]) -> list[LayerRow]:
    """A checked definition, layer by layer in its order."""
    return [_row(row) for row in definition["layers"]]


def _row(row: dict[str, Any]) -> LayerRow:
    layer = LAYERS[row["layer"]]
    return LayerRow(
        code=layer.code,
        mode=row["mode"],
        mode_word=str(MODE_WORDS[row["mode"]]),
        events=[str(EVENT_WORDS[event]) for event in row["events"]],
        parameters=[
            (str(parameter.label), value_words(parameter, row["parameters"][parameter.name]))
            for parameter in layer.parameters
        ],
        verdicts=[
            (str(condition.label), row["verdicts"][condition.name], str(VERDICT_WORDS[row["verdicts"][condition.name]]))
            for condition in layer.conditions
        ],
    )


def value_words(parameter: Parameter, stored: Any) -> str:
    """A stored figure for a reader: amounts and counts with separators, lists with commas."""
    loaded = parameter.load(stored)
    if parameter.kind == WORDS:
        return ", ".join(loaded) or "–"
    return f"{loaded:,}" if parameter.kind == COUNT else f"{loaded:,f}"


def changes_between(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """What the new version does otherwise, the order of the layers included."""
    changes = []
    if old["challenge_minutes"] != new["challenge_minutes"]:
        pair = str(old["challenge_minutes"]), str(new["challenge_minutes"])
        changes.append(Change("", gettext("Minutes an answered challenge holds"), *pair))
    orders = [[row["layer"] for row in version["layers"]] for version in (old, new)]
    if orders[0] != orders[1]:
        changes.append(Change("", gettext("Order of the layers"), " → ".join(orders[0]), " → ".join(orders[1])))
    before = {row.code: row for row in layer_rows(old)}
    for row in layer_rows(new):
        changes += _row_changes(before[row.code], row)
    return changes


def _row_changes(old: LayerRow, new: LayerRow) -> list[Change]:
    pairs = [
        (gettext("Mode"), old.mode_word, new.mode_word),
        (gettext("Runs at"), ", ".join(old.events), ", ".join(new.events)),
    ]
    pairs += [(label, a, b) for (label, a), (_, b) in zip(old.parameters, new.parameters, strict=True)]
    pairs += [(label, a, b) for (label, _, a), (_, _, b) in zip(old.verdicts, new.verdicts, strict=True)]
    return [Change(new.code, what, a, b) for what, a, b in pairs if a != b]
