"""Which entry of the side bar the page belongs to: one, also where one address begins like another's."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.http import HttpRequest
from django.urls import reverse

# Of the entries of one list, whose filter is the request's counts before the one without any.
FITS, WHOLE, OTHER = 2, 1, 0


def current_link(links: tuple[str, ...], path: str, query: str) -> str | None:
    """The link whose path is the longest that the page's begins with; None where it begins with none."""
    home, asked = reverse("admin:index"), set(parse_qsl(query))

    def closeness(link: str) -> tuple[int, int]:
        parts = urlsplit(link)
        if not path.startswith(parts.path) or (parts.path == home and path != home):
            return 0, OTHER
        filters = set(parse_qsl(parts.query))
        return len(parts.path), (FITS if filters <= asked else OTHER) if filters else WHOLE

    best = max(links, key=closeness)
    return best if closeness(best)[0] else None


def navigation(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The groups, each entry with the `active` that the theme asks for a request."""
    entries = [item for group in groups for item in group["items"]]

    # The theme asks for every entry of one page.
    @lru_cache(maxsize=1)
    def current(path: str, query: str) -> str | None:
        return current_link(tuple(str(item["link"]) for item in entries), path, query)

    def is_current(item: dict[str, Any]) -> Callable[[HttpRequest], bool]:
        return lambda request: str(item["link"]) == current(request.path, request.META.get("QUERY_STRING", ""))

    for item in entries:
        item["active"] = is_current(item)
    return groups
