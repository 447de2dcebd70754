"""With DEBUG=0 nothing starts on a demo's secret or on a sandbox; what starts is closed to plain HTTP."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
INSTITUTIONS = ("WECHAT", "IDENTITY", "BANK_CARD", "FACE", "DOCUMENT", "SMS", "PAYOUT")
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "a-secret-of-fifty-characters-that-nobody-can-guess-00",
    "PII_KEY": "another-secret",
    "PII_HASH_KEY": "a-third-secret",
    "ALLOWED_HOSTS": "lender.example",
    "DATABASE_URL": "postgres://weilidai:secret@127.0.0.1:5432/weilidai",
    **{f"PROVIDER_{name}": "http" for name in INSTITUTIONS},
    **{f"PROVIDER_{name}_URL": "https://institution.example" for name in INSTITUTIONS},
    **{f"PROVIDER_{name}_SECRET": "shared" for name in INSTITUTIONS},
}
PRINT = "import json, weilidai.settings as s; print(json.dumps({n: getattr(s, n) for n in %r}))"


def settings_load(values: dict[str, str], *names: str) -> "subprocess.CompletedProcess[str]":
    """Import the settings in a process of their own, with nothing but these values in the environment."""
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull} | values
    command = [sys.executable, "-c", PRINT % (list(names),)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in PRODUCTION.items() if key != name}


def test_production_starts_when_everything_is_given():
    done = settings_load(PRODUCTION, "DEBUG", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS")
    assert json.loads(done.stdout) == {
        "DEBUG": False,
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
    }


@pytest.mark.parametrize("name", ["SECRET_KEY", "PII_KEY"])
def test_production_refuses_to_start_without_a_secret(name: str):
    done = settings_load(without(name))
    assert done.returncode == 1
    assert f"ImproperlyConfigured: {name} must be set when DEBUG=0" in done.stderr


@pytest.mark.parametrize("name", INSTITUTIONS)
def test_production_refuses_a_sandbox(name: str):
    done = settings_load(PRODUCTION | {f"PROVIDER_{name}": "sandbox"})
    assert done.returncode == 1
    assert f"PROVIDER_{name}=http must be set when DEBUG=0" in done.stderr


@pytest.mark.parametrize("name", INSTITUTIONS)
def test_production_refuses_an_institution_that_was_forgotten(name: str):
    assert "must be set when DEBUG=0" in settings_load(without(f"PROVIDER_{name}")).stderr


def test_an_institution_over_http_needs_its_secret():
    done = settings_load(without("PROVIDER_PAYOUT_SECRET"))
    assert "PROVIDER_PAYOUT=http needs PROVIDER_PAYOUT_URL and PROVIDER_PAYOUT_SECRET" in done.stderr


def test_the_example_does_not_start_as_it_is():
    done = settings_load({"ENV_FILE": str(ROOT / ".env.example")})
    assert "ImproperlyConfigured: SECRET_KEY must be set when DEBUG=0" in done.stderr


def test_a_comment_after_a_value_is_no_secret():
    done = settings_load(PRODUCTION | {"SECRET_KEY": "      # 50 random characters"})
    assert "ImproperlyConfigured: SECRET_KEY must be set when DEBUG=0" in done.stderr


def test_the_example_names_everything_production_needs():
    example = (ROOT / ".env.example").read_text()
    assert [name for name in PRODUCTION if f"\n{name}=" not in example] == []


def test_the_demo_needs_nothing():
    done = settings_load({}, "DEBUG", "SESSION_COOKIE_SECURE")
    assert json.loads(done.stdout) == {"DEBUG": True, "SESSION_COOKIE_SECURE": False}


def test_sqlite_takes_the_write_lock_at_once():
    done = settings_load({"VAR_DIR": "/nonexistent"}, "DATABASES")
    options = json.loads(done.stdout)["DATABASES"]["default"]["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] == 20


def test_postgresql_uses_the_drivers_pool():
    done = settings_load(PRODUCTION | {"DATABASE_POOL_SIZE": "7"}, "DATABASES")
    assert json.loads(done.stdout)["DATABASES"]["default"]["OPTIONS"]["pool"]["max_size"] == 7


def test_a_replica_is_read_only_and_asks_for_the_router():
    url = "postgres://weilidai:secret@127.0.0.2:5432/weilidai"
    done = settings_load(PRODUCTION | {"DATABASE_REPLICA_URL": url}, "DATABASES", "DATABASE_ROUTERS")
    told = json.loads(done.stdout)
    assert told["DATABASE_ROUTERS"] == ["weilidai.routers.ReplicaRouter"]
    assert "default_transaction_read_only=on" in told["DATABASES"]["replica"]["OPTIONS"]["options"]
    assert "read_only" not in told["DATABASES"]["default"]["OPTIONS"]["options"]
    assert "replica" not in json.loads(settings_load(PRODUCTION, "DATABASES").stdout)["DATABASES"]


def test_a_replica_of_sqlite_is_refused():
    url = "postgres://weilidai:secret@127.0.0.2:5432/weilidai"
    done = settings_load({"VAR_DIR": "/nonexistent", "DATABASE_REPLICA_URL": url}, "DATABASES")
    assert done.returncode != 0
    assert "DATABASE_REPLICA_URL needs PostgreSQL" in done.stderr
