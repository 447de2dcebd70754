"""`manage.py schedule_sync`: make beat's tables say what `weilidai/schedule.py` says."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django_celery_beat.models import PeriodicTask, PeriodicTasks
from django_celery_beat.schedulers import ModelEntry

from weilidai.celery import app
from weilidai.schedule import SCHEDULE


class Command(BaseCommand):
    help = "Write the declared schedule to the database and retire entries no longer declared."

    @transaction.atomic
    def handle(self, *_args: Any, **_options: Any) -> None:
        for name, entry in SCHEDULE.items():
            ModelEntry.from_entry(name, app=app, **entry)
        # Celery's own clean-up entry is not declared here and stays.
        strays = (
            PeriodicTask.objects.exclude(name__in=SCHEDULE).exclude(name__startswith="celery.").filter(enabled=True)
        )
        retired = strays.update(enabled=False)
        PeriodicTasks.update_changed()
        self.stdout.write(f"{len(SCHEDULE)} entries, {retired} retired")
