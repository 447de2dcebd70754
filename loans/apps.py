from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoansConfig(AppConfig):
    name = "loans"
    verbose_name = _("Credit used")

    def ready(self) -> None:
        from accounts.personal_data import register_blocker, register_exporter
        from loans.personal_data import export, has_debt
        from loans.services import forbidden_use
        from loans.services.collection_policy import collection_preset
        from risk.services.presets import register_preset

        register_blocker("loans", has_debt)
        register_exporter("loans", export)
        register_preset("collection", collection_preset)
        forbidden_use.register()
