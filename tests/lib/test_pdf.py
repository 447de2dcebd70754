"""Papers as PDF: embedded font, mainland forms, line breaks, the same bytes every time."""

import re
import zlib
from pathlib import Path
from typing import cast

import pytest
from fontTools.ttLib import TTFont
from fpdf.fonts import TTFFont

from weilidai.lib import pdf

BODY = "第一条 授权事项\n本人授权贵公司查询本人的信用报告（一次），并同意《个人信息处理授权书》。\n\n## 附则\n完。"


def _each_one(text: str) -> float:
    return float(len(text))


def _streams(paper: bytes) -> list[bytes]:
    """The unpacked contents of all compressed streams of a file."""
    found = []
    for packed in re.findall(rb"stream\n(.*?)\nendstream", paper, re.DOTALL):
        try:
            found.append(zlib.decompress(packed))
        except zlib.error:
            found.append(packed)
    return found


def test_a_paper_has_the_same_bytes_every_time() -> None:
    made = [pdf.paper_pdf(title="授权书", body=BODY, rows=[("版本", "1.0")], footer="x 1.0") for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].startswith(b"%PDF-")


def test_another_text_gives_other_bytes() -> None:
    assert pdf.paper_pdf(title="甲", body="一") != pdf.paper_pdf(title="甲", body="二")


def test_the_font_is_embedded_and_only_the_glyphs_used() -> None:
    paper = pdf.paper_pdf(title="授权书", body=BODY)
    assert b"/FontFile3" in paper
    assert len(paper) < 100_000


def test_the_text_can_be_read_back_as_the_characters_written() -> None:
    unicode_map = b"".join(
        stream for stream in _streams(pdf.paper_pdf(title="授", body="，")) if b"beginbfchar" in stream
    )
    assert b"<6388>" in unicode_map.lower()
    assert b"<ff0c>" in unicode_map.lower()


def test_commas_are_drawn_in_the_mainland_form() -> None:
    drawn = cast(TTFFont, pdf.Paper("").fonts[pdf.FONT]).cmap
    packaged = TTFont(pdf.font_path(), lazy=True).getBestCmap()
    forms = pdf.simplified_glyphs()
    assert packaged[ord("，")] != drawn[ord("，")] == forms[packaged[ord("，")]]
    assert drawn[ord("A")] == packaged[ord("A")]


def test_a_long_text_goes_on_on_further_pages() -> None:
    paper = pdf.paper_pdf(
        title="合同", body="\n".join("第一条 内容\n" + "借款人应当按时还款。" * 12 for _ in range(30))
    )
    assert len(re.findall(rb"/Type /Page\n", paper)) > 2


def test_without_the_font_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "FONT_PACKAGE", "no_such_font_package")
    with pytest.raises(pdf.FontMissing, match="no_such_font_package"):
        pdf.font_path()


def test_a_package_without_a_font_file_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "FONT_PACKAGE", "stdnum")
    with pytest.raises(pdf.FontMissing):
        pdf.font_path()


def test_the_font_file_is_a_file() -> None:
    assert Path(pdf.font_path()).suffix in (".otf", ".ttf")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("一二三四", ["一二三四"]),
        ("一二三四五", ["一二三四", "五"]),
        ("一二三四。", ["一二三", "四。"]),
        ("一二三四。）", ["一二三", "四。）"]),
        ("一二三《四", ["一二三", "《四"]),
        ("ab cd ef", ["ab", "cd", "ef"]),
        ("一二 abcd", ["一二", "abcd"]),
        ("", [""]),
    ],
)
def test_lines_never_start_with_a_closing_or_end_with_an_opening_mark(text: str, lines: list[str]) -> None:
    assert pdf.lines_of(text, 4, _each_one) == lines


def test_a_word_longer_than_a_line_stays_whole_and_ends() -> None:
    assert pdf.lines_of("abcdefgh", 4, _each_one) == ["abcdefgh"]


def test_a_line_of_closing_marks_only_is_still_cut() -> None:
    assert "".join(pdf.lines_of("。" * 9, 4, _each_one)) == "。" * 9


def test_no_character_is_lost_by_cutting() -> None:
    text = "借款人（本人）确认《明示表》，并同意：按时还款；逾期的，罚息另计。" * 3
    assert "".join(pdf.lines_of(text, 7, _each_one)) == text
