"""The platform as it is deployed, with bare endpoints beside it: what the cases over HTTP are compared with."""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "weilidai.settings")
django.setup()
settings.ROOT_URLCONF = "weilidai.bench.urls"
application = get_wsgi_application()
