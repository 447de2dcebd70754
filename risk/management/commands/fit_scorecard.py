import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from risk.rules.workbench.table import FileInvalid
from risk.services.workbench import CARD_PATH, LABELLED_PATH, clients_read, scorecard_fit


class Command(BaseCommand):
    help = "Fits the points scorecard of card clients on a labelled CSV; the same file gives the same scorecard."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, default=LABELLED_PATH, help="CSV, CSV.gz or XLSX with labels")
        parser.add_argument("--out", type=Path, default=CARD_PATH, help="where the scorecard is written")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            found = clients_read(path)
            card = scorecard_fit(found.clients, name=path.name.split(".")[0])
            text = json.dumps(card, ensure_ascii=False, indent=1) + "\n"
            options["out"].write_text(text, encoding="utf-8")
        except (FileInvalid, OSError) as error:
            raise CommandError(f"{path}: {error}") from error
        held, crossed = card["holdout"], card["cross_validation"]
        self.stdout.write(f"clients {card['fitted_on']['clients']}, rows rejected {len(found.rejected)}")
        self.stdout.write(f"hold-out: {held['clients']} clients, AUC {held['auc']}, KS {held['ks']}")
        self.stdout.write(f"5-fold: AUC {crossed['auc_mean']} ({', '.join(str(f['auc']) for f in crossed['folds'])})")
        self.stdout.write(f"{len(card['variables'])} variables → {options['out']}")
