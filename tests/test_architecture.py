"""The direction of imports and the other house rules that a reader relies on."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Lowest first; a room may import itself and what stands before it.
ROOMS = ("weilidai.lib", "accounts", "risk", "loans", "weilidai")
LINES_MAX = 500


def _modules() -> Iterator[tuple[str, Path]]:
    for room in ("accounts", "risk", "loans", "weilidai"):
        for path in sorted((ROOT / room).rglob("*.py")):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts), path


MODULES = list(_modules())
CODE = [(name, path) for name, path in MODULES if ".migrations." not in name]


def _room(module: str) -> int | None:
    for number, room in enumerate(ROOMS):
        if module == room or module.startswith(f"{room}."):
            return number
    return None


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno


@pytest.mark.parametrize(("name", "path"), CODE, ids=[name for name, _ in CODE])
def test_imports_point_down_only(name: str, path: Path):
    own = _room(name)
    assert own is not None
    upward = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for module, line in _imports(path)
        if (other := _room(module)) is not None and other > own
    ]
    assert upward == []


# What a layer inside an app must not know.
FORBIDDEN = {
    "models": ("selectors", "services", "tasks", "api", "admin", "views"),
    "selectors": ("services", "tasks", "api", "admin"),
    "services": ("tasks", "api", "admin"),
    "rules": ("models", "selectors", "services", "tasks", "api", "admin"),
    "maths": ("models", "selectors", "services", "tasks", "api", "admin"),
}


def _layer(module: str) -> tuple[str, str] | None:
    parts = module.split(".")
    return (parts[0], parts[1]) if len(parts) > 1 and parts[0] in ("accounts", "risk", "loans") else None


@pytest.mark.parametrize(("name", "path"), CODE, ids=[name for name, _ in CODE])
def test_layers_inside_an_app_point_down_only(name: str, path: Path):
    own = _layer(name)
    forbidden = FORBIDDEN.get(own[1], ()) if own else ()
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for module, line in _imports(path)
        if (other := _layer(module)) is not None and own is not None and other[0] == own[0] and other[1] in forbidden
    ]
    assert wrong == []


@pytest.mark.parametrize(("name", "path"), CODE, ids=[name for name, _ in CODE])
def test_a_file_that_grew_long_becomes_a_folder(name: str, path: Path):
    assert path.read_text(encoding="utf-8").count("\n") <= LINES_MAX


@pytest.mark.parametrize(
    ("name", "path"),
    [(n, p) for n, p in CODE if re.search(r"\.(maths|ledger|lib\.money)|repayment|journal|accrual", n)],
)
def test_there_are_no_floats_near_money(name: str, path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    floats = [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]
    calls = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "float"]
    assert floats + calls == []


@pytest.mark.parametrize("app", ["accounts", "risk", "loans", "weilidai/lib"])
def test_migrations_are_one_line_of_history(app: str):
    numbers = [path.name[:4] for path in sorted((ROOT / app / "migrations").glob("0*.py"))]
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("path", sorted(ROOT.glob("*/migrations/0*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_migrations_import_fields_and_nothing_else_of_the_project(path: Path):
    # `owner` fills columns of tables that it is told by name.
    allowed = (
        "weilidai.lib.ids", "weilidai.lib.money", "weilidai.lib.crypto", "weilidai.lib.owner", "risk.models.product",
    )  # fmt: skip
    ours = [module for module, _ in _imports(path) if _room(module) is not None]
    assert [module for module in ours if module not in allowed] == []


def test_a_locked_row_never_keeps_a_foreign_key_waiting() -> None:
    """PostgreSQL's plain FOR UPDATE stops the check of every row that points at the locked one, up to a deadlock at
    commit; no key of ours ever changes."""
    asked = re.compile(r"select_for_update\((?!no_key=True)")
    assert [name for name, path in CODE if asked.search(path.read_text(encoding="utf-8"))] == []
