from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LibConfig(AppConfig):
    name = "weilidai.lib"
    label = "lib"
    verbose_name = _("Operations")

    def ready(self) -> None:
        """The look-ups register themselves."""
        import_module("weilidai.lib.lookups")
