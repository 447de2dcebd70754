"""R33–R37: the pipeline run at real events, kept, with its effects; what a refusal leaves stays."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from accounts.services.login import customer_login
from loans.models import Loan
from risk.errors import CreditLineFrozen
from risk.models import Alert, CreditLine, LoginRecord, Screening, ScreeningHit
from risk.services.acts import act_count
from risk.services.screening import screening_replay
from tests.loans.builders import NOW, TODAY, Borrower, borrower, policy
from tests.risk.builders import payment_create

SHENZHEN, URUMQI = "198.51.100.7", "198.51.100.170"


@pytest.fixture
def alice() -> Borrower:
    policy()
    return borrower("alice")


def login(ip: str) -> None:
    customer_login(wechat_code="sandbox:alice", at=NOW, ip=ip, as_of=TODAY)


@pytest.mark.req("R36")
@pytest.mark.django_db
def test_a_login_from_elsewhere_freezes_and_still_lets_the_customer_in(alice: Borrower) -> None:
    login(SHENZHEN)
    assert CreditLine.objects.get().state == "active"
    login(URUMQI)
    line = CreditLine.objects.get()
    assert (line.state, line.frozen_reason) == ("frozen", "unusual_place")
    assert LoginRecord.objects.count() == 2
    assert Alert.objects.get().rule == "unusual_place"


@pytest.mark.req("R36")
@pytest.mark.django_db
def test_a_loan_from_elsewhere_is_refused_and_the_freeze_stays(alice: Borrower) -> None:
    login(SHENZHEN)
    with pytest.raises(CreditLineFrozen) as refused:
        alice.draw(ip=URUMQI)
    assert refused.value.keeps_work
    assert CreditLine.objects.get().state == "frozen"
    assert not Loan.objects.exists()


@pytest.mark.req("R34")
@pytest.mark.django_db
@pytest.mark.parametrize(("amount", "alerts"), [("5000.00", 0), ("5000.01", 1)])
def test_a_large_transfer_is_told_once_and_stops_nothing(alice: Borrower, amount: str, alerts: int) -> None:
    payment_create(alice.customer, "t1", "transfer_out", amount, TODAY)
    for _again in range(2):
        alice.draw("100.00")
    assert Alert.objects.filter(rule="single_transfer").count() == alerts
    assert ScreeningHit.objects.filter(condition="single_transfer").count() == 2 * alerts
    assert Loan.objects.count() == 2


@pytest.mark.req("R33", "R21")
@pytest.mark.django_db
def test_a_run_is_kept_whole_and_replays_bit_for_bit(alice: Borrower) -> None:
    alice.draw()
    kept = Screening.objects.get(event="loan")
    assert (kept.verdict, kept.policy.version) == ("pass", 1)
    assert screening_replay(Screening.objects.get(pk=kept.pk))


@pytest.mark.req("R37")
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_twenty_parallel_acts_each_sees_another_number() -> None:
    policy()
    customer = borrower("alice").customer

    def act(number: int) -> int:
        try:
            return len(act_count(customer=customer, act="loan", at=NOW))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(act, range(20))) == list(range(1, 21))
