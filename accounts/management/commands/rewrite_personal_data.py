from typing import Any

from django.core.management.base import BaseCommand

from accounts.services.encryption import personal_data_rewrite


class Command(BaseCommand):
    help = "Encrypts personal data anew with the first key of PII_KEY; then the others can be taken away."

    def handle(self, *args: Any, **options: Any) -> None:
        for table, rows in personal_data_rewrite().items():
            self.stdout.write(f"{table}: {rows}")
