"""Settings of the tests: a throw-away database, a cache and a broker of this process only, fast password hashes."""

import os
import tempfile
from pathlib import Path

# A developer's own `.env` must not decide whether tests pass.
os.environ["ENV_FILE"] = os.devnull
os.environ.setdefault("DEBUG", "1")
# One directory per test run: several runs on one machine, and the processes of one run, never share a database file.
# Somebody who names a directory keeps it, so that `--reuse-db` finds the database of the run before.
if "WEILIDAI_TEST_DIR" not in os.environ:
    os.environ["WEILIDAI_TEST_DIR"] = os.environ["WEILIDAI_TEST_DIR_MADE"] = tempfile.mkdtemp(prefix="weilidai-tests-")
TEST_DIR = Path(os.environ["WEILIDAI_TEST_DIR"])
TEST_DIR.mkdir(parents=True, exist_ok=True)

from weilidai.settings import *  # noqa: E402, F403
from weilidai.settings import DATABASES  # noqa: E402

DEBUG = False
SECRET_KEY = "tests-only-secret-key-0000000000000000000000000000000000"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, because the in-memory database cannot be shared by threads that write at the same time.
    DATABASES["default"]["TEST"] = {"NAME": str(TEST_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON;"
    )
# One folder per process, as each has its own database: a sweep takes away what no row of that database names.
MEDIA_ROOT = TEST_DIR / f"media-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "tests"}}
# A message published by a test goes nowhere; tests marked `worker` swap a real broker in (see `live_workers`).
BROKER_URL = "memory://"
BELL_PAUSE_SECONDS = 0.0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "private": {"BACKEND": "weilidai.lib.uploads.PrivateStorage"},
}
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
