"""The six legal texts that ship: complete in both languages and in accord with the rules of lending (R10)."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

TEXTS = Path(__file__).resolve().parents[2] / "risk" / "presets" / "documents"
CODES = [
    "credit_report_authorisation",
    "credit_line_agreement",
    "loan_agreement",
    "personal_information_processing",
    "third_party_data_authorisation",
    "electronic_signature_consent",
]
# What agreement demands, by text and language: a figure or a right that must stand in it.
CLAUSES = [
    ("credit_report_authorisation", "征信业管理条例", "Credit Reporting Industry"),
    ("credit_line_agreement", "年化24%的综合融资成本上限", "24 % yearly cap"),
    ("credit_line_agreement", "新利率仅适用于其后新发生的借款", "a new rate holds for new loans only"),
    ("credit_line_agreement", "默认额度为1000元", "students is 1 000 yuan"),
    ("credit_line_agreement", "一至三个工作日", "one to three working days"),
    ("credit_line_agreement", "不超过20万元", "at most 200 000 yuan"),
    ("credit_line_agreement", "每次不超过5000元", "at most 5 000 yuan a time"),
    ("credit_line_agreement", "好友超过三个月", "friend of more than three months"),
    ("loan_agreement", "当期本金的2.5%", "2.5 % of the period's principal"),
    ("loan_agreement", "减收0.5个百分点", "saves 0.5 percentage points"),
    ("loan_agreement", "未还本金的1%", "1 % of the outstanding principal"),
    (
        "loan_agreement",
        "新客户50%、优质客户30%、VIP客户20%",
        "new customers 50 %, quality customers 30 %, VIP customers 20 %",
    ),
    ("loan_agreement", "年化24%", "24 % a year"),
    ("loan_agreement", "罚息、手续费、利息、本金的顺序", "penalty, fee, interest, then principal"),
    ("loan_agreement", "每日22时至次日8时", "between 22:00 and 08:00"),
    ("loan_agreement", "每日联系（含未接通）不超过6次", "at most six attempts a day"),
    ("loan_agreement", "不向无关第三人透露债务信息", "no word of the debt to others"),
    ("loan_agreement", "《综合融资成本明示表》", "cost disclosure form"),
    ("loan_agreement", "不得用于购房、股票等证券投资、赌博", "never property, securities, gambling"),
    ("personal_information_processing", "个人信息保护法", "Personal Information Protection Law"),
    ("personal_information_processing", "不收集、不分析聊天内容", "Chat content is neither collected nor analysed"),
    ("personal_information_processing", "性别、婚姻状况和年龄不用于定价和拒绝", "Sex, marriage and age are not used"),
    ("third_party_data_authorisation", "不获取聊天内容", "no chat content"),
    ("third_party_data_authorisation", "仅在本人另行同意后纳入评估", "only with a separate consent"),
    ("electronic_signature_consent", "电子签名法", "Electronic Signature Law"),
    ("electronic_signature_consent", "SHA-256", "SHA-256"),
    ("electronic_signature_consent", "二十四小时后", "24 hours"),
]
NUMERALS = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"]


def _manifest() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((TEXTS / "manifest.json").read_text(encoding="utf-8"))["documents"]
    return rows


def _text(code: str, language: str) -> str:
    return (TEXTS / f"{code}.{language}.md").read_text(encoding="utf-8")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _articles(code: str) -> tuple[list[str], list[str]]:
    chinese = re.findall(r"^第(\S+)条 \S", _text(code, "zh"), re.MULTILINE)
    english = re.findall(r"^Article (\d+) \S", _text(code, "en"), re.MULTILINE)
    return chinese, english


@pytest.mark.req("R10")
def test_exactly_the_six_documents_ship_each_once() -> None:
    assert [row["code"] for row in _manifest()] == CODES


@pytest.mark.req("R10")
def test_every_document_has_a_version_a_first_day_and_two_titles() -> None:
    assert {row["version"] for row in _manifest()} == {"1.0"}
    assert {row["valid_from"] for row in _manifest()} == {"2025-01-01"}
    assert all(row["title_zh"] and row["title_en"] for row in _manifest())


@pytest.mark.req("R10")
def test_no_text_lies_beside_the_manifest_unused() -> None:
    named = {row[field] for row in _manifest() for field in ("file_zh", "file_en")}
    assert named == {path.name for path in TEXTS.glob("*.md")}


@pytest.mark.req("R10")
@pytest.mark.parametrize("row", _manifest(), ids=lambda row: row["code"])
def test_a_text_begins_with_its_title(row: dict[str, Any]) -> None:
    assert _text(row["code"], "zh").splitlines()[0] == f"# {row['title_zh']}"
    assert _text(row["code"], "en").splitlines()[0] == f"# {row['title_en']}"


@pytest.mark.req("R10")
@pytest.mark.parametrize("code", CODES)
def test_articles_are_numbered_without_a_gap_and_alike_in_both_languages(code: str) -> None:
    chinese, english = _articles(code)
    assert len(chinese) >= 7
    assert chinese == NUMERALS[: len(chinese)]
    assert english == [str(number) for number in range(1, len(chinese) + 1)]


@pytest.mark.req("R10")
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(("language", "characters_min"), [("zh", 600), ("en", 1200)])
def test_a_text_is_whole_and_holds_no_placeholder(code: str, language: str, characters_min: int) -> None:
    text = _text(code, language)
    assert len(text) >= characters_min
    assert not re.search(r"\{\{|\}\}|TODO|XXX|\[\s*\]", text)


@pytest.mark.req("R10")
@pytest.mark.parametrize("code", CODES)
def test_every_text_names_the_lender(code: str) -> None:
    assert "微粒贷开放平台示范小额贷款有限公司" in _text(code, "zh")
    assert "Weilidai Open Platform Demonstration Micro-credit Co., Ltd." in _text(code, "en")


@pytest.mark.req("R10", "R55")
@pytest.mark.parametrize("code", CODES)
def test_every_text_says_how_to_withdraw_and_where_to_complain(code: str) -> None:
    chinese, english = _text(code, "zh"), _text(code, "en").lower()
    assert re.search("撤回|停止使用", chinese)
    assert "投诉" in chinese
    assert re.search("withdraw", english)
    assert re.search("complain", english)


@pytest.mark.req("R10")
@pytest.mark.parametrize(("code", "chinese", "english"), CLAUSES)
def test_the_texts_promise_what_the_system_does(code: str, chinese: str, english: str) -> None:
    assert chinese in _text(code, "zh")
    assert english in _one_line(_text(code, "en"))


@pytest.mark.req("R10")
def test_the_third_party_authorisation_names_the_twelve_sources() -> None:
    sources = [
        "社会保险",
        "住房公积金",
        "学历",
        "就业",
        "个人所得税",
        "不动产",
        "车辆",
        "商业保险",
        "公用事业缴费",
        "通信在网时长",
        "工商登记",
        "居住地址",
    ]
    text = _text("third_party_data_authorisation", "zh")
    assert [source for source in sources if source not in text] == []
