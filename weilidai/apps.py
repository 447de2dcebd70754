"""The roof as Django apps."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class BackOfficeConfig(AdminConfig):
    """Django's admin, so that staff sign in through the site of the platform."""


class WeilidaiConfig(AppConfig):
    """Commands, templates and jobs of the roof; it has no tables."""

    name = "weilidai"
    label = "platform"
    verbose_name = _("Platform")

    def ready(self) -> None:
        """Make the configured job system the one `shared_task` binds to."""
        import_module("weilidai.celery")
