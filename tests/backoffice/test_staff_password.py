"""Nobody sets another person's password; a lost one is replaced by a temporary one that two people gave."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from accounts.models import ChangeRequest, StaffUser
from accounts.roles import roles_sync
from accounts.services.staff_password import TEMPORARY_HOURS, is_over
from tests.backoffice.test_evidence import staff
from weilidai.lib.models import AuditEvent

pytestmark = pytest.mark.django_db
SENT = {"_form_submitted": "on"}
OWN = "correct horse battery staple"
NEXT = "seven violet lanterns at noon"


@pytest.fixture
def carol() -> StaffUser:
    roles_sync()
    return StaffUser.objects.create_user("carol", password=OWN, is_staff=True)


def ask(carol: StaffUser, role: str = "administrator", reason: str = "forgotten") -> int:
    url = f"/admin/accounts/staffuser/{carol.pk}/reset_password/"
    return staff(role).post(url, {**SENT, "reason": reason}).status_code


def approve(role: str) -> Any:
    request = ChangeRequest.objects.get()
    return staff(role).post(f"/admin/accounts/changerequest/{request.pk}/approve/", SENT)


def signed_in(password: str, follow: bool = True) -> tuple[Client, Any]:
    client = Client()
    return client, client.post("/admin/login/", {"username": "carol", "password": password}, follow=follow)


def temporary(carol: StaffUser) -> str:
    assert ask(carol) == 302
    told = [str(message) for message in get_messages(approve("supervisor").wsgi_request)]
    found = re.search(r"[:：]\s*(\S{16})$", next(text for text in told if "carol" in text))
    assert found is not None
    return found[1]


def choose(client: Client, old: str, new: str) -> Any:
    form = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post("/admin/password_change/", form)


def test_an_administrator_cannot_set_another_persons_password(carol: StaffUser) -> None:
    admin = staff("administrator")
    for method in (admin.get, admin.post):
        assert method(f"/admin/accounts/staffuser/{carol.pk}/password/").status_code == 403
    page = admin.get(f"/admin/accounts/staffuser/{carol.pk}/change/")
    assert page.status_code == 200
    assert "/password/" not in page.content.decode()
    form = {"username": "carol", "display_name": "", "email": "", "is_active": "on", "password": "x", "password1": NEXT}
    assert admin.post(f"/admin/accounts/staffuser/{carol.pk}/change/", form).status_code == 302
    carol.refresh_from_db()
    assert carol.check_password(OWN)


def test_a_temporary_password_needs_a_second_person_and_is_told_once(carol: StaffUser) -> None:
    assert ask(carol) == 302
    approve("administrator")
    assert ChangeRequest.objects.get().state == "pending"
    carol.refresh_from_db()
    assert carol.check_password(OWN)
    assert ask(carol, role="auditor") in (302, 403)
    answer = approve("supervisor")
    told = [str(message) for message in get_messages(answer.wsgi_request)]
    carol.refresh_from_db()
    assert not carol.check_password(OWN)
    assert any("carol" in text for text in told)
    password = next(text for text in told if "carol" in text)[-16:]
    assert carol.check_password(password)
    assert password not in str(list(AuditEvent.objects.values_list("before", "after", "reason")))
    assert AuditEvent.objects.filter(action="staff.password_reset", subject_id=str(carol.pk)).count() == 1


def test_the_owner_sees_nothing_until_another_password_is_chosen(carol: StaffUser) -> None:
    password = temporary(carol)
    client, answer = signed_in(password)
    assert answer.request["PATH_INFO"] == "/admin/password_change/"
    assert client.get("/admin/accounts/staffuser/").headers["Location"] == "/admin/password_change/"
    choose(client, password, password)
    assert client.get("/admin/").status_code == 302
    assert choose(client, password, NEXT).status_code == 302
    assert client.get("/admin/").status_code == 200
    carol.refresh_from_db()
    assert (carol.must_change_password, carol.temporary_until) == (False, None)
    assert AuditEvent.objects.filter(action="staff.password_chosen", subject_id=str(carol.pk)).count() == 1


def test_a_session_of_the_old_password_is_over(carol: StaffUser) -> None:
    client, _answer = signed_in(OWN)
    assert client.get("/admin/").status_code == 200
    temporary(carol)
    assert client.get("/admin/").headers["Location"].startswith("/admin/login/")


def test_a_temporary_password_ends_by_itself(carol: StaffUser) -> None:
    password = temporary(carol)
    carol.refresh_from_db()
    assert carol.temporary_until is not None
    assert not is_over(carol, carol.temporary_until - timedelta(seconds=1))
    assert is_over(carol, carol.temporary_until)
    StaffUser.objects.filter(pk=carol.pk).update(temporary_until=timezone.now() - timedelta(seconds=1))
    client, answer = signed_in(password)
    assert answer.status_code == 200
    assert client.get("/admin/").status_code == 302
    assert TEMPORARY_HOURS == 24


def test_a_new_persons_first_password_is_temporary(carol: StaffUser) -> None:
    form = {"username": "nora", "password1": NEXT, "password2": NEXT, "usable_password": "true"}
    assert staff("administrator").post("/admin/accounts/staffuser/add/", form).status_code == 302
    nora = StaffUser.objects.get(username="nora")
    assert nora.must_change_password
    assert not is_over(nora, timezone.now())
