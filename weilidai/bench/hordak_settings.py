"""The settings under which django-hordak runs beside the platform: its apps alone, on the platform's database."""

from weilidai.settings import DATABASES, SECRET_KEY, TIME_ZONE, USE_TZ

__all__ = ["DATABASES", "SECRET_KEY", "TIME_ZONE", "USE_TZ"]

INSTALLED_APPS = ["django.contrib.contenttypes", "mptt", "hordak"]
HORDAK_INTERNAL_CURRENCY = DEFAULT_CURRENCY = "CNY"
HORDAK_CURRENCIES = CURRENCIES = ["CNY"]
