"""A workbook written as a stream: the reader has its first bytes at once, and no row is kept.

What does not fit into a sheet stands in the next one, each with the header. Which sheets there are is known at the end,
so the parts that name them come last.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

# What a sheet can hold beside its header, and a cell; how many sheets of a file a spreadsheet still opens.
ROWS_MAX, CELL_MAX, SHEETS_MAX = 1_048_575, 32_767, 4
# A part above two gigabytes is written in a way that spreadsheets want to repair.
SHEET_BYTES_MAX = 1_900_000_000
PIECE = 65_536  # bytes
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KINDS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# Columns of numbers by kind, as in a Parquet file, and the number of their format below; all other cells are text.
FORMATS = {"money": 1, "count": 0, "rate": 0, "share": 0}
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    # 4 is the format with two places and separators of thousands.
    '<cellXfs count="2"><xf/><xf numFmtId="4" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
# Numbers of at most fifteen digits: a spreadsheet keeps no more, and changes the others.
NUMBER = r"-?(?:\d{1,13}(?:\.\d{1,2})?|\d{1,9}\.\d{1,6})"
NUMBERS = re.compile(rf"{NUMBER}(?:\x01{NUMBER})*")
# A character that no cell holds stands between cells until all of them are escaped at once.
CELL = "\x01"
CELL_HEAD, CELL_TAIL = '<c t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"
Rows = Sequence[Sequence[str]]


class _Sink:
    """Takes what the archive writes, until it is handed on; it cannot be gone back in."""

    def __init__(self) -> None:
        self.kept = bytearray()

    def write(self, piece: bytes) -> int:
        self.kept += piece
        return len(piece)

    def flush(self) -> None:
        """Nothing waits anywhere."""

    def close(self) -> None:
        """Nothing is held open."""

    def taken(self) -> bytes:
        piece, self.kept = bytes(self.kept), bytearray()
        return piece


def xlsx_pieces(header: Sequence[str], pages: Iterable[Rows], kinds: Sequence[str] = ()) -> Iterator[bytes]:
    """The file in pieces; `kinds` names each column's kind, all are text where it is empty."""
    sink, left, count = _Sink(), _Pages(pages, kinds), 0
    with ZipFile(sink, "w", ZIP_DEFLATED, compresslevel=1) as book:
        while count == 0 or left.has_more():
            count += 1
            with book.open(f"xl/worksheets/sheet{count}.xml", "w") as sheet:
                sheet.write(f'{HEAD}<worksheet xmlns="{MAIN}"><sheetData>'.encode() + _rows([header]))
                yield sink.taken()
                for rows in left.of_a_sheet():
                    sheet.write(rows)
                    if len(sink.kept) >= PIECE:
                        yield sink.taken()
                sheet.write(b"</sheetData></worksheet>")
        for name, text in _parts(count).items():
            book.writestr(name, HEAD + text)
    yield sink.taken()


class _Pages:
    """Pages of rows, dealt out to sheets."""

    def __init__(self, pages: Iterable[Rows], kinds: Sequence[str]) -> None:
        self.pages, self.kinds = iter(pages), kinds
        self.page: Rows = []

    def has_more(self) -> bool:
        if not self.page:
            self.page = next(self.pages, [])
        return bool(self.page)

    def of_a_sheet(self) -> Iterator[bytes]:
        """The markup of as many rows as a sheet takes."""
        room, size = ROWS_MAX, 0
        while room and size < SHEET_BYTES_MAX and self.has_more():
            taken, self.page = self.page[:room], self.page[room:]
            room -= len(taken)
            text = _rows(taken, self.kinds)
            size += len(text)
            yield text


def _rows(page: Rows, kinds: Sequence[str] = ()) -> bytes:
    """The markup of rows, made column by column."""
    formats = [FORMATS.get(kind) for kind in kinds] or [None] * len(page[0])
    columns = [_column(cells, number) for cells, number in zip(zip(*page, strict=True), formats, strict=True)]
    row = f"<row>{''.join(markup for markup, _cells in columns)}</row>"
    return "".join([row % cells for cells in zip(*(cells for _markup, cells in columns), strict=True)]).encode()


def _column(cells: Sequence[str], number: int | None) -> tuple[str, Sequence[str]]:
    """The markup around a cell, and what stands in it. A column of numbers that holds anything else on this page, an
    empty cell say, is told cell by cell.
    """
    if number is None:
        return f"{CELL_HEAD}%s{CELL_TAIL}", _escaped(cells)
    if NUMBERS.fullmatch(CELL.join(cells)):
        return f'<c s="{number}"><v>%s</v></c>', cells
    if len(cells) == 1:
        return ("<c/>%s", cells) if cells[0] == "" else (f"{CELL_HEAD}%s{CELL_TAIL}", _escaped(cells))
    return "%s", [markup % told[0] for markup, told in (_column([cell], number) for cell in cells)]


def _escaped(cells: Sequence[str]) -> list[str]:
    text = "".join(cells)
    if (len(text) > CELL_MAX and len(max(cells, key=len)) > CELL_MAX) or ILLEGAL_CHARACTERS_RE.search(text):
        cells = [ILLEGAL_CHARACTERS_RE.sub("", cell[:CELL_MAX]) for cell in cells]
    return escape(CELL.join(cells)).split(CELL)


def _parts(count: int) -> dict[str, str]:
    """What names the sheets, `count` of them."""
    numbers = range(1, count + 1)
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{KINDS}.worksheet+xml"/>' for n in numbers
    )
    sheets = "".join(f'<sheet name="export{n if n > 1 else ""}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
    targets = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    targets += f'<Relationship Id="rId{count + 1}" Type="{OFFICE}/styles" Target="styles.xml"/>'
    kinds += f'<Override PartName="/xl/styles.xml" ContentType="{KINDS}.styles+xml"/>'
    return {
        "xl/styles.xml": STYLES,
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{targets}</Relationships>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{KINDS}.sheet.main+xml"/>{kinds}</Types>',
    }
