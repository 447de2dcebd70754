"""Running a pipeline over one event's inputs: the same definition and inputs give the same answer, bit for bit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from risk.rules.screening.registry import LAYERS
from risk.rules.screening.spec import CHALLENGE, ENFORCED, EVENTS, PASS, STRENGTH, Evidence, Figures, Section

Test = Callable[[Section, Figures], Evidence | None]


@dataclass(frozen=True)
class Step:
    """A layer as it runs at one event: its conditions with their verdicts, none where it is switched off."""

    layer: str
    mode: str
    figures: Figures
    tests: tuple[tuple[str, str, Test], ...] | None


@dataclass(frozen=True)
class Program:
    """A definition made ready to run: names looked up and figures read once instead of at every event."""

    steps: dict[str, tuple[Step, ...]]
    challenge_minutes: int

    def run(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The strongest verdict of an enforced layer, the first layer that gave it, and what each layer saw.

        A challenge the customer has just answered from this device does not ask again.
        """
        answered = self._answered(inputs)
        overall, decided_by = PASS, ""
        layers: list[dict[str, Any]] = []
        for step in self.steps[inputs["event"]]:
            result = _layer_run(step, inputs.get(step.layer))
            layers.append(result)
            verdict = result["verdict"]
            if step.mode != ENFORCED or (answered and verdict == CHALLENGE):
                continue
            if STRENGTH[verdict] > STRENGTH[overall]:
                overall, decided_by = verdict, step.layer
        return {"verdict": overall, "decided_by": decided_by, "answered": answered, "layers": layers}

    def _answered(self, inputs: dict[str, Any]) -> bool:
        device = inputs.get("device_fingerprint")
        minutes = device["verified_minutes"] if device else None
        return minutes is not None and minutes < self.challenge_minutes


def _layer_run(step: Step, section: Section | None) -> dict[str, Any]:
    """`ran` is false where the layer is switched off at this event or nothing was gathered for it."""
    if step.tests is None or section is None:
        return {"layer": step.layer, "mode": step.mode, "ran": False, "verdict": PASS, "findings": []}
    strongest, findings = PASS, []
    for name, verdict, test in step.tests:
        evidence = test(section, step.figures)
        if evidence is not None:
            findings.append({"condition": name, "verdict": verdict, "evidence": evidence})
            if STRENGTH[verdict] > STRENGTH[strongest]:
                strongest = verdict
    return {"layer": step.layer, "mode": step.mode, "ran": True, "verdict": strongest, "findings": findings}


def program_of(definition: dict[str, Any]) -> Program:
    """The definition must have passed `definition_check`."""
    return Program(
        {event: tuple(_step(row, event) for row in definition["layers"]) for event in EVENTS},
        definition["challenge_minutes"],
    )


def _step(row: dict[str, Any], event: str) -> Step:
    layer = LAYERS[row["layer"]]
    figures = {parameter.name: parameter.load(row["parameters"][parameter.name]) for parameter in layer.parameters}
    tests = tuple(
        (condition.name, row["verdicts"][condition.name], condition.test)
        for condition in layer.conditions
        if event in condition.events
    )
    return Step(layer.code, row["mode"], figures, tests if event in row["events"] else None)


def evaluate(definition: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """`Program.run` of a definition that runs only once."""
    return program_of(definition).run(inputs)
