"""The bank that pays loans out: one interface, chosen by settings."""

from django.conf import settings

from loans.gateway.interface import PayoutGateway


def payout_gateway() -> PayoutGateway:
    """The bank of these settings; the sandbox is imported only where settings ask for it."""
    provider = settings.PROVIDERS["payout"]
    if provider["kind"] == "sandbox":
        from loans.gateway.sandbox import SandboxBank

        return SandboxBank()
    from loans.gateway.http import HttpBank

    return HttpBank(
        url=provider["url"],
        key_id=provider["key_id"],
        secret=provider["secret"],
        timeout_seconds=provider["timeout_seconds"],
    )
