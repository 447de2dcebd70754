"""`import_feeds DIR [--kind K] [--json]`: takes NDJSON feeds in, streamed and resumable."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import reset_queries
from rich.progress import Progress

from risk.feeds.load import ORDER, file_load
from risk.feeds.summaries import stale_count, stale_customers, summaries_build
from risk.models import FeedDelivery
from weilidai.lib.business_date import current_business_date
from weilidai.lib.progress import progress_bar


class Command(BaseCommand):
    help = "Import the NDJSON feeds in DIR; rows delivered before are counted as repeated."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, metavar="DIR")
        parser.add_argument("--kind", choices=[str(kind) for kind in ORDER])
        parser.add_argument("--json", action="store_true", help="machine-readable result")

    def handle(self, *args: Any, directory: Path, kind: str | None = None, **options: Any) -> None:
        files = _files(directory, kind)
        with progress_bar() as bars:
            deliveries = [_file_take(bars, name, path) for name, path in files]
            _summaries_build(bars)
        rejected = _rejections_write(deliveries)
        self.stdout.write(_report(deliveries, rejected, as_json=options["json"]))


def _file_take(bars: Progress, name: str, path: Path) -> FeedDelivery:
    """One file, its bar moving by bytes; lines done before an interruption pass by at once."""
    task = bars.add_task(name, total=path.stat().st_size)

    def on_batch(lines: int, size: int) -> None:
        bars.advance(task, size)
        # With DEBUG on, Django keeps the text of thousands of queries: memory would grow with the file.
        reset_queries()

    return file_load(kind=name, path=path, as_of=current_business_date(), on_batch=on_batch, summarise=False)


def _summaries_build(bars: Progress) -> None:
    """Once for all files, not once for each: they touch the same months. Broken off here, the months stay marked."""
    task = bars.add_task("months", total=stale_count())
    for page in stale_customers():
        bars.advance(task, summaries_build(page))


def _files(directory: Path, kind: str | None) -> list[tuple[str, Path]]:
    if not directory.is_dir():
        raise CommandError(f"{directory} is not a directory")
    wanted = [kind] if kind else [str(item) for item in ORDER]
    files = [(name, directory / f"{name}.ndjson") for name in wanted]
    found = [(name, path) for name, path in files if path.is_file()]
    if not found:
        raise CommandError(f"{directory} holds no feed file such as {files[0][1].name}")
    return found


def _rejections_write(deliveries: list[FeedDelivery]) -> Path | None:
    """Every rejected row of these deliveries in one NDJSON file under `var/`; None when there is none."""
    if not any(delivery.bad_count for delivery in deliveries):
        return None
    path: Path = settings.VAR_DIR / f"rejected-{deliveries[0].pk}.ndjson"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for delivery in deliveries:
            for row in delivery.rejections.iterator():
                item = {"kind": delivery.kind, "line": row.line_number, "field": row.field, "code": row.code,
                        "reason": row.detail, "row": row.row_excerpt}  # fmt: skip
                file.write(json.dumps(item, ensure_ascii=False) + "\n")
    return path


def _report(deliveries: list[FeedDelivery], rejected: Path | None, *, as_json: bool) -> str:
    counts = {
        delivery.kind: {
            "good": delivery.good_count,
            "bad": delivery.bad_count,
            "repeated": delivery.repeated_count,
        }
        for delivery in deliveries
    }
    if as_json:
        return json.dumps({"feeds": counts, "rejected": str(rejected) if rejected else None})
    lines = [f"{'kind':<12}{'good':>10}{'bad':>8}{'repeated':>10}"]
    lines += [f"{kind:<12}{row['good']:>10}{row['bad']:>8}{row['repeated']:>10}" for kind, row in counts.items()]
    if rejected:
        lines.append(f"rejected rows: {rejected}")
    return "\n".join(lines)
