"""Collectors, and customers who are late, for tests of collections."""

from datetime import timedelta

from accounts.models import StaffUser
from accounts.roles import roles_sync
from accounts.services.contact import contact_rules_preset
from loans.models import CollectionTask
from tests.loans.builders import NOW, Borrower
from tests.loans.life import active_loan, close_through, day
from tests.loans.strategies import call, strategy

# A number of the customer's own, and 10:00 in Shanghai on the fifth day.
PHONE = "13800000000"
MORNING = NOW + timedelta(days=5)
TODAY_OF_CALLS = day(5)


def collector(name: str = "collector", role: str = "collector") -> StaffUser:
    from django.contrib.auth.models import Group

    roles_sync()
    user = StaffUser.objects.create_user(name, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return StaffUser.objects.get(pk=user.pk)


def late_customer(who: Borrower, amount: str = "1000.00") -> CollectionTask:
    """Two days late on the open day 5, with a task in the queue."""
    contact_rules_preset()
    strategy(first=[call(0)])
    active_loan(who, amount, days=2)
    close_through(day(4))
    return CollectionTask.objects.get(customer=who.customer)
