from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from risk.models import Decision
from risk.services.assessment import decision_replay


class Command(BaseCommand):
    help = "Replays a stored decision: exit status 0 when the answer is the same bit for bit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="id of the decision")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            decision_id = UUID(options["id"])
        except ValueError as error:
            raise CommandError(f"{options['id']} is not an id") from error
        decision = Decision.objects.filter(pk=decision_id).first()
        if decision is None:
            raise CommandError(f"there is no decision {decision_id}")
        if not decision_replay(decision):
            raise CommandError(f"decision {decision_id}: the replay gives another answer")
        self.stdout.write(f"{decision_id}: same answer ({decision.outcome}, score {decision.score})")
