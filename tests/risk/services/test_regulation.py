"""R54: a figure of the law is proposed by one person and holds from its day once another approved."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from accounts.errors import ChangePending
from accounts.models import ChangeRequest
from accounts.services.change_request import change_approve
from risk.models import RegulationParameter
from risk.selectors.policy import regulation
from risk.services.regulation import regulation_propose
from tests.risk.builders import AS_OF, AT, staff_create
from weilidai.lib.errors import FieldInvalid, FourEyesRequired
from weilidai.lib.models import AuditEvent

EDGE = {"as_of": AS_OF, "at": AT}
D = Decimal

pytestmark = pytest.mark.usefixtures("policies")


def proposed(
    user: Any, value: str = "0.20", day: date = date(2026, 12, 1), name: str = "cost_cap_rate"
) -> ChangeRequest:
    return regulation_propose(
        name=name, value=D(value), valid_from=day, source="notice 7", reason="new cap", user=user, **EDGE
    )


@pytest.mark.req("R54")
def test_a_figure_holds_from_its_day_once_a_second_person_approved() -> None:
    carol, dave = staff_create("carol"), staff_create("dave")
    request = proposed(carol)
    assert not RegulationParameter.objects.filter(valid_from=date(2026, 12, 1)).exists()
    assert (request.before, request.after["value"]) == ({"value": "0.240000"}, "0.20")
    with pytest.raises(FourEyesRequired):
        change_approve(request_id=request.pk, user=carol, **EDGE)
    change_approve(request_id=request.pk, user=dave, **EDGE)
    assert regulation("cost_cap_rate", date(2026, 11, 30)) == D("0.24")
    assert regulation("cost_cap_rate", date(2026, 12, 1)) == D("0.20")
    assert AuditEvent.objects.filter(action="regulation.activate").count() == 1


@pytest.mark.req("R54")
def test_what_is_refused() -> None:
    carol = staff_create("carol")
    for value, day in (("0.20", date(2026, 11, 19)), ("0", date(2026, 12, 1)), ("-1", date(2026, 12, 1))):
        with pytest.raises(FieldInvalid):
            proposed(carol, value, day)
    assert proposed(carol, "0.20", AS_OF).state == "pending"
    with pytest.raises(ChangePending):
        proposed(carol, "0.22", AS_OF)


@pytest.mark.req("R54")
def test_an_approval_after_the_first_day_is_too_late() -> None:
    request = proposed(staff_create("carol"), day=AS_OF)
    with pytest.raises(FieldInvalid):
        change_approve(request_id=request.pk, user=staff_create("dave"), as_of=date(2026, 11, 21), at=AT)
    assert ChangeRequest.objects.get().state == "pending"
    assert regulation("cost_cap_rate", date(2026, 11, 21)) == D("0.24")


CLASSES_IN_ORDER = [
    ("substandard_days", "2", True), ("substandard_days", "1", False), ("substandard_days", "270", True),
    ("substandard_days", "271", False), ("special_mention_days", "91", False), ("loss_days", "271", False),
    ("loss_days", "272", True),
]  # fmt: skip
SHARES_AND_WHOLE_DAYS = [
    ("cost_cap_rate", "1", True), ("cost_cap_rate", "1.000001", False), ("cost_cap_rate", "24", False),
    ("npl_ratio_alert", "1.2", False), ("single_payment_days", "0.5", False), ("single_payment_days", "1", True),
    ("substandard_days", "90.5", False), ("rearranged_watch_days", "365.5", False),
    ("household_credit_amount", "200000.50", True),
]  # fmt: skip


@pytest.mark.req("R54")
@pytest.mark.parametrize(("name", "value", "is_taken"), [*CLASSES_IN_ORDER, *SHARES_AND_WHOLE_DAYS])
def test_classes_keep_their_order_shares_are_no_per_cent_and_days_are_whole(
    name: str, value: str, is_taken: bool
) -> None:
    carol = staff_create("carol")
    if is_taken:
        assert proposed(carol, value, name=name).after["value"] == value
    else:
        with pytest.raises(FieldInvalid):
            proposed(carol, value, name=name)


@pytest.mark.req("R54")
def test_a_class_keeps_its_order_also_with_figures_that_come_later() -> None:
    carol = staff_create("carol")
    RegulationParameter.objects.create(name="doubtful_days", value=181, valid_from=date(2027, 1, 1))
    with pytest.raises(FieldInvalid):
        proposed(carol, "181", name="substandard_days")
    assert proposed(carol, "180", name="substandard_days").after["value"] == "180"
