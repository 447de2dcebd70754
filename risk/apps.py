from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class RiskConfig(AppConfig):
    name = "risk"
    verbose_name = _("Credit granted")

    def ready(self) -> None:
        from accounts.checks import register_check
        from accounts.personal_data import register_blocker, register_eraser, register_exporter
        from risk.personal_data import erase, export, has_open_line
        from risk.services import regulation
        from risk.services.screening import act_screen
        from risk.stamping import stamping_install

        register_check("layers", act_screen)
        register_blocker("risk", has_open_line)
        register_exporter("risk", export)
        register_eraser("risk", erase)
        regulation.register()
        post_migrate.connect(stamping_install, sender=self)
