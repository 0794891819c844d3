"""The floors and habits of the house, as far as a machine can tell."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from geo.table import layered
from layers import discover

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("geo", "ingest", "layers", "access", "api", "pages", "run", "demo", "bench")
FORBIDDEN = {"util", "utils", "helper", "helpers", "common", "misc", "manager"}


def modules() -> list[Path]:
    found = [ROOT / "app.py", ROOT / "settings.py"]
    for room in ROOMS:
        found += sorted(path for path in (ROOT / room).rglob("*.py") if path.stat().st_size)
    return found


def test_imports_go_downwards_only() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=150)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_the_front_door_only_wires() -> None:
    text = (ROOT / "app.py").read_text("utf-8")
    assert len(text.splitlines()) <= 150
    assert not re.search(r"\b(SELECT|INSERT|UPDATE)\b|@callback|sqlalchemy", text)


def test_no_file_has_a_name_that_says_nothing() -> None:
    suffixes = {".py", ".js", ".sql", ".css"}
    for folder in (*ROOMS, "assets", "sql", "tests"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in suffixes and "vendor" not in path.parts:
                assert FORBIDDEN.isdisjoint(re.split(r"[._-]", path.name.lower())), path


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_in_one_sentence_what_it_is(path: Path) -> None:
    words = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert words, "no docstring"
    first = " ".join(words.split("\n\n")[0].split())  # what a reader of the file must know may follow it
    assert len(first) < 240
    assert not re.search(r"[.!?] [A-Z]", first), first
    assert first.endswith(".")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_everything_public_says_what_it_does(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


def test_settings_are_read_at_the_front_door_only() -> None:
    for path in modules():
        if path.name == "app.py":
            continue
        for node in ast.parse(path.read_text("utf-8")).body:  # under `if TYPE_CHECKING` its name may be known
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", None)]
                assert "settings" not in names, path


def test_a_heading_in_the_documents_stands_apart() -> None:
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        lines, code = path.read_text("utf-8").splitlines(), False
        for before, line in zip(["", *lines], lines, strict=False):
            code ^= line.startswith("```")
            assert code or before == "" or not re.match(r"#{1,6} ", line), f"{path.name}: {line}"


def test_each_layer_is_one_file_with_tables_of_its_name() -> None:
    files = {path.stem for path in (ROOT / "layers").glob("*.py")} - {"__init__", "layer"}
    assert files == {layer.name for layer in discover()}
    tables = {name.removesuffix("_history") for name in layered.tables}
    assert files == tables


def test_no_warning_is_silenced_without_its_reason() -> None:
    mark = re.compile(r"# (?:noqa|type: ignore)(?P<rest>.*)$", re.MULTILINE)
    for path in modules():
        text = path.read_text("utf-8")
        for found in mark.finditer(text):
            codes = re.match(r"(?::\s*[A-Z]+\d+(?:, ?[A-Z]+\d+)*|\[[a-z, -]+\])", found["rest"].strip())
            assert codes, (path, found[0])
            reason = found["rest"].strip()[codes.end() :].strip(" #")
            above = text[: found.start()].splitlines()[-2:-1]  # or the reason is the comment on the line before
            explained = reason or "D102" in codes[0] or any(line.strip().startswith("#") for line in above)
            assert explained, (path, found[0])


def test_the_guard_stands_before_everything() -> None:
    assert "Guard(server" in (ROOT / "run" / "web.py").read_text("utf-8")
