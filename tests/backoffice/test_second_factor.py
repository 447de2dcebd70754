"""A lost second factor is taken off by two people, never by one (ASVS: recovery is no weaker than the factor)."""

import base64
import re
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client, override_settings
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.errors import SecondFactorMissing
from accounts.models import ChangeRequest, StaffUser
from accounts.roles import roles_sync
from accounts.services.change_request import change_approve
from accounts.services.second_factor import second_factor_reset_ask
from tests.backoffice.test_evidence import staff
from weilidai.lib.business_date import current_business_date
from weilidai.lib.errors import FourEyesRequired, ReasonRequired
from weilidai.lib.models import AuditEvent

pytestmark = pytest.mark.django_db
SENT = {"_form_submitted": "on"}


@pytest.fixture
def carol() -> StaffUser:
    roles_sync()
    user = StaffUser.objects.create_user("carol", password=None, is_staff=True)
    TOTPDevice.objects.create(user=user, name="phone", confirmed=True)
    StaticDevice.objects.create(user=user, name="paper", confirmed=True)
    return user


def ask(carol: StaffUser, role: str = "administrator", reason: str = "phone lost") -> Any:
    return staff(role).post(f"/admin/accounts/staffuser/{carol.pk}/reset_second_factor/", {**SENT, "reason": reason})


def approve(role: str) -> Any:
    return staff(role).post(f"/admin/accounts/changerequest/{ChangeRequest.objects.get().pk}/approve/", SENT)


def devices(carol: StaffUser) -> int:
    return TOTPDevice.objects.filter(user=carol).count() + StaticDevice.objects.filter(user=carol).count()


def test_it_takes_a_second_person(carol: StaffUser) -> None:
    assert ask(carol).status_code == 302
    assert (ChangeRequest.objects.get().state, devices(carol)) == ("pending", 2)
    approve("administrator")
    assert (ChangeRequest.objects.get().state, devices(carol)) == ("pending", 2)
    approve("supervisor")
    assert (ChangeRequest.objects.get().state, devices(carol)) == ("approved", 0)
    trail = AuditEvent.objects.get(action="staff.second_factor_reset", subject_id=str(carol.pk))
    assert (trail.reason, trail.actor_name) == ("phone lost", ChangeRequest.objects.get().decided_by.username)


@pytest.mark.parametrize("role", ["supervisor", "auditor", "credit_officer"])
def test_only_who_may_change_staff_asks(carol: StaffUser, role: str) -> None:
    assert ask(carol, role).status_code in (302, 403)
    assert not ChangeRequest.objects.exists()


def test_nobody_approves_taking_off_their_own(carol: StaffUser) -> None:
    edge: dict[str, Any] = {"as_of": current_business_date(), "at": timezone.now()}
    asker = StaffUser.objects.create(username="dave")
    request = second_factor_reset_ask(subject=carol, reason="phone lost", user=asker, **edge)
    for user in (carol, asker):
        with pytest.raises(FourEyesRequired):
            change_approve(request_id=request.pk, user=user, **edge)
    assert devices(carol) == 2


def test_without_a_factor_or_a_reason_there_is_nothing_to_ask(carol: StaffUser) -> None:
    edge: dict[str, Any] = {"user": StaffUser.objects.create(username="dave"), "as_of": current_business_date(),
                            "at": timezone.now()}  # fmt: skip
    with pytest.raises(ReasonRequired):
        second_factor_reset_ask(subject=carol, reason=" ", **edge)
    TOTPDevice.objects.update(confirmed=False)
    StaticDevice.objects.all().delete()
    with pytest.raises(SecondFactorMissing):
        second_factor_reset_ask(subject=carol, reason="phone lost", **edge)
    told = [str(message) for message in get_messages(ask(carol).wsgi_request)]
    assert any("no second factor" in text or "没有" in text for text in told)


@override_settings(STAFF_SECOND_FACTOR=True)
def test_an_open_session_sees_only_the_enrolment_afterwards(carol: StaffUser) -> None:
    client = Client()
    client.force_login(carol)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = TOTPDevice.objects.get(user=carol).persistent_id
    session.save()
    assert client.get("/admin/").status_code == 200
    edge: dict[str, Any] = {"as_of": current_business_date(), "at": timezone.now()}
    people = [StaffUser.objects.create(username=name, is_superuser=True) for name in ("dave", "erin")]
    request = second_factor_reset_ask(subject=carol, reason="phone lost", user=people[0], **edge)
    change_approve(request_id=request.pk, user=people[1], **edge)
    assert client.get("/admin/").headers["Location"] == "/admin/second-factor/"


@override_settings(STAFF_SECOND_FACTOR=True)
def test_what_cannot_be_scanned_can_be_typed(carol: StaffUser) -> None:
    TOTPDevice.objects.all().delete()
    client = Client()
    client.force_login(carol)
    page = client.get("/admin/second-factor/").content.decode()
    device = TOTPDevice.objects.get(user=carol, confirmed=False)
    shown = re.search(r"<code[^>]*>([A-Z2-7 ]+)</code>", page)
    assert shown is not None
    assert base64.b32decode(shown[1].replace(" ", "")) == device.bin_key


@override_settings(STAFF_SECOND_FACTOR=True)
def test_a_session_from_before_the_enrolment_signs_in_again(carol: StaffUser) -> None:
    client = Client()
    client.force_login(carol)
    answer = client.get("/admin/second-factor/", follow=True)
    assert answer.redirect_chain == [("/admin/login/", 302)]
    assert not answer.wsgi_request.user.is_authenticated
