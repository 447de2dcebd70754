"""Vouchers in the back office: the queue, the picture with a trace, acts with a reason (R52)."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import ChangeRequest, StaffUser
from accounts.roles import roles_sync
from loans.models import ForbiddenUse, Voucher, VoucherDemand
from tests.loans.builders import Borrower
from tests.loans.vouchers import asked_loan, submit
from weilidai.lib.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.req("R52")]
QUEUE = "/admin/loans/voucher/?state__exact=submitted"


def staff(role: str) -> Client:
    roles_sync()
    user, _ = StaffUser.objects.get_or_create(username=role, defaults={"is_staff": True})
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def voucher(alice: Borrower) -> Voucher:
    return submit(alice, asked_loan(alice), note="desk and chairs")


def act(client: Client, path: str, **form: Any) -> Any:
    return client.post(f"/admin/loans/{path}/", {"reason": "looked at it", "_form_submitted": "on", **form})


def page(voucher: Voucher) -> str:
    return reverse("admin:loans_voucher_change", args=[voucher.pk])


def test_the_next_one_is_taken_seen_and_accepted(voucher: Voucher) -> None:
    officer = staff("credit_officer")
    waiting = {item["url"]: item["count"] for item in officer.get("/admin/").context["waiting"]}
    assert waiting[QUEUE] == 1
    answer = officer.post("/admin/loans/voucher/review-next/", {"_form_submitted": "on"})
    assert answer["Location"] == page(voucher)
    assert Voucher.objects.get().claimed_by.username == "credit_officer"
    shown = officer.get(page(voucher)).content.decode()
    assert "宜家家居" in shown
    assert "desk and chairs" in shown
    assert officer.get(reverse("stored-image", args=[voucher.image_id])).status_code == 200
    assert AuditEvent.objects.filter(action="stored_image.view", actor_name="credit_officer").count() == 1
    act(officer, f"voucher/{voucher.pk}/accept", reason="")
    assert Voucher.objects.get().state == "submitted"
    act(officer, f"voucher/{voucher.pk}/accept")
    assert (Voucher.objects.get().state, VoucherDemand.objects.get().state) == ("accepted", "fulfilled")
    answer = officer.post("/admin/loans/voucher/review-next/", {"_form_submitted": "on"})
    assert answer["Location"] == QUEUE


def test_a_forbidden_use_is_found_and_lifted_by_two(voucher: Voucher) -> None:
    officer = staff("credit_officer")
    act(officer, f"voucher/{voucher.pk}/forbid", use="")
    assert Voucher.objects.get().state == "submitted"
    act(officer, f"voucher/{voucher.pk}/forbid", use="gambling")
    misuse = ForbiddenUse.objects.get()
    act(officer, f"forbiddenuse/{misuse.pk}/lift", reason="it was a lottery of a charity")
    ask = ChangeRequest.objects.get()
    shown = officer.get(reverse("admin:loans_forbiddenuse_change", args=[misuse.pk])).content.decode()
    assert "lottery of a charity" in shown
    analyst = staff("risk_analyst")
    approve = f"/admin/accounts/changerequest/{ask.pk}/approve/"
    assert analyst.post(approve, {"_form_submitted": "on"}).status_code == 403
    staff("supervisor").post(approve, {"_form_submitted": "on"})
    assert ForbiddenUse.objects.get().state == "lifted"


def test_without_the_permission_nothing_is_done_or_seen(voucher: Voucher) -> None:
    auditor, collector = staff("auditor"), staff("collector")
    for name in ("accept", "reject", "forbid"):
        assert act(auditor, f"voucher/{voucher.pk}/{name}", use="gambling").status_code == 403
    assert auditor.post("/admin/loans/voucher/review-next/", {"_form_submitted": "on"}).status_code == 403
    assert auditor.get(page(voucher)).status_code == 200
    assert collector.get(page(voucher)).status_code == 403
    assert Voucher.objects.get().state == "submitted"


def test_a_reviewer_is_warned(alice: Borrower, voucher: Voucher) -> None:
    again = submit(alice, voucher.loan, amount="6000.01", spent_date=voucher.spent_date.replace(day=1))
    doubts = staff("credit_officer").get(page(again)).context["doubts"]
    assert (doubts.same_picture, doubts.is_before_loan, doubts.is_above_loan) == ([voucher], True, True)
    act(staff("credit_officer"), f"voucher/{again.pk}/reject", reason="the same picture")
    assert Voucher.objects.get(pk=again.pk).answer == "the same picture"


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_pages_open_in_both_languages(voucher: Voucher, language: str) -> None:
    client = staff("supervisor")
    demand = VoucherDemand.objects.get()
    for row in (voucher, demand):
        name = f"admin:loans_{row._meta.model_name}"
        for url in (reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])):
            assert client.get(url, headers={"accept-language": language}).status_code == 200
