"""The twelve layers (R33): definition, check and evaluation of the screening pipeline, without any input or output."""

from risk.rules.screening.definition import ScreeningInvalid, definition_check
from risk.rules.screening.evaluate import Program, evaluate, program_of
from risk.rules.screening.registry import CONDITIONS, LAYER_CODES, LAYERS
from risk.rules.screening.spec import EVENTS, MODES, STRENGTH, VERDICTS

__all__ = [
    "CONDITIONS",
    "EVENTS",
    "LAYERS",
    "LAYER_CODES",
    "MODES",
    "STRENGTH",
    "VERDICTS",
    "Program",
    "ScreeningInvalid",
    "definition_check",
    "evaluate",
    "program_of",
]
