"""Customers log in through WeChat and out again; a token is revoked the moment its row is gone."""

from datetime import date, datetime

from django.db import transaction

from accounts.checks import LOGIN, Act, act_check
from accounts.models import Customer, CustomerToken, Device, ErasedOpenid
from accounts.models.erased import erased_hash
from accounts.providers import provider
from weilidai.lib.audit import Actor, audit_record
from weilidai.lib.business_date import SHANGHAI


def customer_login(
    *,
    wechat_code: str,
    at: datetime,
    ip: str | None,
    as_of: date | None = None,
    fingerprint: str = "",
    user_agent: str = "",
) -> tuple[CustomerToken, str]:
    """The token row and the token itself, shown once. Creates the customer at first sight.

    `as_of` is the day of `at` where it is not told. Raises WechatCodeRefused, ProviderUnavailable, and what a
    registered check refuses with, after what it wrote is committed.
    """
    openid = provider("wechat").openid_of(wechat_code)
    with transaction.atomic():
        customer, is_new = Customer.objects.get_or_create(openid=openid)
        if is_new:
            # Who was erased and signs in anew wants to be known again.
            ErasedOpenid.objects.filter(openid_hash=erased_hash(openid)).delete()
        act = Act(
            event=LOGIN, customer=customer, fingerprint=fingerprint, user_agent=user_agent, ip=ip,
            as_of=as_of or at.astimezone(SHANGHAI).date(), at=at,
            device=Device.objects.filter(customer=customer, fingerprint=fingerprint).first() if fingerprint else None,
        )  # fmt: skip
        refusal = act_check(act)
        if refusal is None:
            CustomerToken.objects.filter(user=customer, expiry__lte=at).delete()
            row, token = CustomerToken.objects.create(user=customer)
        action = "customer.login" if refusal is None else "customer.login_refused"
        audit_record(action=action, actor=Actor.of(customer), subject=customer, at=at, ip=ip)
    if refusal is not None:
        raise refusal
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
