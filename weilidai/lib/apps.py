from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LibConfig(AppConfig):
    name = "weilidai.lib"
    label = "lib"
    verbose_name = _("Operations")

    def ready(self) -> None:
        from weilidai.lib import lookups  # noqa: F401 - registers itself
