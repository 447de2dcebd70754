"""Papers as PDF: headings, numbered articles, tables, with an embedded CJK font, the same bytes every time.

The font comes with an installed package, so no machine needs one; only the glyphs used are embedded.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from django.http import HttpResponse
from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, TextMode
from fpdf.fonts import TTFFont

FONT_PACKAGE = "cvttf_NotoSansCJK_Regular"
FONT = "body"
# One moment for all papers: what a paper says of time stands in its text, not in its file.
MADE_AT = datetime(2025, 1, 1, tzinfo=UTC)
ARTICLE = re.compile(r"^(第[一二三四五六七八九十百]+条|Article \d+)")
# What must stay together on a line: a word of Latin letters or digits; anything else breaks character by character.
UNIT = re.compile(r"[!-~]+|\s+|.", re.DOTALL)
NEVER_FIRST = frozenset("，。、；：？！）》」』”’％…—")
NEVER_LAST = frozenset("（《「『“‘")
HEADING_ROOM_MM = 24.0
GRID_ROW_MM = 6.0
RULE_GREY = 200
BOLD_STROKE_MM = 0.18


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


@cache
def simplified_glyphs() -> dict[str, str]:
    """Glyphs the font draws the mainland way, by the name of the glyph it draws otherwise.

    The packaged font is the traditional cut: same characters, but commas in the middle and other strokes.
    Its table `locl` holds the mainland forms; a reader never applies it to embedded glyphs, so we do.
    """
    table = TTFont(font_path(), lazy=True)["GSUB"].table
    script = next(record.Script for record in table.ScriptList.ScriptRecord if record.ScriptTag == "hani")
    language = next(record.LangSys for record in script.LangSysRecord if record.LangSysTag == "ZHS ")
    features = [table.FeatureList.FeatureRecord[index] for index in language.FeatureIndex]
    lookups = [index for one in features if one.FeatureTag == "locl" for index in one.Feature.LookupListIndex]
    found: dict[str, str] = {}
    for index in lookups:
        for subtable in table.LookupList.Lookup[index].SubTable:
            found |= getattr(subtable, "ExtSubTable", subtable).mapping
    return found


def lines_of(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """`text` cut to `width`: no line starts with a closing mark or ends with an opening one (GB/T 15834)."""
    lines: list[str] = []
    line: list[str] = []
    used = 0.0
    for unit in UNIT.findall(text):
        size = measure(unit)
        if line and used + size > width:
            kept = _carried(line, unit)
            lines.append("".join(line[: len(line) - len(kept)]).rstrip())
            line = [] if not kept and unit.isspace() else kept
            used = sum(measure(one) for one in line)
            if unit.isspace() and not line:
                continue
        line.append(unit)
        used += size
    return [*lines, "".join(line)]


def _carried(line: list[str], unit: str) -> list[str]:
    """What must move down with `unit` so that both lines stay lawful; never the whole line."""
    count = 1 if unit in NEVER_FIRST else 0
    while count < len(line) and (line[-count - 1] in NEVER_LAST or (count > 0 and line[-count] in NEVER_FIRST)):
        count += 1
    return line[-count:] if 0 < count < len(line) else []


class Paper(FPDF):
    """A4 with a footer on each page."""

    def __init__(self, footer_text: str) -> None:
        super().__init__(format="A4")
        self.footer_text = footer_text
        self.add_font(FONT, fname=str(font_path()))
        self._draw_mainland_forms()
        self.set_creation_date(MADE_AT)
        self.set_margins(22, 20, 22)
        self.set_auto_page_break(True, margin=22)
        self.add_page()

    def _draw_mainland_forms(self) -> None:
        font = cast(TTFFont, self.fonts[FONT])
        forms = simplified_glyphs()
        for code, glyph in font.cmap.items():
            if glyph in forms:
                font.cmap[code] = forms[glyph]
                font.glyph_ids[code] = font.ttfont.getGlyphID(forms[glyph])

    def footer(self) -> None:
        self.set_y(-16)
        self.set_font(FONT, size=8)
        self.set_text_color(120)
        self.cell(0, 6, f"{self.footer_text}   {self.page_no()} / {{nb}}", align="C")
        self.set_text_color(0)

    def line_of_text(self, text: str, size: float, *, align: str = "L", space: float = 1.5) -> None:
        self.set_font(FONT, size=size)
        for line in lines_of(text, self.epw - 2 * self.c_margin, self.get_string_width):
            self.cell(0, size * 0.6, line, align=align, new_x="LMARGIN", new_y="NEXT")
        self.ln(space)

    def heading(self, text: str, size: float, *, align: str = "L", space: float = 1.5) -> None:
        """Bolder, and never alone at the foot of a page."""
        if self.will_page_break(HEADING_ROOM_MM):
            self.add_page()
        with self.local_context(text_mode=TextMode.FILL_STROKE, line_width=BOLD_STROKE_MM):
            self.line_of_text(text, size, align=align, space=space)

    def grid(
        self, header: Sequence[str], rows: Iterable[Sequence[str]], *, widths: Sequence[float], texts: int = 1
    ) -> None:
        """A ruled table of one-line cells, thousands of rows in a moment; its header stands on every page.

        `widths` are shares of the page; the first `texts` columns are words, the others amounts set to the right.
        Cells too long for their column are cut with an ellipsis.
        """
        columns = [(self.epw * width / sum(widths), "L" if n < texts else "R") for n, width in enumerate(widths)]
        self._grid_row(header, columns, is_header=True)
        for row in rows:
            if self.will_page_break(GRID_ROW_MM):
                self.add_page()
                self._grid_row(header, columns, is_header=True)
            self._grid_row(row, columns)
        self.ln(3)

    def _grid_row(self, cells: Sequence[str], columns: Sequence[tuple[float, str]], *, is_header: bool = False) -> None:
        self.set_font(FONT, size=8.5)
        self.set_draw_color(RULE_GREY)
        self.set_fill_color(240)
        for cell, (width, align) in zip(cells, columns, strict=True):
            text = self._cut(cell, width - 2 * self.c_margin)
            self.cell(width, GRID_ROW_MM, text, border="B", align=align, fill=is_header)
        self.ln(GRID_ROW_MM)
        self.set_draw_color(0)

    def _cut(self, text: str, width: float) -> str:
        if self.get_string_width(text) <= width:
            return text
        while text and self.get_string_width(f"{text}…") > width:
            text = text[:-1]
        return f"{text}…"


def _paragraph(paper: Paper, line: str) -> None:
    text = line.strip()
    if not text:
        paper.ln(1.5)
    elif text.startswith("#"):
        level = len(text) - len(text.lstrip("#"))
        paper.heading(text.lstrip("# "), 15 if level == 1 else 12.5)
    elif ARTICLE.match(text):
        paper.heading(text.replace("**", ""), 11)
    else:
        paper.line_of_text(text.replace("**", ""), 10.5)


def _rows(paper: Paper, rows: Iterable[tuple[str, str]]) -> None:
    paper.set_font(FONT, size=9.5)
    paper.set_draw_color(RULE_GREY)
    with paper.table(
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        col_widths=(35, 65),
        first_row_as_headings=False,
        line_height=6.5,
    ) as table:
        for label, value in rows:
            row = table.row()
            row.cell(label)
            row.cell(value)
    paper.set_draw_color(0)
    paper.ln(4)


def paper_pdf(*, title: str, body: str, rows: Iterable[tuple[str, str]] = (), footer: str = "") -> bytes:
    """The bytes of a paper: title, `body` line by line, then `rows` as a table of label and value."""
    paper = Paper(footer)
    paper.set_title(title)
    paper.heading(title, 17, align="C", space=5)
    for line in body.splitlines():
        _paragraph(paper, line)
    listed = list(rows)
    if listed:
        paper.ln(4)
        _rows(paper, listed)
    return bytes(paper.output())


def pdf_response(content: bytes, name: str) -> HttpResponse:
    """A paper as a download."""
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    return answer
