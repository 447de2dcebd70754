from typing import Any

from django.core.management.base import BaseCommand

from risk.services.presets import presets_load
from weilidai.lib.business_date import current_business_date


class Command(BaseCommand):
    help = "Creates the shipped products, tiers, scorecard, regulation and documents where they are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, count in presets_load(as_of=current_business_date()).items():
            self.stdout.write(f"{name}: {count} new")
