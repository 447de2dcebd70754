"""`manage.py messages_compile`: `.po` to `.mo` without any system tool."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from weilidai.messages import catalogue_compile, catalogues


class Command(BaseCommand):
    help = "Compile the translation catalogues; files that are in step already are not touched."

    def handle(self, *_args: Any, **_options: Any) -> None:
        for source, target in catalogues(Path(settings.LOCALE_PATHS[0])):
            compiled = catalogue_compile(source.read_text(encoding="utf-8"))
            if not target.is_file() or target.read_bytes() != compiled:
                target.write_bytes(compiled)
                self.stdout.write(f"compiled {target}")
