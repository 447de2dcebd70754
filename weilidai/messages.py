"""Compile gettext catalogues without gettext: a `.po` reader and a `.mo` writer, so that no system tool is needed."""

import ast
import struct
from dataclasses import dataclass, field
from pathlib import Path

MO_MAGIC = 0x950412DE
CONTEXT_END = "\x04"
FORMS_END = "\x00"


@dataclass
class Message:
    """One entry of a catalogue; `texts` has one text, or one per plural form."""

    context: str | None = None
    id: str = ""
    plural_id: str | None = None
    texts: dict[int, str] = field(default_factory=dict)
    fuzzy: bool = False

    @property
    def key(self) -> str:
        """The key under which gettext looks the message up."""
        key = self.id if self.plural_id is None else self.id + FORMS_END + self.plural_id
        return key if self.context is None else self.context + CONTEXT_END + key

    @property
    def text(self) -> str:
        return FORMS_END.join(self.texts[index] for index in sorted(self.texts))


def catalogue_compile(source: str) -> bytes:
    """The `.mo` bytes of a `.po` text. Fuzzy and empty entries are left out. Raises ValueError at a broken line."""
    messages = {m.key: m.text for m in catalogue_read(source) if any(m.texts.values()) and not (m.fuzzy and m.id)}
    return _mo_bytes(messages)


def catalogue_read(source: str) -> list[Message]:
    """Every entry of a `.po` text."""
    messages: list[Message] = []
    for block in source.replace("\r\n", "\n").split("\n\n"):
        message = _block_read(block)
        if message is not None:
            messages.append(message)
    return messages


def _block_read(block: str) -> Message | None:
    """One entry, or None for a block of comments only."""
    message, parts = Message(), dict[str, str]()
    keyword = ""
    for line in (line.strip() for line in block.splitlines()):
        if line.startswith("#,") and "fuzzy" in line:
            message.fuzzy = True
        if not line or line.startswith("#"):
            continue
        if not line.startswith('"'):
            keyword, _space, line = line.partition(" ")
            parts.setdefault(keyword, "")
        parts[keyword] += _unquoted(line)
    if "msgid" not in parts:
        return None
    message.context, message.id, message.plural_id = parts.get("msgctxt"), parts["msgid"], parts.get("msgid_plural")
    for name, text in parts.items():
        if name.startswith("msgstr"):
            message.texts[int(name[7:-1] or 0) if name != "msgstr" else 0] = text
    return message


def _unquoted(line: str) -> str:
    """The text of a quoted string; the escapes of a `.po` are those of a Python string."""
    value = ast.literal_eval(line.strip())
    if not isinstance(value, str):
        raise ValueError(f"not a quoted text: {line}")
    return value


def _mo_bytes(messages: dict[str, str]) -> bytes:
    """The binary form: two tables of lengths and offsets (sorted by key), then the texts."""
    pairs = sorted((key.encode(), text.encode()) for key, text in messages.items())
    keys_at, texts_at = 28, 28 + 8 * len(pairs)
    data_at = texts_at + 8 * len(pairs)
    data, tables = b"", ([], [])  # type: tuple[bytes, tuple[list[int], list[int]]]
    for column in (0, 1):
        for pair in pairs:
            tables[column].extend((len(pair[column]), data_at + len(data)))
            data += pair[column] + b"\x00"
    header = struct.pack("<7I", MO_MAGIC, 0, len(pairs), keys_at, texts_at, 0, data_at)
    numbers = [*tables[0], *tables[1]]
    return header + struct.pack(f"<{len(numbers)}I", *numbers) + data


def catalogues(root: Path) -> list[tuple[Path, Path]]:
    """Every catalogue under `locale/` with the place of its compiled form."""
    return [(path, path.with_suffix(".mo")) for path in sorted(root.glob("*/LC_MESSAGES/*.po"))]
