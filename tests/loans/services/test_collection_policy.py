"""R60: strategies are versions; two persons put one into force."""

from datetime import date

import pytest

from accounts.models import StaffUser
from loans.models import CollectionPolicy
from loans.selectors.collection_policy import collection_figures_at, collection_policy_at
from loans.services.collection_policy import collection_definition_check, collection_preset
from risk.errors import FourEyesRequired
from risk.models import PolicyState
from risk.services.policy import policy_activate
from tests.loans.builders import NOW, TODAY
from weilidai.lib.errors import FieldInvalid
from weilidai.lib.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.req("R60")]
OCTOBER = date(2026, 10, 1)


def draft(by: StaffUser) -> CollectionPolicy:
    shipped = CollectionPolicy.objects.get(version=1)
    return CollectionPolicy.objects.create(version=2, valid_from=OCTOBER, drafted_by=by, definition=shipped.definition)


@pytest.fixture
def people(db: None) -> tuple[StaffUser, StaffUser]:
    collection_preset(TODAY)
    return StaffUser.objects.create_user("drafts"), StaffUser.objects.create_user("approves")


def test_the_preset_is_loaded_once():
    assert [collection_preset(TODAY), collection_preset(TODAY)] == [True, False]
    assert CollectionPolicy.objects.get().state == PolicyState.ACTIVE


def test_a_second_person_puts_a_draft_into_force_from_its_first_day(people: tuple[StaffUser, StaffUser]):
    row = draft(people[0])
    assert collection_policy_at(OCTOBER) == CollectionPolicy.objects.get(version=1)
    with pytest.raises(FourEyesRequired):
        policy_activate(policy=row, user=people[0], as_of=TODAY, at=NOW, check=collection_definition_check)
    policy_activate(policy=row, user=people[1], as_of=TODAY, at=NOW, check=collection_definition_check)
    before, after = collection_policy_at(date(2026, 9, 30)), collection_policy_at(OCTOBER)
    assert before is not None
    assert after is not None
    assert (before.version, after.version) == (1, 2)
    assert AuditEvent.objects.filter(action="policy.activate").count() == 1


def test_the_figures_are_those_of_the_version_in_force(people: tuple[StaffUser, StaffUser]):
    row = draft(people[0])
    row.definition = {**row.definition, "figures": {**row.definition["figures"], "wish_days": 10}}
    row.save()
    policy_activate(policy=row, user=people[1], as_of=TODAY, at=NOW, check=collection_definition_check)
    assert collection_figures_at(date(2026, 9, 30)).wish_days == 7
    assert collection_figures_at(OCTOBER).wish_days == 10


def test_a_version_without_figures_has_those_that_ship(people: tuple[StaffUser, StaffUser]):
    shipped = collection_figures_at(TODAY)
    CollectionPolicy.objects.update(definition={"segments": [], "strategies": []})
    assert collection_figures_at(TODAY) == shipped
    CollectionPolicy.objects.all().delete()
    assert collection_figures_at(TODAY) == shipped


def test_a_draft_that_cannot_be_read_stays_a_draft(people: tuple[StaffUser, StaffUser]):
    row = draft(people[0])
    row.definition = {"segments": []}
    row.save()
    with pytest.raises(FieldInvalid):
        policy_activate(policy=row, user=people[1], as_of=TODAY, at=NOW, check=collection_definition_check)
    row.refresh_from_db()
    assert row.state == PolicyState.DRAFT
