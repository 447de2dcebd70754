"""`verify_books [--json]`: every invariant that can be checked at rest; exit status 1 if one fails."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, transaction
from rich.console import Console
from rich.progress import track

from loans.books.checks import CHECKS, faults_of
from loans.books.fault import Fault


class Command(BaseCommand):
    help = "Check every invariant of the books; exit status 1 and the rows at fault if one fails."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="machine-readable result")

    def handle(self, *args: Any, **options: Any) -> None:
        faults = _all_faults()
        if options["json"]:
            checks = [check.__name__ for check in CHECKS]
            result = {"ok": not faults, "checks": checks, "faults": [asdict(fault) for fault in faults]}
            self.stdout.write(json.dumps(result, ensure_ascii=False))
        else:
            for fault in faults:
                self.stdout.write(f"{fault.check}: {fault.subject}: {fault.detail}")
            self.stdout.write(f"{len(CHECKS)} checks, {len(faults)} faults")
        if faults:
            sys.exit(1)


def _all_faults() -> list[Fault]:
    """All checks over one snapshot, so that work going on meanwhile is not taken for a fault."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if connection.vendor == "postgresql" and outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        checks = track(CHECKS, console=Console(stderr=True), transient=True)
        return [fault for check in checks for fault in faults_of(check)]
