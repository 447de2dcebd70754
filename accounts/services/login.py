"""Customers log in through WeChat and out again; a token is revoked the moment its row is gone."""

from datetime import datetime

from django.db import transaction

from accounts.models import Customer, CustomerToken
from accounts.providers import provider
from weilidai.lib.audit import Actor, audit_record


def customer_login(*, wechat_code: str, at: datetime, ip: str | None) -> tuple[CustomerToken, str]:
    """The token row and the token itself, shown once. Creates the customer at first sight.

    Raises WechatCodeRefused, ProviderUnavailable.
    """
    openid = provider("wechat").openid_of(wechat_code)
    with transaction.atomic():
        customer, _ = Customer.objects.get_or_create(openid=openid)
        CustomerToken.objects.filter(user=customer, expiry__lte=at).delete()
        row, token = CustomerToken.objects.create(user=customer)
        audit_record(action="customer.login", actor=Actor.of(customer), subject=customer, at=at, ip=ip)
    return row, token


@transaction.atomic
def customer_logout(*, token: CustomerToken, at: datetime) -> None:
    """Revokes this token."""
    customer = token.user
    token.delete()
    audit_record(action="customer.logout", actor=Actor.of(customer), subject=customer, at=at)


@transaction.atomic
def customer_logout_all(*, customer: Customer, at: datetime) -> None:
    """Revokes every token of the customer."""
    CustomerToken.objects.filter(user=customer).delete()
    audit_record(action="customer.logout_all", actor=Actor.of(customer), subject=customer, at=at)
