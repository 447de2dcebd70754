"""The test house itself: database, cache and health answer as the other tests expect."""

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings as SettingsWrapper


def test_live_answers_without_a_database(client: Client) -> None:
    response = client.get("/api/v1/health/live")
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


@pytest.mark.django_db
def test_ready_reports_the_database_and_a_silent_worker(client: Client) -> None:
    response = client.get("/api/v1/health/ready")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "database": True,
        "cache": True,
        "workers": False,
        "worker_silent_seconds": None,
    }


def test_metrics_are_closed_without_the_token(client: Client) -> None:
    assert client.get("/api/v1/metrics").status_code == 404


def test_metrics_open_with_the_token(client: Client, settings: SettingsWrapper) -> None:
    settings.METRICS_TOKEN = "scraper"
    assert client.get("/api/v1/metrics", headers={"Authorization": "Bearer scraper"}).status_code == 200
    assert client.get("/api/v1/metrics", headers={"Authorization": "Bearer other"}).status_code == 404


def test_cache_counts_atomically() -> None:
    cache.set("counter", 0)
    assert [cache.incr("counter") for _ in range(3)] == [1, 2, 3]
