from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from risk.models import InvitationBatch
from risk.services.invitation import IssueReport, invitations_issue
from risk.services.invitation_file import RowError, invitation_file_issue, invitation_file_read
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import DomainError, ObjectNotFound

ACTOR = Actor.system("invite")


class Command(BaseCommand):
    help = "Invites people to apply for a product, by openid or by a CSV/XLSX file with a column openid."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--product", required=True)
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--openid", nargs="+", action="extend", metavar="X")
        who.add_argument("--file", type=Path)
        parser.add_argument("--expires", help="last day, YYYY-MM-DD; without it the product's terms decide")
        parser.add_argument("--reason", default="command line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report, errors = self._issue(options)
        except ObjectNotFound as error:
            raise CommandError(f"unknown product: {options['product']}") from error
        except DomainError as error:
            raise CommandError(str(error.detail)) from error
        for row in errors:
            self.stderr.write(f"line {row.line}: {row.openid}: {row.detail}")
        for skipped in report.skipped:
            self.stderr.write(f"{skipped.openid}: {skipped.reason}")
        left = len(errors) + len(report.skipped)
        self.stdout.write(f"{len(report.issued)} invited, {left} not, batch {report.batch.pk}")

    def _issue(self, options: dict[str, Any]) -> tuple[IssueReport, list[RowError]]:
        common: dict[str, Any] = {
            "product": options["product"],
            "reason": options["reason"],
            "actor": ACTOR,
            "as_of": current_business_date(),
            "expires_date": _day(options["expires"]),
            "source": InvitationBatch.Source.COMMAND,
        }
        if options["file"] is None:
            return invitations_issue(openids=options["openid"], **common), []
        path: Path = options["file"]
        rows = invitation_file_read(_content(path))
        return invitation_file_issue(rows=rows, file_name=path.name, **common)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise CommandError(f"--expires: {text} is not a date (YYYY-MM-DD)") from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
