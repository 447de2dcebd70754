import io
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from risk.errors import InvitationInvalid, ProductClosed, ReasonRequired
from risk.models import Invitation, InvitationBatch, Product
from risk.services.invitation import invitation_revoke, invitations_expire, invitations_issue
from risk.services.invitation_file import FileRow, invitation_file_check, invitation_file_issue, invitation_file_read
from tests.risk.builders import AS_OF, AT, STAFF, approved_line, customer_create, invite, started
from weilidai.lib.business_date import business_date_set
from weilidai.lib.errors import ObjectNotFound, TransitionRefused

pytestmark = [pytest.mark.usefixtures("policies", "english"), pytest.mark.req("R1")]
COMMON: dict[str, Any] = {
    "product": "weilidai", "source": InvitationBatch.Source.STAFF, "reason": "spring round",
    "actor": STAFF, "as_of": AS_OF,
}  # fmt: skip


@pytest.fixture
def english() -> Iterator[None]:
    """Reasons are compared by their words, so in one language."""
    with translation.override("en"):
        yield


def test_a_batch_carries_product_reason_and_the_expiry_of_the_terms() -> None:
    report = invitations_issue(openids=["alice", "bob", " alice "], **COMMON)
    assert [(i.openid, i.product_id, i.reason, i.expires_date) for i in report.issued] == [
        ("alice", "weilidai", "spring round", date(2026, 12, 20)),
        ("bob", "weilidai", "spring round", date(2026, 12, 20)),
    ]
    assert (report.batch.issued_count, report.batch.created_by, report.skipped) == (2, "carol", [])


def test_whoever_is_invited_applying_or_borrowing_already_is_skipped_with_a_reason() -> None:
    invite("alice")
    started(customer_create("bob"))
    approved_line("charlie")
    report = invitations_issue(openids=["alice", "bob", "charlie", "x" * 129, "dave"], **COMMON)
    assert [i.openid for i in report.issued] == ["dave"]
    assert [s.openid for s in report.skipped] == ["x" * 129, "alice", "bob", "charlie"]


def test_a_lapsed_invitation_does_not_block_a_new_one() -> None:
    invite("alice", expires_date=AS_OF)
    later = AS_OF + timedelta(days=1)
    assert len(invitations_issue(openids=["alice"], **{**COMMON, "as_of": later}).issued) == 1
    assert sorted(Invitation.objects.values_list("state", flat=True)) == ["expired", "issued"]


@pytest.mark.parametrize(("days", "issued"), [(0, 1), (1, 1)])
def test_today_may_be_the_last_day(days: int, issued: int) -> None:
    last_day = AS_OF + timedelta(days=days)
    assert len(invitations_issue(openids=["alice"], expires_date=last_day, **COMMON).issued) == issued


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"expires_date": AS_OF - timedelta(days=1)}, InvitationInvalid),
        ({"openids": [" "]}, InvitationInvalid),
        ({"reason": " "}, ReasonRequired),
        ({"product": "huabei"}, ObjectNotFound),
    ],
)
def test_a_batch_with_a_mistake_is_refused_whole(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        invitations_issue(**{"openids": ["alice"], **COMMON, **change})
    assert InvitationBatch.objects.count() == 0


def test_a_closed_product_invites_nobody() -> None:
    Product.objects.filter(code="weilidai").update(is_open=False)
    with pytest.raises(ProductClosed):
        invitations_issue(openids=["alice"], **COMMON)


def test_revoking_needs_a_reason_and_an_unused_invitation() -> None:
    invite("alice")
    pk = Invitation.objects.get().pk
    with pytest.raises(ReasonRequired):
        invitation_revoke(invitation_id=pk, reason="", actor=STAFF, as_of=AS_OF)
    assert invitation_revoke(invitation_id=pk, reason="mistake", actor=STAFF, as_of=AS_OF).state == "revoked"
    with pytest.raises(TransitionRefused):
        invitation_revoke(invitation_id=pk, reason="mistake", actor=STAFF, as_of=AS_OF)


def test_invitations_expire_after_their_last_day_in_batches_of_any_size() -> None:
    invite("alice", "bob", "charlie", expires_date=AS_OF)
    invite("dave", expires_date=AS_OF + timedelta(days=1))
    assert invitations_expire(as_of=AS_OF) == 0
    assert invitations_expire(as_of=AS_OF + timedelta(days=1), batch_size=2) == 3
    assert Invitation.objects.get(state="issued").openid == "dave"


# --- Files ------------------------------------------------------------------------------------------------------

CSV = "﻿note,OpenID\nfirst,alice\n,\ntwice,alice\nnone,\nspace,b b\nlast,bob\n".encode()


def test_a_csv_is_checked_row_by_row_before_anything_is_written() -> None:
    invite("bob")
    check = invitation_file_check(invitation_file_read(CSV), product="weilidai")
    assert check.good == [FileRow(2, "alice")]
    assert [(e.line, e.openid, str(e.detail)) for e in check.errors] == [
        (4, "alice", "named twice in this file"),
        (5, "", "the openid is missing"),
        (6, "b b", "the openid has characters that are not allowed"),
        (7, "bob", "already invited"),
    ]
    assert Invitation.objects.count() == 1


def test_an_xlsx_gives_the_same_rows_as_a_csv() -> None:
    book = openpyxl.Workbook()
    for row in (["openid"], ["alice"], [12345]):
        book.worksheets[0].append(row)
    content = io.BytesIO()
    book.save(content)
    rows = invitation_file_read(content.getvalue())
    assert rows == [FileRow(2, "alice"), FileRow(3, "12345")]


def test_the_good_rows_of_a_file_are_issued() -> None:
    values = {key: COMMON[key] for key in ("product", "reason", "actor", "as_of")}
    rows = invitation_file_read(CSV)
    report, errors = invitation_file_issue(rows=rows, file_name="list.csv", **values)
    assert [i.openid for i in report.issued] == ["alice", "bob"]
    assert (len(errors), report.batch.source, report.batch.file_name) == (3, "file", "list.csv")


def spoilt_xlsx(part: str, old: bytes, new: bytes) -> bytes:
    """A workbook of two openids with something else in one of its parts."""
    book = openpyxl.Workbook()
    for row in (["openid"], ["alice"], ["bob"]):
        book.worksheets[0].append(row)
    source, target = io.BytesIO(), io.BytesIO()
    book.save(source)
    with zipfile.ZipFile(source) as read, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in read.namelist():
            content = read.read(name)
            packed.writestr(name, content.replace(old, new) if name.endswith(part) else content)
    return target.getvalue()


SHEET, END = "sheet1.xml", b"</sheetData>"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name\nalice\n",
        b"openid\n\xff\xfe\n",
        b"PK\x03\x04 not a zip",
        b"openid\n" + b"x" * 200_000,
        b"openid\n" + b"a\n" * 10_500_000,
        spoilt_xlsx(SHEET, END, b""),
        spoilt_xlsx(SHEET, END, b'<row r="9"><c r="A9" t="s"><v>99999</v></c></row></sheetData>'),
        spoilt_xlsx(SHEET, b"<worksheet", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><worksheet'),
        spoilt_xlsx("workbook.xml", b"sheet", b"shoot"),
    ],
)
def test_a_file_that_is_no_table_of_openids_is_refused(content: bytes) -> None:
    with pytest.raises(InvitationInvalid):
        invitation_file_read(content)


def test_a_workbook_is_known_by_its_bytes_and_a_table_by_its_sign() -> None:
    assert [row.openid for row in invitation_file_read(spoilt_xlsx(SHEET, b"", b""))] == ["alice", "bob"]
    assert [row.openid for row in invitation_file_read("openid;姓名\nalice;张三\n".encode("gbk"))] == ["alice"]


def test_an_openid_no_database_can_be_asked_about_is_a_row_with_an_error() -> None:
    rows = invitation_file_read(b"openid\nal\x00ice\nbob\n")
    check = invitation_file_check(rows, product="weilidai")
    assert [row.openid for row in check.good] == ["bob"]
    assert [row.line for row in check.errors] == [2]


# --- Command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def _today(policies: None) -> None:
    business_date_set(AS_OF, at=AT)


@pytest.mark.usefixtures("_today")
def test_the_command_invites_by_openid_and_by_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("invite", "--product", "weilidai", "--openid", "alice", "bob", "--expires", "2026-12-01")
    assert capsys.readouterr().out.startswith("2 invited, 0 not")
    path = tmp_path / "list.csv"
    path.write_text("openid\nbob\ncharlie\n")
    call_command("invite", "--product", "weilidai", "--file", str(path))
    out, err = capsys.readouterr()
    assert out.startswith("1 invited, 1 not")
    assert err == "line 2: bob: already invited\n"
    assert Invitation.objects.get(openid="alice").expires_date == date(2026, 12, 1)


@pytest.mark.usefixtures("_today")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--product", "huabei", "--openid", "alice"], "unknown product: huabei"),
        (["--product", "weilidai", "--openid", "alice", "--expires", "2026-11-19"], "past"),
        (["--product", "weilidai", "--openid", "alice", "--expires", "soon"], "not a date"),
        (["--product", "weilidai", "--file", "/does/not/exist.csv"], "No such file"),
        (["--product", "weilidai"], "one of the arguments"),
        (["--openid", "alice"], "--product"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("invite", *arguments)
    assert Invitation.objects.count() == 0
