"""Several members of staff at the same thing: real connections, real commits."""

from datetime import timedelta
from typing import Any

import pytest

from risk.models import Invitation, InvitationBatch, PolicyState, Scorecard
from risk.selectors.policy import scorecard_current
from risk.services.invitation import invitations_issue
from risk.services.policy import policy_activate
from risk.services.shadow import scorecard_shadow_start
from tests.risk.builders import AS_OF, AT, STAFF, setup_policies, staff_create
from tests.risk.test_appeal_parallel import together
from weilidai.lib.errors import FieldInvalid

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def drafts(db: None) -> list[Scorecard]:
    setup_policies()
    definition, carol = scorecard_current(AS_OF).definition, staff_create("carol")
    first_day = AS_OF + timedelta(days=1)
    return [
        Scorecard.objects.create(
            code="main", version=number, valid_from=first_day, definition=definition, drafted_by=carol
        )
        for number in range(2, 7)
    ]


@pytest.mark.req("R17")
def test_of_many_challengers_started_at_once_three_run(drafts: list[Scorecard]) -> None:
    dave = staff_create("dave")

    def start(number: int) -> bool:
        values: dict[str, Any] = {"first_day": AS_OF, "last_day": None, "reason": "compare", "user": dave}
        try:
            scorecard_shadow_start(scorecard=drafts[number], **values, as_of=AS_OF, at=AT)
        except FieldInvalid:
            return False
        return True

    assert sum(together(start, len(drafts))) == 3
    assert Scorecard.objects.filter(is_shadow=True).count() == 3


@pytest.mark.req("R15")
def test_of_many_drafts_approved_at_once_one_is_left_in_force(drafts: list[Scorecard]) -> None:
    dave = staff_create("dave")

    def approve(number: int) -> int:
        try:
            return int(policy_activate(policy=drafts[number], user=dave, as_of=AS_OF, at=AT).version)
        except FieldInvalid:
            return 0

    approved = together(approve, len(drafts))
    in_force = Scorecard.objects.get(state=PolicyState.ACTIVE)
    assert in_force.version == max(approved) == 6
    assert scorecard_current(AS_OF + timedelta(days=1)).version == 6
    assert scorecard_current(AS_OF).version == 1


@pytest.mark.req("R1")
def test_people_invited_by_several_at_once_are_invited_once(drafts: list[Scorecard]) -> None:
    names = [f"p{number}" for number in range(20)]

    def issue(number: int) -> tuple[int, int]:
        openids = names if number % 2 else list(reversed(names))
        report = invitations_issue(
            openids=openids, product="weilidai", source=InvitationBatch.Source.STAFF, reason="spring", actor=STAFF,
            as_of=AS_OF,
        )  # fmt: skip
        return report.batch.issued_count, len(report.skipped)

    counts = together(issue, 4)
    assert sum(issued for issued, _skipped in counts) == len(names) == Invitation.objects.count()
    assert all(issued + skipped == len(names) for issued, skipped in counts)
