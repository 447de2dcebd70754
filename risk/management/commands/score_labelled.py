import csv
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from risk.rules.workbench.card import CardInvalid, ClientScore
from risk.rules.workbench.reading import ClientFile
from risk.rules.workbench.table import FileInvalid
from risk.services.workbench import CARD_PATH, card_load, clients_read, clients_score, file_measure


class Command(BaseCommand):
    help = "Scores any table of card clients with the shipped scorecard and measures it where the label is there."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, help="CSV, CSV.gz or XLSX with the columns of risk/presets/labelled/README.md"
        )
        parser.add_argument("--out", type=Path, help="CSV: client_id, points, probability_of_default")
        parser.add_argument("--scorecard", type=Path, default=CARD_PATH, help="another scorecard than the shipped one")
        parser.add_argument("--approve-share", type=float, default=0.7, help="share approved at the cut-off")
        parser.add_argument("--json", action="store_true", help="the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < options["approve_share"] < 1:
            raise CommandError("--approve-share lies between 0 and 1")
        try:
            card = card_load(options["scorecard"])
            found = clients_read(options["file"])
            scores = clients_score(card, found.clients)
            if options["out"]:
                _written(options["out"], found, scores)
        except (CardInvalid, FileInvalid, OSError) as error:
            raise CommandError(str(error)) from error
        report = file_measure(found, scores, approve_share=options["approve_share"])
        report["rejected_rows"] = [
            {"line": row.line, "field": row.field, "reason": row.reason} for row in found.rejected
        ]
        if options["json"]:
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=1))
        else:
            self._show(report)

    def _show(self, report: dict[str, Any]) -> None:
        for row in report["rejected_rows"]:
            self.stderr.write(f"line {row['line']}: {row['field'] or 'row'}: {row['reason']}")
        self.stdout.write(
            f"clients {report['clients']}, with a label {report['labelled']}, rejected {report['rejected']}"
        )
        if report["auc"] is not None:
            self.stdout.write(f"AUC {report['auc']:.4f}  KS {report['ks']:.4f}  Gini {report['gini']:.4f}")
        for number, band in enumerate(report.get("bands", []), start=1):
            self.stdout.write(
                f"band {number:>2}  {band['low']:>7.2f} … {band['high']:>7.2f}  {band['count']:>6} clients"
                f"  defaulted {band['bad_rate']:.2%}  predicted {band['predicted']:.2%}"
            )
        if report["fairness"]:
            self.stdout.write(f"fairness at a cut-off of {report['cutoff']:.2f} points")
            if report["labelled"] and report["unlabelled"]:
                self.stdout.write(f"{report['unlabelled']} without a label are left out of defaults and AUC")
        for row in report["fairness"]:
            rate = "–" if row["default_rate"] is None else f"{row['default_rate']:.2%}"
            area = "–" if row["auc"] is None else f"{row['auc']:.4f}"
            self.stdout.write(
                f"{row['dimension']:>4} {row['group']:<8} {row['count']:>6}  approved {row['approval_share']:.2%}"
                f"  defaulted {rate}  AUC {area}  mean points {row['mean_points']:.2f}  impact {row['impact']:.3f}"
            )


def _written(path: Path, found: ClientFile, scores: list[ClientScore]) -> None:
    with path.open("w", encoding="utf-8", newline="") as target:
        rows = csv.writer(target)
        rows.writerow(["client_id", "points", "probability_of_default"])
        for client, score in zip(found.clients, scores, strict=True):
            rows.writerow([client.client_id, score.points, score.probability])
