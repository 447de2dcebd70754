"""Appeals and asset proofs in the back office: the queue by time left, pictures with a trace, acts with a reason."""

from datetime import date, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import StaffUser, StoredImage
from accounts.roles import roles_sync
from risk.admin.appeal import time_left
from risk.models import Appeal, AssetProof, CreditLine
from risk.services.appeal_deadlines import appeals_check, appeals_close_day
from risk.services.asset_proof import asset_proof_submit
from tests.risk.builders import (
    AS_OF,
    AT,
    SHANGHAI,
    appeal_create,
    appeal_files,
    approved_line,
    frozen_line,
    setup_policies,
)
from tests.support.pictures import photo
from weilidai.lib.audit import Actor
from weilidai.lib.business_date import business_date_set
from weilidai.lib.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.req("R38", "R39")]


def staff(role: str) -> Client:
    roles_sync()
    user, _ = StaffUser.objects.get_or_create(username=role, defaults={"is_staff": True})
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def today(day: date) -> None:
    business_date_set(day, at=AT)


@pytest.fixture
def appeal(db: None) -> Appeal:
    setup_policies()
    today(AS_OF)
    return appeal_create(frozen_line())


@pytest.fixture
def proof(db: None) -> AssetProof:
    setup_policies()
    today(AS_OF)
    line = approved_line()
    return asset_proof_submit(
        line_id=line.pk, customer=line.customer, kind="property", image=photo(4), actor=Actor.of(line.customer),
        as_of=AS_OF, at=AT,
    )  # fmt: skip


def picture_urls(appeal: Appeal) -> list[str]:
    return [reverse("stored-image", args=[row.image_id]) for row in appeal.images.all()]


def act(client: Client, row: Any, name: str, reason: str = "looked at it") -> Any:
    url = f"/admin/risk/{row._meta.model_name}/{row.pk}/{name}/"
    return client.post(url, {"reason": reason, "_form_submitted": "on"})


# --- Pictures ----------------------------------------------------------------------------------------------------


def test_a_picture_is_shown_with_a_trace_and_never_kept_by_the_browser(appeal: Appeal) -> None:
    url = picture_urls(appeal)[0]
    answer = staff("credit_officer").get(url)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert answer.content.startswith(b"\xff\xd8\xff")
    assert answer["Cache-Control"].startswith("no-store, private")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("inline; filename=")
    assert "sandbox" in answer["Content-Security-Policy"]
    event = AuditEvent.objects.get(action="stored_image.view")
    assert (event.actor_name, event.customer_id, event.ip) == ("credit_officer", appeal.customer_id, "127.0.0.1")


@pytest.mark.parametrize("role", ["collector", "finance", "auditor", "administrator"])
def test_other_roles_see_no_picture_and_leave_no_look(appeal: Appeal, role: str) -> None:
    assert staff(role).get(picture_urls(appeal)[0]).status_code == 403
    assert not AuditEvent.objects.filter(action="stored_image.view").exists()


def test_without_signing_in_or_by_another_method_there_is_no_picture(appeal: Appeal) -> None:
    url = picture_urls(appeal)[0]
    assert Client().get(url).status_code == 302
    assert staff("supervisor").post(url).status_code == 405
    assert staff("supervisor").get(reverse("stored-image", args=[appeal.pk])).status_code == 404
    name = StoredImage.objects.values_list("file_name", flat=True)[0]
    for guess in (f"/media/private/{name}", f"/media/{name}", f"/static/{name}"):
        assert Client().get(guess).status_code == 404


def test_a_page_names_the_pictures_only_to_those_who_may_see_them(appeal: Appeal) -> None:
    page = reverse("admin:risk_appeal_change", args=[appeal.pk])
    shown = staff("credit_officer").get(page).content.decode()
    assert all(url in shown for url in picture_urls(appeal))
    hidden = staff("auditor").get(page).content.decode()
    assert not any(url in hidden for url in picture_urls(appeal))


# --- The queue ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 11, 20), "3 working days"),
        (date(2026, 11, 22), "3 working days"),
        (date(2026, 11, 24), "1 working day"),
        (date(2026, 11, 25), "Today by 18:00"),
        (date(2026, 11, 26), "Late"),
    ],
)
def test_time_left_is_said_in_words(appeal: Appeal, day: date, words: str) -> None:
    today(day)
    with translation.override("en"):
        assert words in time_left(appeal)
        assert ("red" in time_left(appeal)) == (words == "Late")


def test_the_queue_begins_with_the_least_time_left(appeal: Appeal) -> None:
    later = appeal_create(frozen_line("bob"), as_of=date(2026, 11, 23), **appeal_files(11, 12, 13))
    client = staff("credit_officer")
    rows = client.get(reverse("admin:risk_appeal_changelist")).context["cl"].result_list
    assert [row.pk for row in rows] == [appeal.pk, later.pk]
    act(client, appeal, "refuse")
    rows = client.get(reverse("admin:risk_appeal_changelist")).context["cl"].result_list
    assert [row.pk for row in rows] == [later.pk, appeal.pk]
    assert [row.pk for row in client.get("/admin/risk/appeal/?open=yes").context["cl"].result_list] == [later.pk]
    assert list(client.get("/admin/risk/appeal/?open=late").context["cl"].result_list) == []


def test_the_home_page_counts_what_waits_and_what_is_late(appeal: Appeal) -> None:
    client = staff("supervisor")
    appeals_close_day(day=date(2026, 11, 24), at=AT)
    today(date(2026, 11, 26))
    waiting = {item["url"]: item for item in client.get("/admin/").context["waiting"]}
    assert waiting["/admin/risk/appeal/?open=yes"]["count"] == 1
    late = waiting["/admin/risk/appeal/?open=late"]
    assert (late["count"], late["urgent"]) == (1, True)


# --- Acts --------------------------------------------------------------------------------------------------------


def test_an_officer_takes_over_and_grants_with_a_reason(appeal: Appeal) -> None:
    client = staff("credit_officer")
    client.post(f"/admin/risk/appeal/{appeal.pk}/take/", {"_form_submitted": "on"})
    assert str(Appeal.objects.get().handler.username) == "credit_officer"
    act(client, appeal, "grant", reason="")
    assert Appeal.objects.get().state == "submitted"
    assert act(client, appeal, "grant").status_code == 302
    assert (Appeal.objects.get().state, CreditLine.objects.get().state) == ("granted", "active")


def test_without_the_permission_nothing_is_done(appeal: Appeal) -> None:
    for role in ("auditor", "collector"):
        assert act(staff(role), appeal, "grant").status_code == 403
    assert Appeal.objects.get().state == "submitted"


def test_an_escalated_appeal_is_decided_by_the_supervisor_alone(appeal: Appeal) -> None:
    appeals_close_day(day=date(2026, 11, 24), at=AT)
    Appeal.objects.update(frozen_reason="overdue")
    appeals_close_day(day=date(2026, 11, 25), at=datetime(2026, 11, 26, tzinfo=SHANGHAI))
    officer = staff("credit_officer")
    act(officer, appeal, "grant")
    assert Appeal.objects.get().state == "escalated"
    page = reverse("admin:risk_appeal_change", args=[appeal.pk])
    assert f"/admin/risk/appeal/{appeal.pk}/grant/" not in officer.get(page).content.decode()
    act(staff("supervisor"), appeal, "refuse", reason="pay first")
    assert (Appeal.objects.get().state, Appeal.objects.get().answer) == ("refused", "pay first")


def test_a_proof_is_accepted_or_rejected_with_a_reason(proof: AssetProof) -> None:
    before = CreditLine.objects.get().limit_amount
    assert act(staff("auditor"), proof, "accept").status_code == 403
    act(staff("credit_officer"), proof, "accept")
    row = AssetProof.objects.get()
    assert (row.state, row.answer) == ("accepted", "looked at it")
    assert CreditLine.objects.get().limit_amount == before + row.raised_amount > before
    act(staff("credit_officer"), proof, "reject")
    assert AssetProof.objects.get().state == "accepted"


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_pages_open_in_both_languages(appeal: Appeal, language: str) -> None:
    appeals_check(at=AT, as_of=AS_OF)
    client = staff("supervisor")
    line = approved_line("bob")
    proof = asset_proof_submit(
        line_id=line.pk, customer=line.customer, kind="vehicle", image=photo(5), actor=Actor.of(line.customer),
        as_of=AS_OF, at=AT,
    )  # fmt: skip
    for row in (appeal, proof):
        name = f"admin:risk_{row._meta.model_name}"
        for url in (reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])):
            assert client.get(url, headers={"accept-language": language}).status_code == 200
