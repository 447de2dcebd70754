from ipaddress import ip_address

from django.core.cache import cache

from accounts.errors import ProviderUnavailable
from accounts.providers.http.client import bearer, call

KEPT_SECONDS = 24 * 60 * 60
# While the institution is silent it is not asked again at every request.
SILENT_SECONDS = 60


class Provider:
    """`GET {url}/addresses/{ip}` → `{city}`. Answers are kept for a day; a silent institution means: not known."""

    def city_of(self, ip: str) -> str:
        if not ip_address(ip).is_global:
            return ""
        key = f"geo:{ip}"
        kept: str | None = cache.get(key)
        if kept is not None:
            return kept
        if cache.get("geo:silent"):
            return ""
        try:
            city = str(call("geo", "GET", f"/addresses/{ip}", headers=bearer("geo")).get("city") or "")[:80]
        except ProviderUnavailable:
            # Logged by the client. The place is unknown, which never freezes anybody.
            cache.set("geo:silent", True, SILENT_SECONDS)
            return ""
        cache.set(key, city, KEPT_SECONDS)
        return city
