"""Is a pipeline's definition complete and within its ranges? Every fault is told at once, by field and code. Pure."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from risk.rules.screening.registry import LAYER_CODES, LAYERS
from risk.rules.screening.spec import EVENTS, MODES, VERDICTS, Layer, Word

CHALLENGE_MINUTES_MAX = 1440
LAYER_KEYS = {"layer", "events", "mode", "parameters", "verdicts"}
DETAILS: dict[str, Word] = {
    "invalid": _("This is not a pipeline of layers"),
    "missing": _("This is missing"),
    "unknown": _("Nobody knows this name"),
    "repeated": _("This stands here more than once"),
    "type": _("This is not a value of the right kind"),
    "range": _("This value is outside its range"),
}
Fault = dict[str, Any]


class ScreeningInvalid(Exception):
    """`faults` is a list of {field, code, detail}."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{fault['field']}: {fault['code']}" for fault in faults))


def definition_check(definition: Any) -> None:
    """Raises `ScreeningInvalid` unless all twelve layers stand in it once, each whole and within its ranges."""
    faults = list(_faults(definition))
    if faults:
        raise ScreeningInvalid(faults)


def _fault(field: str, code: str) -> Fault:
    return {"field": field, "code": code, "detail": DETAILS[code]}


def _faults(definition: Any) -> list[Fault]:
    if not isinstance(definition, dict) or not isinstance(definition.get("layers"), list):
        return [_fault("layers", "invalid")]
    faults = [_fault(name, "unknown") for name in definition if name not in ("layers", "challenge_minutes")]
    minutes = definition.get("challenge_minutes")
    if isinstance(minutes, bool) or not isinstance(minutes, int):
        faults.append(_fault("challenge_minutes", "type"))
    elif not 1 <= minutes <= CHALLENGE_MINUTES_MAX:
        faults.append(_fault("challenge_minutes", "range"))
    rows = definition["layers"]
    codes = [row.get("layer") if isinstance(row, dict) else None for row in rows]
    faults += [_fault(f"layers.{code}", "missing") for code in LAYER_CODES if code not in codes]
    faults += [_fault(f"layers.{code}", "repeated") for code in LAYER_CODES if codes.count(code) > 1]
    for position, (code, row) in enumerate(zip(codes, rows, strict=True)):
        if isinstance(code, str) and code in LAYERS:
            faults += _layer_faults(LAYERS[code], row)
        else:
            faults.append(_fault(f"layers.{position}", "unknown"))
    return faults


def _layer_faults(layer: Layer, row: dict[str, Any]) -> list[Fault]:
    path = f"layers.{layer.code}"
    faults = [_fault(f"{path}.{name}", "unknown") for name in row if name not in LAYER_KEYS]
    events = row.get("events")
    if not isinstance(events, list):
        faults.append(_fault(f"{path}.events", "type"))
    else:
        faults += [_fault(f"{path}.events", "unknown") for event in events if event not in EVENTS]
    if row.get("mode") not in MODES:
        faults.append(_fault(f"{path}.mode", "unknown"))
    faults += _parameter_faults(layer, row.get("parameters"), f"{path}.parameters")
    return faults + _verdict_faults(layer, row.get("verdicts"), f"{path}.verdicts")


def _parameter_faults(layer: Layer, stored: Any, path: str) -> list[Fault]:
    if not isinstance(stored, dict):
        return [_fault(path, "type")]
    known = {parameter.name for parameter in layer.parameters}
    faults = [_fault(f"{path}.{name}", "unknown") for name in stored if name not in known]
    for parameter in layer.parameters:
        if parameter.name not in stored:
            faults.append(_fault(f"{path}.{parameter.name}", "missing"))
            continue
        try:
            held = parameter.load(stored[parameter.name])
            if parameter.known and not set(held) <= set(parameter.known):
                faults.append(_fault(f"{path}.{parameter.name}", "unknown"))
        except ValueError as error:
            faults.append(_fault(f"{path}.{parameter.name}", str(error)))
    return faults


def _verdict_faults(layer: Layer, stored: Any, path: str) -> list[Fault]:
    if not isinstance(stored, dict):
        return [_fault(path, "type")]
    names = [condition.name for condition in layer.conditions]
    faults = [_fault(f"{path}.{name}", "unknown") for name in stored if name not in names]
    faults += [_fault(f"{path}.{name}", "missing") for name in names if name not in stored]
    wrong = [name for name in names if name in stored and stored[name] not in VERDICTS]
    return faults + [_fault(f"{path}.{name}", "unknown") for name in wrong]
