"""Fitting a points scorecard on labelled clients and measuring one on any such file (R15, R17, R25). No database.

scikit-learn is only loaded where something is fitted: scoring needs decimals alone.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from risk.rules.workbench.card import CardInvalid, ClientScore, card_check, client_score
from risk.rules.workbench.clients import Client, Values, variables
from risk.rules.workbench.fairness import GroupRow, age_band, group_rows, sex_group
from risk.rules.workbench.measures import Floats, Ints, MeasureUndefined, auc, band_counts, bands, gini, ks, roc_points
from risk.rules.workbench.reading import ClientFile, clients_load
from risk.rules.workbench.split import fold_numbers, holdout_mask
from risk.rules.workbench.table import FileInvalid, table_text

PRESETS = Path(__file__).resolve().parent.parent / "presets"
LABELLED_PATH = PRESETS / "labelled" / "credit_card_clients.csv.gz"
CARD_PATH = PRESETS / "client_scorecard.json"
HOLDOUT = 0.3
FOLDS = 5
CLIENTS_MIN = 2000
# What a command reads; uploads are held shorter.
READ_BYTES_MAX = 1024 * 1024 * 1024
# Fixed bands of points, so that two sets of people can be compared (PSI).
UNLABELLED = -1
BAND_EDGES = tuple(range(300, 620, 20))
_PLACES = 4


def clients_read(path: Path) -> ClientFile:
    """CSV, CSV.gz or XLSX. Raises `FileInvalid` (no columns to score by, a damaged archive) and `OSError`."""
    return clients_load(StringIO(table_text(path.read_bytes(), bytes_max=READ_BYTES_MAX), newline=""))


def labels_of(clients: Sequence[Any]) -> Ints:
    """Bad or not; who carries no label is `UNLABELLED`."""
    return np.array([UNLABELLED if client.bad is None else client.bad for client in clients], dtype=np.int64)


def card_load(path: Path = CARD_PATH) -> dict[str, Any]:
    """Raises `CardInvalid` on a file that is no usable scorecard."""
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        card_check(card)
    except (ValueError, KeyError, TypeError) as error:
        raise CardInvalid(str(error)) from error
    return card


def scorecard_fit(
    clients: Sequence[Any], *, name: str, values: Callable[[Any], Values] = variables, portable: bool = False
) -> dict[str, Any]:
    """Measures on people held out, then fits on everybody: the same clients in any order give the same scorecard.

    `values` are what the scorecard may look at; a `portable` one takes single variables only.
    Raises `FileInvalid` when there are too few clients with a label, or only good or bad ones.
    """
    from risk.rules.workbench.build import card_build
    from risk.rules.workbench.fit import PORTABLE, Recipe, card_fit, columns_of

    known = sorted((client for client in clients if client.bad is not None), key=lambda one: one.client_id)
    if len(known) < CLIENTS_MIN:
        told = f"a fit needs at least {CLIENTS_MIN} clients with a label, there are {len(known)}"
        raise FileInvalid("clients_too_few", told)
    columns, bad = columns_of(known, values), labels_of(known)
    ids, recipe = [client.client_id for client in known], PORTABLE if portable else Recipe()
    try:
        held = _measured_outside(columns, bad, holdout_mask(ids, HOLDOUT), recipe)
        folds = fold_numbers(ids, FOLDS)
        crossed = [_measured_outside(columns, bad, folds == fold, recipe) for fold in range(FOLDS)]
    except MeasureUndefined as error:
        raise FileInvalid("measure_undefined", str(error)) from error
    aucs = [each["auc"] for each in crossed]
    notes = {
        "recipe": {key: value for key, value in asdict(recipe).items() if key != "crosses"},
        "fitted_on": {"clients": len(known), "bad": int(bad.sum())},
        "holdout": held,
        "cross_validation": {"folds": crossed, "auc_mean": round(sum(aucs) / FOLDS, _PLACES)},
    }
    card = card_build(card_fit(columns, bad, recipe), name=name, notes=notes)
    card_check(card)
    return card


def holdout_card(
    found: ClientFile, *, values: Callable[[Any], Values] = variables, portable: bool = False
) -> tuple[dict[str, Any], ClientFile]:
    """A scorecard fitted without the hold-out, and the hold-out: people on whom it can be judged fairly."""
    from risk.rules.workbench.build import card_build
    from risk.rules.workbench.fit import PORTABLE, Recipe, card_fit, columns_of

    marked = [i for i, client in enumerate(found.clients) if client.bad is not None]
    mask = holdout_mask([found.clients[i].client_id for i in marked], HOLDOUT)
    known = [found.clients[i] for i, held in zip(marked, mask, strict=True) if not held]
    fitted = card_fit(columns_of(known, values), labels_of(known), PORTABLE if portable else Recipe())
    kept = [i for i, held in zip(marked, mask, strict=True) if held]
    outside = ClientFile(
        found.columns, [found.clients[i] for i in kept], [found.personal[i] for i in kept], found.rejected
    )
    return card_build(fitted, name="holdout", notes={}), outside


def champion_blind(outside: ClientFile) -> tuple[dict[str, Any], int]:
    """The shipped scorecard for people it never saw, and how many of these it had learned from.

    Where there are any its twin stands in: the same recipe on the same people without them.
    """
    from risk.rules.workbench.build import card_build
    from risk.rules.workbench.fit import card_fit, columns_of

    asked = {print_of(client) for client in outside.clients}
    learned = clients_read(LABELLED_PATH).clients
    seen = {print_of(client) for client in learned} & asked
    if not seen:
        return card_load(), 0
    known = [client for client in learned if client.bad is not None and print_of(client) not in seen]
    known.sort(key=lambda one: one.client_id)
    twin = card_build(card_fit(columns_of(known), labels_of(known)), name="twin", notes={})
    return twin, sum(print_of(client) in seen for client in outside.clients)


def seen_count(found: ClientFile) -> int:
    """How many of these people the shipped scorecard learned from."""
    learned = {print_of(client) for client in clients_read(LABELLED_PATH).clients}
    return sum(print_of(client) in learned for client in found.clients)


def print_of(client: Client) -> tuple[Any, ...]:
    """A person by what is known of them: ids of two files say nothing of each other."""
    return (client.limit, client.status, client.bills, client.paid)


def _measured_outside(columns: dict[str, Floats], bad: Ints, held: Any, recipe: Any) -> dict[str, Any]:
    """Fits on everybody else and measures the points, as they would ship, on the people held out."""
    from risk.rules.workbench.fit import card_fit, take

    fitted = card_fit(take(columns, ~held), bad[~held], recipe)
    inside, outside = fitted.log_odds(take(columns, ~held)), fitted.log_odds(take(columns, held))
    return {
        "clients": int(held.sum()),
        "auc": round(auc(bad[held], outside), _PLACES),
        "ks": round(ks(bad[held], outside), _PLACES),
        "auc_of_fit": round(auc(bad[~held], inside), _PLACES),
    }


def clients_score(
    card: dict[str, Any], clients: Sequence[Any], values: Callable[[Any], Values] = variables
) -> list[ClientScore]:
    return [client_score(card, values(client)) for client in clients]


def file_measure(found: ClientFile, scores: list[ClientScore], *, approve_share: float = 0.7) -> dict[str, Any]:
    """AUC, KS, Gini and calibration of the clients with a label; the fairness table where sex or age is there.

    The cut-off approves about `approve_share` of the file. Parts that cannot be measured are null.
    """
    points = np.array([float(score.points) for score in scores])
    marked = np.array([client.bad is not None for client in found.clients], dtype=np.bool_)
    report: dict[str, Any] = {"clients": len(scores), "labelled": int(marked.sum()), "rejected": len(found.rejected)}
    report |= _quality(found, scores, points, marked) if marked.any() else {"auc": None, "ks": None, "gini": None}
    cutoff = float(np.quantile(points, 1 - approve_share)) if len(points) else None
    report["cutoff"] = cutoff
    report["unlabelled"] = len(scores) - report["labelled"]
    bad = labels_of(found.clients) if marked.any() else None
    report["fairness"] = [] if cutoff is None else [group_plain(row) for row in fairness(found, points, bad, cutoff)]
    return report


def _quality(found: ClientFile, scores: list[ClientScore], points: Floats, marked: Any) -> dict[str, Any]:
    bad = labels_of([client for client in found.clients if client.bad is not None])
    chance = np.array([float(score.probability) for score in scores])[marked]
    shown = {
        "bad_rate": round(float(bad.mean()), _PLACES),
        "mean_probability": round(float(chance.mean()), _PLACES),
        "brier": round(float(((chance - bad) ** 2).mean()), _PLACES),
        "bands": [{**asdict(band), "bad_rate": band.bad_rate} for band in bands(bad, points[marked], chance)],
    }
    try:
        values = {"auc": auc(bad, points[marked]), "ks": ks(bad, points[marked]), "gini": gini(bad, points[marked])}
    except MeasureUndefined:
        return {"auc": None, "ks": None, "gini": None, **shown}
    return {**{name: round(value, _PLACES) for name, value in values.items()}, **shown}


def fairness(found: ClientFile, points: Floats, bad: Ints | None, cutoff: float) -> list[GroupRow]:
    """Rows by sex and by age band, for the columns the file has."""
    rows: list[GroupRow] = []
    for column, group in (("sex", sex_group), ("age", age_band)):
        if column in found.columns:
            rows += group_rows(column, [group(one.get(column)) for one in found.personal], points, bad, cutoff)
    return rows


def group_plain(row: GroupRow) -> dict[str, Any]:
    return {**asdict(row), "approval_share": row.approval_share, "default_rate": row.default_rate}


def curves(found: ClientFile, scores: list[ClientScore], steps: int = 50) -> dict[str, Any]:
    """The ROC curve and both cumulative shares at even steps, and the score bands' counts for a PSI, as plain JSON."""
    marked = np.array([client.bad is not None for client in found.clients], dtype=np.bool_)
    points = np.array([float(score.points) for score in scores])
    bad = labels_of([client for client in found.clients if client.bad is not None])
    refused, caught = roc_points(bad, points[marked])
    grid = np.linspace(0, 1, steps + 1)
    order = np.sort(points[marked])
    cuts = order[np.minimum((grid * (len(order) - 1)).astype(int), len(order) - 1)]
    shares = [[float((points[marked][bad == kind] <= cut).mean()) for cut in cuts] for kind in (0, 1)]
    return {
        "roc": np.round(np.stack([grid, np.interp(grid, refused, caught)], axis=1), _PLACES).tolist(),
        "cumulative": {"good": [round(v, _PLACES) for v in shares[0]], "bad": [round(v, _PLACES) for v in shares[1]]},
        "band_counts": band_counts(points, np.array(BAND_EDGES, dtype=np.float64)).tolist(),
    }
