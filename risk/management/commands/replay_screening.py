from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from risk.models import Screening
from risk.services.screening import screening_replay


class Command(BaseCommand):
    help = "Replays a stored screening: exit status 0 when the answer is the same bit for bit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="id of the screening")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            screening_id = UUID(options["id"])
        except ValueError as error:
            raise CommandError(f"{options['id']} is not an id") from error
        screening = Screening.objects.select_related("policy").filter(pk=screening_id).first()
        if screening is None:
            raise CommandError(f"there is no screening {screening_id}")
        if not screening_replay(screening):
            raise CommandError(f"screening {screening_id}: the replay gives another answer")
        self.stdout.write(f"{screening_id}: same answer ({screening.verdict})")
