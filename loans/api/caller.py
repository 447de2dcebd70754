"""Who calls, by the type the authentication class of the view promises."""

from typing import cast

from rest_framework.request import Request

from accounts.models import Customer
from weilidai.lib.signing import Machine


def customer_of(request: Request) -> Customer:
    """The signed-in customer of a view behind `CustomerAuthentication`."""
    return cast(Customer, request.user)


def machine_of(request: Request) -> Machine:
    """The signing machine of a view behind `MachineAuthentication`."""
    return cast(Machine, request.user)
