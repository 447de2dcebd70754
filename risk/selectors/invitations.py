from datetime import date

from accounts.models import Customer
from risk.models import Invitation, InvitationState, Product


def invitation_live(openid: str, product: Product | str, as_of: date) -> Invitation | None:
    """The invitation an application can be started with (R1)."""
    code = product if isinstance(product, str) else product.pk
    return Invitation.objects.filter(
        openid=openid, product_id=code, state=InvitationState.ISSUED, expires_date__gte=as_of
    ).first()


def invitation_lapsed(customer: Customer, product: Product | str, as_of: date) -> bool:
    """Was there one whose last day has passed, used by nobody?"""
    code = product if isinstance(product, str) else product.pk
    newest = Invitation.objects.filter(openid=customer.openid, product_id=code).order_by("-id").first()
    if newest is None:
        return False
    overdue = newest.state == InvitationState.ISSUED and newest.expires_date < as_of
    return overdue or newest.state == InvitationState.EXPIRED
