from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")

    def ready(self) -> None:
        from accounts.services import second_factor, staff, staff_password

        staff.register()
        staff_password.register()
        second_factor.register()
