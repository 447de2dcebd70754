"""Chinese is complete, compiled, and keeps every placeholder."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation import override

from weilidai.messages import catalogue_compile, catalogues

CATALOGUES = list(catalogues(Path(settings.LOCALE_PATHS[0])))
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}|%[sd]")


def _entries(source: Path) -> Iterator[tuple[str, str]]:
    for block in source.read_text(encoding="utf-8").split("\n\n")[1:]:
        found = re.search(r'^msgid "(.*)"', block, re.M), re.search(r'^msgstr(?:\[0\])? "(.*)"', block, re.M)
        if found[0] and found[1]:
            yield found[0][1], found[1][1]


@pytest.mark.parametrize(("source", "target"), CATALOGUES, ids=[source.parts[-3] for source, _ in CATALOGUES])
def test_the_compiled_catalogue_is_in_step(source: Path, target: Path):
    assert target.read_bytes() == catalogue_compile(source.read_text(encoding="utf-8")), (
        "run manage.py messages_compile"
    )


@pytest.mark.parametrize("source", [source for source, _ in CATALOGUES])
def test_nothing_is_left_untranslated_or_guessed(source: Path):
    assert [msgid for msgid, msgstr in _entries(source) if not msgstr] == []
    assert "#, fuzzy" not in source.read_text(encoding="utf-8")


@pytest.mark.parametrize("source", [source for source, _ in CATALOGUES])
def test_translations_keep_their_placeholders(source: Path):
    lost = [
        msgid
        for msgid, msgstr in _entries(source)
        if set(PLACEHOLDER.findall(msgid)) != set(PLACEHOLDER.findall(msgstr))
    ]
    assert lost == []


def test_there_is_a_catalogue_of_chinese():
    from django.utils.translation import gettext

    with override("zh-hans"):
        assert gettext("credit line") == "授信额度"
