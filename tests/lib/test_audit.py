"""Evidence is written once and never changed."""

from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django_fsm import TransitionNotAllowed

from accounts.models import Customer, StaffUser
from tests.lib.conftest import AT
from weilidai.lib.audit import Actor, audit_record, state_change_record
from weilidai.lib.errors import TransitionRefused
from weilidai.lib.fsm import take_step
from weilidai.lib.models import AppendOnlyError, AuditEvent, JobRun, StateChange

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 20)
SYSTEM = Actor.system("end_of_day")


@pytest.fixture
def run() -> JobRun:
    return JobRun.objects.create(job="rates", business_date=DAY)


def test_who_acts_is_told_by_the_kind() -> None:
    customer = Customer.objects.create(openid="alice")
    staff = StaffUser.objects.create_user(username="carol", password=None)
    assert Actor.of(customer) == Actor("customer", str(customer.pk), "alice")
    assert Actor.of(staff) == Actor("staff", str(staff.pk), "carol")
    assert Actor.machine("bank-1").kind == "machine"


def test_an_act_is_one_row_with_all_that_was_known(run: JobRun) -> None:
    audit_record(
        action="rates.changed", actor=SYSTEM, subject=run, at=AT, as_of=DAY, before={"rate": "0.000400"},
        after={"rate": "0.000300"}, reason="review", ip="203.0.113.7",
    )  # fmt: skip
    row = AuditEvent.objects.get()
    assert (row.action, row.actor_kind, row.actor_name) == ("rates.changed", "system", "end_of_day")
    assert (row.subject_type, row.subject_id, row.customer_id) == ("lib.jobrun", str(run.pk), None)
    assert (row.at, row.business_date, row.before, row.after) == (AT, DAY, {"rate": "0.000400"}, {"rate": "0.000300"})


def test_what_concerns_a_customer_is_found_by_the_customer() -> None:
    customer = Customer.objects.create(openid="alice")
    audit_record(action="x", actor=SYSTEM, subject=customer)
    assert AuditEvent.objects.get().customer_id == customer.pk


@pytest.mark.parametrize("model", [AuditEvent, StateChange])
def test_evidence_is_neither_changed_nor_deleted(run: JobRun, model: Any) -> None:
    audit_record(action="x", actor=SYSTEM, subject=run)
    state_change_record(subject=run, old="a", new="b", actor=SYSTEM, as_of=DAY)
    row = model.objects.get()
    acts = [row.save, row.delete, lambda: model.objects.update(reason="y"), lambda: model.objects.all().delete(),
            lambda: model.objects.bulk_update([row], ["reason"])]  # fmt: skip
    for act in acts:
        with pytest.raises(AppendOnlyError), transaction.atomic():
            act()
    assert model.objects.get().reason == ""


class Door:
    """A machine without a table."""

    class _meta:
        label_lower, model_name = "lib.door", "door"

    def __init__(self) -> None:
        self.pk, self.state, self.saved = 7, "open", list[list[str]]()

    def close(self) -> None:
        if self.state != "open":
            raise TransitionNotAllowed
        self.state = "closed"

    def save(self, *, update_fields: list[str]) -> None:
        self.saved.append(update_fields)


def test_a_step_saves_the_state_and_leaves_its_evidence() -> None:
    door = Door()
    take_step(door, "close", actor=SYSTEM, as_of=DAY, at=AT, reason="night", update_fields=("closed_at",))
    assert (door.state, door.saved) == ("closed", [["state", "closed_at"]])
    row = StateChange.objects.get()
    assert (row.subject_type, row.subject_id, row.field) == ("lib.door", "7", "state")
    assert (row.old, row.new) == ("open", "closed")
    assert (row.at, row.business_date, row.actor_id, row.reason) == (AT, DAY, "end_of_day", "night")


def test_a_step_the_state_does_not_allow_leaves_nothing() -> None:
    door = Door()
    take_step(door, "close", actor=SYSTEM, as_of=DAY)
    with pytest.raises(TransitionRefused) as error:
        take_step(door, "close", actor=SYSTEM, as_of=DAY)
    assert error.value.extra == {"state": "closed"}
    assert (len(door.saved), StateChange.objects.count()) == (1, 1)


@pytest.mark.postgres
@pytest.mark.parametrize("table", ["lib_auditevent", "lib_statechange"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET reason = 'y'", "DELETE FROM {}"])
def test_no_sql_changes_evidence(run: JobRun, table: str, statement: str) -> None:
    audit_record(action="x", actor=SYSTEM, subject=run)
    state_change_record(subject=run, old="a", new="b", actor=SYSTEM, as_of=DAY)
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))
    assert (AuditEvent.objects.get().reason, StateChange.objects.get().reason) == ("", "")
