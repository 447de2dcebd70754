from typing import Any

from django.core.management.base import BaseCommand

from accounts.roles import ROLES, roles_sync


class Command(BaseCommand):
    help = "Makes the roles of the back office stand as declared; safe to repeat, needed after each migration."

    def handle(self, *args: Any, **options: Any) -> None:
        roles_sync()
        self.stdout.write(f"{len(ROLES)} roles: {', '.join(ROLES)}")
