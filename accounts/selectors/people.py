"""What belongs to one customer; somebody else's row is told like one that does not exist."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import BankCard, Consent, Customer, Device, Notification
from weilidai.lib.errors import ObjectNotFound


def bank_cards(customer: Customer) -> QuerySet[BankCard]:
    """The cards in use."""
    return BankCard.objects.filter(customer=customer, removed_at__isnull=True)


def consents(customer: Customer) -> QuerySet[Consent]:
    """Live and withdrawn ones."""
    return Consent.objects.filter(customer=customer)


def devices(customer: Customer) -> QuerySet[Device]:
    return Device.objects.filter(customer=customer).order_by("-id")


def device(customer: Customer, device_id: UUID) -> Device:
    """Raises ObjectNotFound."""
    row = Device.objects.filter(pk=device_id, customer=customer).select_related("customer").first()
    if row is None:
        raise ObjectNotFound
    return row


def notifications(customer: Customer) -> QuerySet[Notification]:
    return Notification.objects.filter(customer=customer)


def notification(customer: Customer, notification_id: UUID) -> Notification:
    """Raises ObjectNotFound."""
    row = Notification.objects.filter(pk=notification_id, customer=customer).first()
    if row is None:
        raise ObjectNotFound
    return row
