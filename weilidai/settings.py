"""Settings, all from the environment or `.env`; without any of them this is the embedded demo."""

import logging
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

# Read by the theme.
from weilidai.backoffice.theme import UNFOLD as UNFOLD
from weilidai.logs import log_config

# Lets annotations such as `TextField[str, str]` stand at run time.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("VAR_DIR", BASE_DIR / "var"))
env = environ.Env()
env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))

DEBUG = env.bool("DEBUG", default=True)


def _secret(name: str, demo: str) -> str:
    """A secret from the environment; the embedded demo has a known one, production none."""
    value = str(env.str(name, default="")).strip()
    if value and not value.startswith("#"):
        return value
    if DEBUG:
        return demo
    raise ImproperlyConfigured(f"{name} must be set when DEBUG=0")


SECRET_KEY = _secret("SECRET_KEY", "embedded-demo-only-secret-key-never-for-production-0000")
# Newest first; the first encrypts, all decrypt.
PII_KEYS = [key for key in _secret("PII_KEY", "embedded-demo-only-pii-key").split(",") if key]
PII_HASH_KEY = env.str("PII_HASH_KEY", default="") or PII_KEYS[-1]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
# Key id to secret of every machine that signs its calls; two ids at once while a key is rotated.
MACHINE_KEYS: dict[str, str] = env.dict("MACHINE_KEYS", default={})
# Bearer secret of the scraper; without one `/metrics` answers only the machine itself, and only with DEBUG=1.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "weilidai.apps.BackOfficeConfig",
    "rest_framework",
    "knox",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_fsm",
    "simple_history",
    "import_export",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "django_celery_beat",
    "django_prometheus",
    "django_structlog",
    "weilidai.lib.apps.LibConfig",
    "accounts.apps.AccountsConfig",
    "risk.apps.RiskConfig",
    "loans.apps.LoansConfig",
    "weilidai.apps.WeilidaiConfig",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "weilidai.backoffice.sign_in.SecondFactorMiddleware",
    "weilidai.backoffice.sign_in.OwnPasswordMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "weilidai.request_log.RequestLogMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "weilidai.backoffice.addresses.AddressMiddleware",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "weilidai.urls"
WSGI_APPLICATION = "weilidai.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]


# What the server is told of connections over TCP: seconds, a number, milliseconds.
CUT_OFF = {
    "tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 3, "tcp_user_timeout": 25_000,
}  # fmt: skip


def _replica(url: str) -> dict[str, Any]:
    """As the primary; a replica that is away must not hold a report up. Tests on one database read the primary."""
    config = _database(url)
    if config["ENGINE"].endswith("sqlite3") or DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        raise ImproperlyConfigured("DATABASE_REPLICA_URL needs PostgreSQL there and at DATABASE_URL")
    config["OPTIONS"]["connect_timeout"] = 2
    config["OPTIONS"]["options"] += " -c default_transaction_read_only=on"
    config["OPTIONS"]["pool"] |= {"timeout": 3}
    return config | {"TEST": {"MIRROR": "default"}}


def _database(url: str) -> dict[str, Any]:
    """PostgreSQL, or SQLite made safe for parallel writers."""
    config: dict[str, Any] = env.db_url_config(url)
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"].endswith("sqlite3"):
        # With Django's defaults most parallel writers fail with "database is locked".
        options |= {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        }
    else:
        # A host that was cut off leaves nothing locked for longer than this: both ends ask after 10 s of silence, three
        # times. With the kernel's own figures the rows it held would stay locked for two hours.
        options |= {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}
        options["options"] = " ".join(f"-c {name}={value}" for name, value in CUT_OFF.items())
        options["pool"] = {"min_size": 1, "max_size": env.int("DATABASE_POOL_SIZE", default=20), "timeout": 20}
        config["ENGINE"] = "weilidai.lib.postgresql"
    return config


DATABASE_URL = env.str("DATABASE_URL", default="") or f"sqlite:///{VAR_DIR / 'weilidai.sqlite3'}"
DATABASES = {"default": _database(DATABASE_URL)}
# Whether connections keep statements ready; not behind a pooler that hands them on after each transaction.
DATABASE_PREPARE = env.bool("DATABASE_PREPARE", default=True)
# A streaming replica for reports. Nothing else reads it, nor do they while it is further behind than this (seconds).
REPLICA_LAG_SECONDS_MAX = env.float("REPLICA_LAG_SECONDS_MAX", default=30.0)
if env.str("DATABASE_REPLICA_URL", default=""):
    DATABASES["replica"] = _replica(env.str("DATABASE_REPLICA_URL"))
    DATABASE_ROUTERS = ["weilidai.routers.ReplicaRouter"]
# Rows in a range of the end of day; 0: as the database suggests.
NIGHT_RANGE_ROWS = env.int("NIGHT_RANGE_ROWS", default=0)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis or Valkey. The process manager passes its own private socket when these are not given.
BROKER_URL = env.str("BROKER_URL", default="") or f"redis+socket://{VAR_DIR / 'valkey.sock'}"
CACHE_URL = env.str("CACHE_URL", default="") or f"unix://{VAR_DIR / 'valkey.sock'}?db=1"
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "weilidai",
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 2, "SOCKET_TIMEOUT": 2},
    }
}

AUTH_USER_MODEL = "accounts.StaffUser"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
KNOX_TOKEN_MODEL = "accounts.CustomerToken"  # noqa: S105 - a model's name
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("简体中文")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(VAR_DIR / "static")))
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(VAR_DIR / "media")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
    # Customers' papers: ciphertext under random names in `MEDIA_ROOT/private`, which no address serves.
    "private": {"BACKEND": "weilidai.lib.uploads.PrivateStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG
# Uploads are identity papers: nobody but the program's own user may read them, and bodies are bounded before parsing.
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024  # bytes
UPLOAD_IMAGE_BYTES_MAX = env.int("UPLOAD_IMAGE_BYTES_MAX", default=8 * 1024 * 1024)
# Looked at before anything is decompressed: thirty million pixels take about 120 MB while they are worked on.
UPLOAD_IMAGE_PIXELS_MAX = env.int("UPLOAD_IMAGE_PIXELS_MAX", default=30_000_000)
# A whole multipart request: three pictures and the text beside them.
UPLOAD_BODY_BYTES_MAX = 3 * UPLOAD_IMAGE_BYTES_MAX + 256 * 1024

# --- Institutions ------------------------------------------------------------------------------------------------
PROVIDER_NAMES = ("wechat", "identity", "bank_card", "face", "document", "sms", "payout", "geo")
# Without it no address has a city, and nobody is frozen for a place that only the address tells.
OPTIONAL_PROVIDERS = ("geo",)


def _provider(name: str) -> dict[str, Any]:
    """How one institution is reached: the sandbox of the demo, or its HTTP gateway. Never the sandbox with DEBUG=0."""
    prefix = f"PROVIDER_{name.upper()}"
    kind = env.str(prefix, default="none" if name in OPTIONAL_PROVIDERS and not DEBUG else "sandbox")
    provider = {
        "kind": kind,
        "url": env.str(f"{prefix}_URL", default=""),
        "key_id": env.str(f"{prefix}_KEY_ID", default=""),
        "secret": env.str(f"{prefix}_SECRET", default=""),
        "timeout_seconds": env.float(f"{prefix}_TIMEOUT", default=10.0),
    }
    if kind == "none" and name in OPTIONAL_PROVIDERS:
        return provider
    if kind not in ("sandbox", "http"):
        raise ImproperlyConfigured(f"{prefix} must be sandbox or http, not {kind!r}")
    if kind == "sandbox" and not DEBUG:
        raise ImproperlyConfigured(f"{prefix}=http must be set when DEBUG=0: the sandbox never runs in production")
    if kind == "http" and not (provider["url"] and provider["secret"]):
        raise ImproperlyConfigured(f"{prefix}=http needs {prefix}_URL and {prefix}_SECRET")
    return provider


PROVIDERS = {name: _provider(name) for name in PROVIDER_NAMES}

# --- Security ----------------------------------------------------------------------------------------------------
HTTPS_ONLY = env.bool("HTTPS_ONLY", default=not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS_ONLY
# Health checks come from the load balancer over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^api/v1/health/"]
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000 if HTTPS_ONLY else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", default=False)
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_NAME = "weilidai_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 60 * 60  # seconds: one working day
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_SAMESITE = "Lax"
OTP_TOTP_ISSUER = "weilidai"

# Whether staff must have a second factor; whoever has one is always asked for it.
STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", default=not DEBUG)
LOGIN_REDIRECT_URL = "/admin/"
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True

# Guessed passwords lock the pair of user name and address, so one clerk's typing never locks the whole office out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 1  # hours
AXES_RESET_ON_SUCCESS = True
AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"

# --- Customer API ------------------------------------------------------------------------------------------------
REST_KNOX = {
    "TOKEN_TTL": timedelta(hours=env.int("CUSTOMER_TOKEN_HOURS", default=24)),
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_LIMIT_PER_USER": None,
    "AUTO_REFRESH": False,
}
# Calls per window of seconds, counted atomically in the cache by `weilidai.lib.throttling`.
THROTTLE_RATES: dict[str, tuple[int, int]] = {
    "anonymous": (env.int("THROTTLE_ANONYMOUS", default=600), 60),
    "customer": (env.int("THROTTLE_CUSTOMER", default=1200), 60),
    "sign_in": (env.int("THROTTLE_SIGN_IN", default=600), 60),
    "money": (env.int("THROTTLE_MONEY", default=600), 60),
    "uploads": (env.int("THROTTLE_UPLOADS", default=60), 60),
    "machine": (env.int("THROTTLE_MACHINE", default=6000), 60),
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.CustomerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["weilidai.lib.renderers.ExactJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["weilidai.lib.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "weilidai.lib.problems.problem_handler",
    "DEFAULT_PAGINATION_CLASS": "weilidai.lib.pagination.CursorPage",
    "DEFAULT_THROTTLE_CLASSES": ["weilidai.lib.throttling.ScopeThrottle"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "COERCE_DECIMAL_TO_STRING": True,
    "NON_FIELD_ERRORS_KEY": "non_field_errors",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# One signed delivery over HTTP; larger feeds come in parts or by command.
FEED_BYTES_MAX = env.int("FEED_BYTES_MAX", default=512 * 1024 * 1024)
# Working days that the calendar library does not know or has wrong: {date: is it worked}.
WORKING_DAY_OVERRIDES: dict[date, bool] = {}
SPECTACULAR_SETTINGS = {
    "TITLE": "weilidai customer API",
    "DESCRIPTION": "Invite-only consumer micro-credit: entry, application, credit line, loans and repayment.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # Names in the document for choices that several shapes call by one word.
    "ENUM_NAME_OVERRIDES": {
        "AppealImageKindEnum": "risk.models.appeal.AppealImage.Kind",
        "AssetProofKindEnum": "risk.models.raises.ProofKind",
        "VoucherKindEnum": "loans.models.voucher.VoucherKind",
        "RearrangementOfferStateEnum": "loans.models.rearrangement_offer.OfferState",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- Logs --------------------------------------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOG_FORMAT = env.str("LOG_FORMAT", default="console" if DEBUG else "json")
LOGGING = log_config(level=LOG_LEVEL, style=LOG_FORMAT)
LOGGING_CONFIG = "weilidai.logs.configure"
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = True
# The first half of every request's pair of lines is left out: making it is saved as well.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG

# --- Jobs --------------------------------------------------------------------------------------------------------
DJANGO_CELERY_BEAT_TZ_AWARE = True
CELERY_TASK_TIME_LIMIT = env.int("TASK_TIME_LIMIT", default=1800)  # seconds, hard
CELERY_TASK_SOFT_TIME_LIMIT = env.int("TASK_SOFT_TIME_LIMIT", default=1500)  # seconds
# A message not acknowledged for this long is given to another worker, so it must exceed the longest task.
CELERY_VISIBILITY_TIMEOUT = env.int("TASK_VISIBILITY_TIMEOUT", default=2400)  # seconds
# Requests that commit within so long of each other ring workers once.
BELL_PAUSE_SECONDS = 0.05
WORKER_HEARTBEAT_SECONDS = 15
WORKER_SILENT_SECONDS = 120  # readiness fails and the process manager restarts the workers after this
