"""A workbook written as a stream: the reader has its first bytes at once, and no row is kept.

What does not fit into a sheet stands in the next one, each with the header. Which sheets there are is known at the end,
so the parts that name them come last.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
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
# Characters that no cell holds, which stand between cells and between rows until both are escaped at once.
CELL, ROW = "\x01", "\x02"
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


def xlsx_pieces(header: Sequence[str], pages: Iterable[Rows]) -> Iterator[bytes]:
    """The file in pieces; every cell is text."""
    sink, left, count = _Sink(), _Pages(pages), 0
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

    def __init__(self, pages: Iterable[Rows]) -> None:
        self.pages = iter(pages)
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
            text = _rows(taken)
            size += len(text)
            yield text


def _rows(page: Rows) -> bytes:
    """The markup of rows, made for all their cells at once."""
    cells = list(chain.from_iterable(page))
    if len(max(cells, key=len, default="")) > CELL_MAX or ILLEGAL_CHARACTERS_RE.search("".join(cells)):
        page = [[ILLEGAL_CHARACTERS_RE.sub("", cell[:CELL_MAX]) for cell in row] for row in page]
    text = escape(ROW.join(map(CELL.join, page)))
    text = text.replace(CELL, CELL_TAIL + CELL_HEAD).replace(ROW, f"{CELL_TAIL}</row><row>{CELL_HEAD}")
    return f"<row>{CELL_HEAD}{text}{CELL_TAIL}</row>".encode()


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
    return {
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{targets}</Relationships>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{KINDS}.sheet.main+xml"/>{kinds}</Types>',
    }
