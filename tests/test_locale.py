"""Chinese is complete, compiled, and keeps every placeholder; no text of the program is missing from the catalogue."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.utils.translation import gettext, override

from weilidai.messages import Message, catalogue_compile, catalogue_read, catalogues

ROOT = Path(settings.BASE_DIR)
CATALOGUES = list(catalogues(Path(settings.LOCALE_PATHS[0])))
SOURCES = [source for source, _ in CATALOGUES]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}|%[sd]")
IN_TEMPLATE = re.compile(r"""{%\s*(?:trans|translate)\s+(["'])(.+?)\1""")
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop"}
APPS = ("accounts", "risk", "loans", "weilidai")


def _entries(source: Path) -> list[Message]:
    return [message for message in catalogue_read(source.read_text(encoding="utf-8")) if message.id]


def _marked_in(path: Path) -> Iterator[str]:
    """Every literal text that a module marks for translation."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(text)), *_]) if name in MARKS:
                yield text


def _texts() -> set[str]:
    modules = (path for app in APPS for path in (ROOT / app).rglob("*.py"))
    texts = {text for path in modules for text in _marked_in(path)}
    pages = (path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.html"))
    return texts | {found[2] for page in pages for found in IN_TEMPLATE.finditer(page)}


@pytest.mark.parametrize(("source", "target"), CATALOGUES, ids=[source.parts[-3] for source in SOURCES])
def test_the_compiled_catalogue_is_in_step(source: Path, target: Path):
    assert target.read_bytes() == catalogue_compile(source.read_text(encoding="utf-8")), (
        "run manage.py messages_compile"
    )


@pytest.mark.parametrize("source", SOURCES)
def test_nothing_is_left_untranslated_or_guessed(source: Path):
    assert [message.id for message in _entries(source) if message.fuzzy or not all(message.texts.values())] == []


@pytest.mark.parametrize("source", SOURCES)
def test_every_text_of_the_program_is_in_the_catalogue(source: Path):
    texts = _texts()
    assert len(texts) > 500
    assert sorted(texts - {message.id for message in _entries(source)}) == [], "run manage.py makemessages"


@pytest.mark.parametrize("source", SOURCES)
def test_translations_keep_their_placeholders(source: Path):
    lost = [
        message.id
        for message in _entries(source)
        for text in message.texts.values()
        if set(PLACEHOLDER.findall(message.id)) != set(PLACEHOLDER.findall(text))
    ]
    assert lost == []


@pytest.mark.parametrize("source", SOURCES)
def test_chinese_has_one_form_for_one_and_many(source: Path):
    assert "Plural-Forms: nplurals=1; plural=0;" in source.read_text(encoding="utf-8")
    assert {len(message.texts) for message in _entries(source)} == {1}


def test_there_is_a_catalogue_of_chinese():
    with override("zh-hans"):
        assert gettext("credit line") == "授信额度"


def test_every_field_that_a_page_shows_has_a_name_of_its_own():
    """A field without a name would be shown by the name of its column, in English on a Chinese page."""
    hidden = {"id", "name_hash", "id_number_hash", "phone_hash"}
    unnamed = [
        f"{model._meta.label}.{field.name}"
        for model in admin.site._registry
        for field in model._meta.fields
        if model.__module__.startswith(APPS)
        and field.name not in hidden
        and not field.name.startswith(("payment_password_", "verification_"))
        and isinstance(field.verbose_name, str)
        and field.verbose_name == field.name.replace("_", " ")
    ]
    assert unnamed == []
