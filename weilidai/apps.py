from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class BackOfficeConfig(AdminConfig):
    """The back office: Django's admin in the chosen theme."""


class WeilidaiConfig(AppConfig):
    name = "weilidai"
    label = "platform"
