"""A risk analyst's morning in a real browser, on the whole platform: alerts, a referral, an appeal, a changed
threshold back-tested, approved by a second person and live.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.backoffice.morning import PASSWORD
from tests.risk.builders import AS_OF
from tests.support.stack import Stack, running_stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.worker, pytest.mark.req("R33", "R34", "R39")]
# Where pictures of each stop are kept, if anybody wants to look at them.
PICTURES = os.environ.get("MORNING_PICTURES", "")
LOCALE = os.environ.get("MORNING_LOCALE", "en-US")


@pytest.fixture(scope="module")
def platform(migrated_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("morning")
    with running_stack(directory, DATABASE_URL=migrated_database("morning"), DEMO="0") as stack:
        stack.manage("shell", "--no-imports", "-c", "from tests.backoffice.morning import seed; seed()")
        yield stack


def choose(field: Any, value: str) -> None:
    """By its value, else by what is read."""
    values = field.locator("option").evaluate_all("all => all.map(one => one.value)")
    if value in values:
        field.select_option(value=value)
    else:
        field.select_option(label=value)


class Desk:
    """One member of staff at a browser."""

    def __init__(self, browser: "Browser", stack: Stack, name: str) -> None:
        self.name, self.base = name, stack.base_url
        self.page: Page = browser.new_context(locale=LOCALE, viewport={"width": 1440, "height": 1000}).new_page()
        self.faults: list[str] = []
        self.page.on(
            "console", lambda said: self.faults.append(f"{said.text} {said.location}") if said.type == "error" else None
        )
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("response", lambda answer: self.faults.append(answer.url) if answer.status >= 400 else None)
        self.open("")
        self.page.fill("input[name=username]", name)
        self.page.fill("input[name=password]", PASSWORD)
        self.follow(self.page.locator("button[type=submit]").first)
        self.page.locator("#nav-sidebar, nav").first.wait_for()
        self.look("home")

    def open(self, path: str) -> None:
        self.page.goto(f"{self.base}/admin/{path}")

    def look(self, what: str) -> None:
        if PICTURES:
            self.page.screenshot(path=Path(PICTURES) / f"{what}.png", full_page=True)

    def act(self, button: str, **fields: str) -> None:
        """A button of the page, its dialog filled in and sent; afterwards the page tells what was done."""
        self.page.locator("a[hx-get]", has_text=button).first.click()
        dialog = self.page.locator("#dialog")
        dialog.wait_for()
        self.look(f"dialog-{button.replace(' ', '-').lower()}")
        for name, value in fields.items():
            field = dialog.locator(f"[name={name}]")
            if field.evaluate("one => one.tagName") == "SELECT":
                choose(field, value)
            else:
                field.fill(value)
        with self.page.expect_navigation():
            dialog.locator("button[type=submit]").click()

    def follow(self, what: "Locator") -> None:
        """Clicks what leads to another page, and waits until that page is there."""
        with self.page.expect_navigation():
            what.click()

    def text(self) -> str:
        return self.page.locator("body").inner_text()


@pytest.fixture(scope="module")
def ann(chromium: "Browser", platform: Stack) -> Desk:
    return Desk(chromium, platform, "ann")


def test_an_alert_is_taken_noted_and_closed(ann: Desk) -> None:
    ann.open("risk/alert/")
    ann.look("alerts")
    assert "alice" in ann.text() or "张" in ann.text()
    ann.follow(ann.page.locator("#result_list tbody tr a").first)
    ann.look("alert")
    ann.act("Take it myself")
    assert "The alert is yours." in ann.text()
    ann.act("Add note", text="Rang the customer: rent paid to the landlord.")
    assert "rent paid to the landlord" in ann.text()
    ann.act("Close the case", outcome="false_alarm", reason="Rent, known landlord.")
    ann.look("alert-closed")
    assert "The alert is closed." in ann.text()
    assert ann.faults == []


def test_a_referral_is_decided_from_the_queue(ann: Desk) -> None:
    ann.open("risk/creditapplication/?state__exact=referred")
    ann.look("referrals")
    ann.act("Take the next one")
    ann.look("referral")
    assert "High debts with other lenders" in ann.text()
    ann.page.fill("textarea[name=reason]", "Debts are a mortgage; income covers it.")
    ann.follow(ann.page.locator("button[name=do][value=approved]").first)
    ann.look("referral-decided")
    assert "The application is decided." in ann.text()
    assert "Nobody waits for a decision." in ann.text()
    assert ann.faults == []


def test_an_appeal_is_looked_at(ann: Desk) -> None:
    ann.open("risk/appeal/")
    ann.look("appeals")
    ann.follow(ann.page.locator("#result_list tbody tr a").first)
    ann.look("appeal")
    assert "It was me, on holiday." in ann.text()
    ann.page.wait_for_function("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    ann.act("Take over")
    assert "The appeal is yours." in ann.text()
    assert ann.faults == []


@pytest.mark.req("R52")
def test_a_voucher_is_looked_at(ann: Desk) -> None:
    ann.open("loans/voucher/?state__exact=submitted")
    ann.look("vouchers")
    ann.act("Take the next one")
    assert "autumn course" in ann.text()
    ann.page.wait_for_function("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    ann.look("voucher")
    ann.act("Accept", reason="A course, paid by the customer.")
    ann.look("voucher-accepted")
    assert "The voucher is accepted." in ann.text()
    assert ann.faults == []


@pytest.mark.req("R60")
def test_a_collector_works_through_the_queue_and_a_supervisor_hands_over(
    ann: Desk, chromium: "Browser", platform: Stack
) -> None:
    cole = Desk(chromium, platform, "cole")
    cole.open("loans/collectiontask/?desk=queue")
    cole.look("collection-queue")
    assert cole.page.locator("#result_list tbody tr").count() == 2
    cole.act("Take the next one")
    cole.look("collection-task")
    assert "may be called now" in cole.text()
    cole.act("Call", phone="138****8000 card **** 0128")
    assert "Please dial 138" in cole.text()
    cole.look("collection-in-call")
    cole.act("Promised to pay", promise_amount="200.00", promise_date=AS_OF.isoformat(), note="salary comes today")
    assert "A promise of ¥ 200.00 runs until the end of 2026-11-20" in cole.text()
    cole.act("Wish for relief", wish="three instalments")
    cole.look("collection-after")
    assert "The wish is passed on." in cole.text()
    task = cole.page.url
    sue = Desk(chromium, platform, "sue")
    sue.page.goto(task)
    sue.act("Hand over", to="cora", reason="cole is on leave")
    assert "The task is handed over." in sue.text()
    sue.open("loans/collectiontask/dashboard/")
    sue.page.wait_for_timeout(500)
    sue.look("collection-dashboard")
    assert "Open tasks by bucket" in sue.text()
    ann.open("loans/collectionpolicy/")
    ann.look("strategies")
    ann.page.goto(f"{ann.base}/admin/loans/collectionpolicy/add/")
    ann.page.get_by_text("1-30", exact=True).first.click()
    ann.look("strategy-draft")
    assert sue.faults == ann.faults == cole.faults == []


def test_a_threshold_is_drafted_back_tested_approved_and_live(ann: Desk, chromium: "Browser", platform: Stack) -> None:
    page = ann.page
    ann.open("risk/screeningpolicy/")
    ann.look("pipelines")
    ann.open("risk/screeningpolicy/add/")
    page.fill("[name=valid_from]", AS_OF.isoformat())
    page.fill("[name=change_reason]", "Rents have risen")
    field = page.locator("[name=single_amount__p__transfer_amount]")
    if not field.is_visible():
        page.get_by_text(re.compile("Single amount")).first.click()
    ann.look("draft-form")
    field.fill("8000.00")
    ann.follow(page.locator("[name=_continue]").first)
    ann.look("draft")
    assert "8,000.00" in ann.text()
    draft = page.url

    ann.act("Back-test", period_from="2026-11-01", period_to=AS_OF.isoformat())
    page.get_by_text("Would change", exact=True).wait_for(timeout=90_000)
    ann.look("backtest")
    told = ann.text()
    assert "Runs in which a layer found something" in told
    with page.expect_navigation(url=re.compile("backtestchange")):
        page.get_by_role("link", name=re.compile("every decision that would change")).click()
    ann.look("backtest-changes")
    # The transfers of alice and bob lie between the two thresholds.
    assert page.locator("#result_list tbody tr").count() == 2
    assert ann.text().count("Alert → Pass") == 2

    sue = Desk(chromium, platform, "sue")
    sue.page.goto(draft)
    sue.page.get_by_role("link", name="Approve").first.click()
    dialog = sue.page.locator("#dialog")
    dialog.wait_for()
    sue.look("approve")
    assert "2 better and 0 worse for the customer" in dialog.inner_text()
    with sue.page.expect_navigation():
        dialog.locator("button[type=submit]").click()
    sue.look("approved")
    assert "The policy is in force" in sue.text()
    assert sue.faults == ann.faults == []
    told = platform.manage("shell", "--no-imports", "-c", "from tests.backoffice.morning import afterwards as a; a()")
    assert told.split("\n")[-3:-1] == ["gina v2 pass 0", "hugo v2 alert 1"]
