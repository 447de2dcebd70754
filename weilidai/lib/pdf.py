"""Papers as PDF: headings, numbered articles, tables, with an embedded CJK font, the same bytes every time.

The font comes with an installed package, so no machine needs one; only the glyphs used are embedded.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos

FONT_PACKAGE = "cvttf_NotoSansCJK_Regular"
FONT = "body"
# One moment for all papers: what a paper says of time stands in its text, not in its file.
MADE_AT = datetime(2025, 1, 1, tzinfo=UTC)
ARTICLE = re.compile(r"^(第[一二三四五六七八九十百]+条|Article \d+)")


class FontMissing(Exception):
    """The package with the CJK font is not installed."""


def font_path() -> Path:
    """The font file; raises `FontMissing`."""
    spec = find_spec(FONT_PACKAGE)
    folder = Path(spec.origin).parent if spec is not None and spec.origin else None
    files = sorted(folder.glob("*.[ot]tf")) if folder else []
    if not files:
        raise FontMissing(f"install the package {FONT_PACKAGE}")
    return files[0]


class Paper(FPDF):
    """A4 with a footer on each page."""

    def __init__(self, footer_text: str) -> None:
        super().__init__(format="A4")
        self.footer_text = footer_text
        self.add_font(FONT, fname=str(font_path()))
        self.set_creation_date(MADE_AT)
        self.set_margins(22, 20, 22)
        self.set_auto_page_break(True, margin=22)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-16)
        self.set_font(FONT, size=8)
        self.set_text_color(120)
        self.cell(0, 6, f"{self.footer_text}   {self.page_no()}", align="C")
        self.set_text_color(0)

    def line_of_text(self, text: str, size: float, *, align: str = "L", space: float = 1.5) -> None:
        self.set_font(FONT, size=size)
        self.multi_cell(0, size * 0.6, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(space)


def _paragraph(paper: Paper, line: str) -> None:
    text = line.strip()
    if not text:
        paper.ln(1.5)
    elif text.startswith("#"):
        level = len(text) - len(text.lstrip("#"))
        paper.line_of_text(text.lstrip("# "), 15 if level == 1 else 12.5)
    elif ARTICLE.match(text):
        paper.line_of_text(text.replace("**", ""), 11)
    else:
        paper.line_of_text(text.replace("**", ""), 10.5)


def _rows(paper: Paper, rows: Iterable[tuple[str, str]]) -> None:
    paper.set_font(FONT, size=9.5)
    with paper.table(col_widths=(35, 65), first_row_as_headings=False, line_height=6) as table:
        for label, value in rows:
            row = table.row()
            row.cell(label)
            row.cell(value)
    paper.ln(4)


def paper_pdf(*, title: str, body: str, rows: Iterable[tuple[str, str]] = (), footer: str = "") -> bytes:
    """The bytes of a paper: title, `body` line by line, then `rows` as a table of label and value."""
    paper = Paper(footer)
    paper.set_title(title)
    paper.line_of_text(title, 17, align="C", space=5)
    for line in body.splitlines():
        _paragraph(paper, line)
    listed = list(rows)
    if listed:
        paper.ln(4)
        _rows(paper, listed)
    return bytes(paper.output())
