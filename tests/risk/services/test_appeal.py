"""An appeal from its pictures to a person's answer."""

from datetime import date, datetime
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts.models import Notification, StaffUser, StoredImage
from accounts.roles import roles_sync
from accounts.services.personal_data import customer_delete, customer_export
from risk.errors import AppealOpen, CreditLineClosed, EvidenceIncomplete, FourEyesRequired, ReasonRequired
from risk.models import Appeal, AppealImage, AppealState, CreditLine
from risk.services.appeal import appeal_grant, appeal_refuse, appeal_take_over
from risk.services.appeal_deadlines import appeals_check, appeals_settle
from risk.services.credit_line import credit_line_close, credit_line_unfreeze
from tests.risk.builders import (
    AS_OF,
    AT,
    SHANGHAI,
    STAFF,
    appeal_create,
    approved_line,
    customer_create,
    frozen_line,
    staff_create,
)
from tests.support.pictures import photo
from weilidai.lib.audit import Actor
from weilidai.lib.errors import ObjectNotFound, TransitionRefused
from weilidai.lib.models import AuditEvent, StateChange
from weilidai.lib.uploads import UploadRejected

pytestmark = [pytest.mark.usefixtures("policies"), pytest.mark.req("R39")]
EDGE: dict[str, Any] = {"as_of": AS_OF, "at": AT}


def officer(name: str = "oscar", role: str = "credit_officer") -> StaffUser:
    roles_sync()
    user = staff_create(name)
    user.groups.add(Group.objects.get(name=role))
    return user


def notices(appeal: Appeal) -> list[str]:
    rows = Notification.objects.filter(customer=appeal.customer, kind__startswith="appeal_")
    return list(rows.order_by("created_at", "id").values_list("kind", flat=True))


def fresh(appeal: Appeal) -> Appeal:
    return Appeal.objects.get(pk=appeal.pk)


def test_three_pictures_open_an_appeal_with_its_dates() -> None:
    appeal = appeal_create(frozen_line())
    assert (appeal.state, appeal.frozen_reason, appeal.received_date) == ("submitted", "unusual_place", AS_OF)
    assert (appeal.remind_date, appeal.due_date) == (date(2026, 11, 23), date(2026, 11, 25))
    assert appeal.due_at == datetime(2026, 11, 25, 18, 0, tzinfo=SHANGHAI)
    assert list(appeal.images.values_list("kind", "faults", "passed")) == [
        ("id_front", [], None),
        ("id_back", [], None),
        ("holding_id", [], None),
    ]
    assert set(StoredImage.objects.values_list("purpose", "customer")) == {("appeal", appeal.customer_id)}
    assert AuditEvent.objects.filter(action="appeal.submit", subject_id=str(appeal.pk)).count() == 1
    assert notices(appeal) == ["appeal_received"]


def test_the_dates_are_policy(policies: None) -> None:
    line = frozen_line()
    terms = line.application.terms
    type(terms).objects.filter(pk=terms.pk).update(appeal_answer_working_days=1, appeal_answer_hour=12)
    assert appeal_create(line).due_at == datetime(2026, 11, 23, 12, 0, tzinfo=SHANGHAI)


def test_only_a_frozen_line_of_ones_own_and_one_appeal_at_a_time() -> None:
    line = approved_line()
    with pytest.raises(TransitionRefused):
        appeal_create(line)
    stranger = customer_create("bob")
    frozen = frozen_line("charlie")
    frozen.customer = stranger
    with pytest.raises(ObjectNotFound):
        appeal_create(frozen)
    frozen = CreditLine.objects.get(pk=frozen.pk)
    appeal_create(frozen)
    with pytest.raises(AppealOpen):
        appeal_create(frozen)
    credit_line_close(line_id=line.pk, reason="asked for", actor=STAFF, **EDGE)
    with pytest.raises(CreditLineClosed):
        appeal_create(line)


@pytest.mark.parametrize("kind", AppealImage.Kind.values)
def test_a_missing_picture_is_named_and_nothing_is_kept(kind: str) -> None:
    line = frozen_line()
    with pytest.raises(EvidenceIncomplete) as caught:
        appeal_create_without(line, kind)
    assert [(item["field"], item["code"]) for item in caught.value.field_errors] == [(kind, "required")]
    assert (Appeal.objects.count(), StoredImage.objects.count()) == (0, 0)


def appeal_create_without(line: CreditLine, kind: str) -> None:
    from risk.services.appeal import appeal_submit
    from tests.risk.builders import appeal_files

    files = {name: data for name, data in appeal_files().items() if name != kind}
    appeal_submit(
        line_id=line.pk, customer=line.customer, files=files, statement="", actor=Actor.of(line.customer), **EDGE
    )


def test_one_picture_sent_three_times_is_no_evidence() -> None:
    same = photo(7)
    with pytest.raises(EvidenceIncomplete) as caught:
        appeal_create(frozen_line(), id_front=same, id_back=same, holding_id=same)
    assert [(item["field"], item["code"]) for item in caught.value.field_errors] == [
        ("id_back", "same_picture"),
        ("holding_id", "same_picture"),
    ]


def test_bad_files_are_named_each() -> None:
    with pytest.raises(UploadRejected) as caught:
        appeal_create(frozen_line(), id_front=b"", holding_id=b"GIF89a")
    assert [item["field"] for item in caught.value.field_errors] == ["id_front", "holding_id"]


def test_faults_are_kept_with_each_picture() -> None:
    small, again = photo(5, (200, 200)), photo(2, quality=30)
    appeal = appeal_create(frozen_line(), id_front=small, holding_id=again)
    faults = dict(appeal.images.values_list("kind", "faults"))
    assert faults == {"id_front": ["too_small"], "id_back": ["same_picture"], "holding_id": ["same_picture"]}


def test_a_picture_another_customer_sent_is_noticed() -> None:
    appeal_create(frozen_line("bob"))
    copied = appeal_create(frozen_line("alice"), id_back=photo(12), holding_id=photo(13))
    assert dict(copied.images.values_list("kind", "faults")) == {
        "id_front": ["seen_elsewhere"],
        "id_back": [],
        "holding_id": [],
    }


def test_granting_opens_drawing_and_tells_the_customer() -> None:
    appeal, user = appeal_create(frozen_line()), officer()
    appeal_grant(appeal_id=appeal.pk, reason="it was him", user=user, **EDGE)
    row = fresh(appeal)
    assert (row.state, row.answer, row.answered_by, row.answered_at) == ("granted", "it was him", user, AT)
    line = CreditLine.objects.get(pk=appeal.credit_line_id)
    assert (line.state, line.frozen_reason) == ("active", "")
    assert notices(appeal) == ["appeal_received", "appeal_granted"]
    for action in ("appeal.grant", "credit_line.unfreeze"):
        assert AuditEvent.objects.filter(action=action, actor_name="oscar").count() == 1


def test_refusing_keeps_the_freeze_and_tells_the_reason() -> None:
    appeal = appeal_create(frozen_line())
    appeal_refuse(appeal_id=appeal.pk, reason="another face", user=officer(), **EDGE)
    assert fresh(appeal).state == "refused"
    assert CreditLine.objects.get(pk=appeal.credit_line_id).state == "frozen"
    assert Notification.objects.get(kind="appeal_refused").params["answer"] == "another face"
    assert appeal_create(CreditLine.objects.get(pk=appeal.credit_line_id)).state == "submitted"


def test_an_answer_needs_a_reason_and_is_given_once() -> None:
    appeal, user = appeal_create(frozen_line()), officer()
    for act in (appeal_grant, appeal_refuse):
        with pytest.raises(ReasonRequired):
            act(appeal_id=appeal.pk, reason="  ", user=user, **EDGE)
    appeal_refuse(appeal_id=appeal.pk, reason="no", user=user, **EDGE)
    for act in (appeal_grant, appeal_refuse):
        with pytest.raises(TransitionRefused):
            act(appeal_id=appeal.pk, reason="again", user=user, **EDGE)
    with pytest.raises(TransitionRefused):
        appeal_take_over(appeal_id=appeal.pk, user=user, **EDGE)


def test_who_froze_the_line_may_admit_it_and_not_refuse() -> None:
    user = officer()
    line = frozen_line(actor=Actor.of(user))
    appeal = appeal_create(line)
    with pytest.raises(FourEyesRequired):
        appeal_refuse(appeal_id=appeal.pk, reason="I was right", user=user, **EDGE)
    assert appeal_grant(appeal_id=appeal.pk, reason="I was wrong", user=user, **EDGE).state == "granted"


def test_taking_over_changes_hands_with_a_trace() -> None:
    appeal, first, second = appeal_create(frozen_line()), officer("oscar"), officer("olga")
    appeal_take_over(appeal_id=appeal.pk, user=first, **EDGE)
    appeal_take_over(appeal_id=appeal.pk, user=second, **EDGE)
    assert fresh(appeal).handler == second
    trail = AuditEvent.objects.filter(action="appeal.take_over").order_by("id")
    assert [(row.before, row.after) for row in trail] == [
        ({"handler": ""}, {"handler": "oscar"}),
        ({"handler": "oscar"}, {"handler": "olga"}),
    ]


def test_an_escalated_appeal_is_a_supervisors() -> None:
    appeal = appeal_create(frozen_line(), id_front=photo(5, (200, 200)))
    appeals_check(at=AT, as_of=AS_OF)
    appeals_settle(as_of=date(2026, 11, 25), at=AT, closing=True)
    assert (fresh(appeal).state, fresh(appeal).is_late) == ("escalated", True)
    with pytest.raises(FourEyesRequired):
        appeal_grant(appeal_id=appeal.pk, reason="fine", user=officer(), **EDGE)
    appeal_grant(appeal_id=appeal.pk, reason="fine", user=officer("susan", "supervisor"), **EDGE)
    assert (fresh(appeal).state, fresh(appeal).is_late) == ("granted", True)


def test_a_clerk_without_the_right_decides_nothing() -> None:
    appeal = appeal_create(frozen_line())
    for role in ("collector", "auditor", "finance"):
        with pytest.raises(FourEyesRequired):
            appeal_grant(appeal_id=appeal.pk, reason="x", user=officer(role, role), **EDGE)


def test_a_line_unfrozen_or_closed_otherwise_ends_its_appeal() -> None:
    first, second = appeal_create(frozen_line("alice")), appeal_create(frozen_line("bob"), id_front=photo(20))
    credit_line_unfreeze(line_id=first.credit_line_id, reason="a call", actor=STAFF, **EDGE)
    credit_line_close(line_id=second.credit_line_id, reason="asked for", actor=STAFF, **EDGE)
    assert {fresh(first).state, fresh(second).state} == {"lapsed"}
    assert Notification.objects.filter(kind="appeal_lapsed").count() == 2


ALLOWED = {
    ("documents_pass", "submitted"): "passed",
    ("documents_fail", "submitted"): "doubtful",
    **{("escalate", state): "escalated" for state in ("submitted", "passed", "doubtful")},
    **{("grant", state): "granted" for state in ("submitted", "passed", "doubtful", "escalated")},
    **{("refuse", state): "refused" for state in ("submitted", "passed", "doubtful", "escalated")},
    **{("lapse", state): "lapsed" for state in ("submitted", "passed", "doubtful", "escalated")},
}
STEPS = ("documents_pass", "documents_fail", "escalate", "grant", "refuse", "lapse")


@pytest.mark.dealt
@pytest.mark.parametrize(("step", "state"), list(product(STEPS, AppealState.values)))
def test_states_move_along_declared_edges_only(step: str, state: str) -> None:
    from django_fsm import TransitionNotAllowed

    appeal = Appeal(state=state)
    if (step, state) in ALLOWED:
        getattr(appeal, step)()
        assert appeal.state == ALLOWED[step, state]
    else:
        with pytest.raises(TransitionNotAllowed):
            getattr(appeal, step)()


def test_every_step_is_in_the_record() -> None:
    appeal = appeal_create(frozen_line())
    appeals_check(at=AT, as_of=AS_OF)
    appeal_grant(appeal_id=appeal.pk, reason="fine", user=officer(), **EDGE)
    changes = StateChange.objects.filter(subject_id=str(appeal.pk)).order_by("id").values_list("old", "new")
    assert list(changes) == [("", "submitted"), ("submitted", "passed"), ("passed", "granted")]


@pytest.mark.req("R55")
def test_the_export_tells_of_it_and_an_erased_person_leaves_no_word() -> None:
    appeal = appeal_create(frozen_line())
    customer = appeal.customer
    (shown,) = customer_export(customer=customer, at=AT)["risk"]["appeals"]
    assert (shown["id"], shown["state"], shown["statement"]) == (appeal.pk, "submitted", "It was me, on holiday.")
    credit_line_close(line_id=appeal.credit_line_id, reason="asked for", actor=STAFF, **EDGE)
    customer_delete(customer=customer, at=AT)
    assert (fresh(appeal).state, fresh(appeal).statement) == ("lapsed", "")
    assert set(StoredImage.objects.values_list("file_name", flat=True)) == {""}
