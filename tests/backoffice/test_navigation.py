"""One entry of the side bar is marked, whichever page is open below it."""

import pytest
from django.test import Client

from weilidai.backoffice.navigation import current_link
from weilidai.backoffice.theme import NAVIGATION

APPLICATIONS = "/admin/risk/creditapplication/"
LINKS = tuple(str(item["link"]) for group in NAVIGATION for item in group["items"])


@pytest.mark.parametrize(
    ("path", "query", "link"),
    [
        ("/admin/", "", "/admin/"),
        ("/admin/risk/creditapplication/", "", "/admin/risk/creditapplication/"),
        ("/admin/risk/creditapplication/", "q=x&state__exact=referred", f"{APPLICATIONS}?state__exact=referred"),
        ("/admin/risk/creditapplication/", "state__exact=declined", "/admin/risk/creditapplication/"),
        ("/admin/loans/voucher/", "state__exact=accepted", "/admin/loans/voucher/?state__exact=submitted"),
        ("/admin/loans/accountingperiod/trial-balance/", "", "/admin/loans/accountingperiod/trial-balance/"),
        ("/admin/loans/accountingperiod/7/change/", "", "/admin/loans/accountingperiod/"),
        ("/admin/loans/collectiontask/dashboard/", "days=30", "/admin/loans/collectiontask/dashboard/"),
        ("/admin/second-factor/", "", None),
    ],
)  # fmt: skip
def test_the_entry_of_a_page_is_the_nearest_one(path: str, query: str, link: str | None):
    assert current_link(LINKS, path, query) == link


@pytest.mark.django_db
def test_a_page_marks_one_entry(admin_client: Client):
    answer = admin_client.get("/admin/loans/accountingperiod/trial-balance/")
    groups = answer.context["sidebar_navigation"]
    marked = [str(item["link"]) for group in groups for item in group["items"] if item["active"]]
    assert marked == ["/admin/loans/accountingperiod/trial-balance/"]
