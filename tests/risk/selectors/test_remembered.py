"""Remembered policy is never older than the database: bulk writes, raw SQL, rolled-back changes, other connections."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from risk.models import LegalDocument, PolicyStamp, ProductTerms, RegulationParameter, Scorecard
from risk.models.product import VersionedPolicy
from risk.selectors.documents import documents_current
from risk.selectors.policy import regulation, scorecard_current, terms_current
from risk.selectors.remembered import one_policy, policy_look_again, policy_stamp, remembered
from risk.services.presets import presets_load
from risk.stamping import tables
from tests.risk.builders import AS_OF
from weilidai.lib.sql import sql

CAP = RegulationParameter.Name.COST_CAP_RATE


@pytest.fixture(autouse=True)
def _presets(db: None) -> None:
    presets_load(as_of=AS_OF)


def test_an_answer_is_read_once_and_shared() -> None:
    first = terms_current("weilidai", AS_OF)
    assert terms_current("weilidai", AS_OF) is first
    assert scorecard_current(AS_OF) is scorecard_current(AS_OF)
    assert documents_current("weilidai", AS_OF) is not documents_current("weilidai", AS_OF)


def test_a_bulk_write_is_seen_at_once() -> None:
    assert terms_current("weilidai", AS_OF).score_minimum == 600
    ProductTerms.objects.filter(product_id="weilidai").update(score_minimum=601)
    assert terms_current("weilidai", AS_OF).score_minimum == 601
    RegulationParameter.objects.filter(name=CAP).update(value="0.21")
    assert regulation(CAP, AS_OF) == Decimal("0.21")


def test_raw_sql_is_seen_at_once() -> None:
    before = scorecard_current(AS_OF).version
    with connection.cursor() as cursor:
        cursor.execute("UPDATE risk_scorecard SET version = version + 1")
    assert scorecard_current(AS_OF).version == before + 1


def test_a_deleted_row_is_gone_at_once() -> None:
    assert documents_current("weilidai", AS_OF)
    LegalDocument.objects.all().delete()
    assert documents_current("weilidai", AS_OF) == []


def test_a_change_that_is_rolled_back_leaves_nothing() -> None:
    before, word = scorecard_current(AS_OF).code, policy_stamp()
    for text in ("one", "two"):
        with transaction.atomic():
            Scorecard.objects.update(change_reason=text)
            assert scorecard_current(AS_OF).change_reason == text
            transaction.set_rollback(True)
        assert policy_stamp() == word
        assert (scorecard_current(AS_OF).code, scorecard_current(AS_OF).change_reason) != (before, text)


def test_within_one_act_the_stamp_is_read_once_and_a_change_counts_from_the_next_on(
    django_assert_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    before = terms_current("weilidai", AS_OF).score_minimum
    with django_assert_num_queries(1), one_policy():
        assert (
            terms_current("weilidai", AS_OF).score_minimum == terms_current("weilidai", AS_OF).score_minimum == before
        )
    with one_policy():
        assert terms_current("weilidai", AS_OF).score_minimum == before
        ProductTerms.objects.filter(product_id="weilidai").update(score_minimum=before + 1)
        assert terms_current("weilidai", AS_OF).score_minimum == before
    assert terms_current("weilidai", AS_OF).score_minimum == before + 1


def test_dates_are_remembered_apart() -> None:
    later = AS_OF + timedelta(days=1)
    Scorecard.objects.update(valid_to=AS_OF)
    assert scorecard_current(AS_OF).valid_to == AS_OF
    ProductTerms.objects.filter(product_id="weilidai").update(valid_from=later)
    assert terms_current("weilidai", later).valid_from == later


def test_without_a_stamp_nothing_is_remembered() -> None:
    PolicyStamp.objects.all().delete()
    asked: list[date] = []

    @remembered
    def read(day: date) -> int:
        asked.append(day)
        return len(asked)

    assert (read(AS_OF), read(AS_OF)) == (1, 2)


def test_every_kind_of_policy_renews_the_stamp() -> None:
    kinds = [model for model in apps.get_models() if issubclass(model, VersionedPolicy)]
    assert {model._meta.db_table for model in kinds} < set(tables())
    word = policy_stamp()
    for table in tables():
        with connection.cursor() as cursor:
            cursor.execute(sql("UPDATE {table} SET {key} = {key}", table=table, key=_column(table)))
            cursor.execute(sql("SELECT count(*) FROM {table}", table=table))
            rows = cursor.fetchone()[0]
        if rows:
            assert policy_stamp() != word, table
        word = policy_stamp()


def _column(table: str) -> str:
    model = next(model for model in apps.get_models() if model._meta.db_table == table)
    return str(model._meta.pk.column)


def test_an_act_reads_the_stamp_once_and_a_change_meanwhile_holds_from_the_next(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    terms_current("weilidai", AS_OF)
    with one_policy():
        with django_assert_num_queries(1):
            assert terms_current("weilidai", AS_OF).score_minimum == 600
        with django_assert_num_queries(0):
            assert terms_current("weilidai", AS_OF).score_minimum == 600
        ProductTerms.objects.filter(product_id="weilidai").update(score_minimum=601)
        assert terms_current("weilidai", AS_OF).score_minimum == 600
        policy_look_again()
        assert terms_current("weilidai", AS_OF).score_minimum == 601
    ProductTerms.objects.filter(product_id="weilidai").update(score_minimum=602)
    assert terms_current("weilidai", AS_OF).score_minimum == 602
