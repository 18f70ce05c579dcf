"""Documentation tells the truth: its code runs, and it leaves no public name out."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import importlib
import inspect
import io
import itertools
import os
import pkgutil
import re
import textwrap
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import shelfvision
from shelfvision.errors import MissingDependencyError

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

OPTIONAL = {"ai_edge_litert", "onnxruntime", "optuna", "tensorflow", "tf2onnx", "torch"}
"""Packages that a page may need, and without which its code does not run."""

# The README's lines train in earnest; among the checks, `nox -s demo` runs them from the wheel.
PAGES = [
    path
    for path in sorted(DOCS.rglob("*.md"))
    if "_build" not in path.parts and BLOCK.search(path.read_text(encoding="utf-8"))
]

# A block that begins so is a file that the reader saves.
FILE = re.compile(r"# (\w+\.py)\n")

MODULES = [
    "shelfvision",
    *(module.name for module in pkgutil.walk_packages(shelfvision.__path__, "shelfvision.")),
]


@pytest.fixture
def empty_folder(tmp_path: Path) -> Iterator[Path]:
    """Work in an empty folder for the length of a test."""
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_code_of_a_page_runs_from_top_to_bottom(
    page: Path, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(empty_folder)
    namespace: dict[str, object] = {"__name__": "__main__"}
    text = page.read_text(encoding="utf-8")
    with redirect_stdout(io.StringIO()):
        for block in BLOCK.finditer(text):
            line = text.count("\n", 0, block.start(1))
            file = FILE.match(block.group(1))
            if file:
                (empty_folder / file.group(1)).write_text(block.group(1), encoding="utf-8")
            # Blank lines in front make a traceback name the line of the page.
            try:
                exec(compile("\n" * line + block.group(1), page, "exec"), namespace)
            except ModuleNotFoundError as error:
                if error.name not in OPTIONAL:
                    raise
                pytest.skip(f"the page needs {error.name}, which is not installed")
            except MissingDependencyError as error:
                if not re.search(r"shelfvision\[(pretrained|export|onnx)", str(error)):
                    raise
                pytest.skip(str(error))


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings_show_what_happens(module: str, empty_folder: Path) -> None:
    if module.endswith("__main__"):
        pytest.skip("a program, not a module to import")
    found = doctest.testmod(
        importlib.import_module(module), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert found.failed == 0


def documented() -> set[str]:
    """Return every name that a page of the reference lists, in full."""
    names = set()
    for page in (DOCS / "reference").glob("*.md"):
        module = "shelfvision"
        for line in page.read_text(encoding="utf-8").splitlines():
            current = re.match(r"\.\. currentmodule:: (\S+)", line)
            module = current.group(1) if current else module
            if re.fullmatch(r"   [A-Za-z]\w*", line):
                names.add(f"{module}.{line.strip()}")
    return names


def value_of(name: str) -> object:
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def public_names() -> list[str]:
    """Return every public name in full, as its own room has it."""
    rooms = [name for name in MODULES if re.fullmatch(r"shelfvision\.[a-z]\w*", name)]
    return [f"{room}.{name}" for room in rooms for name in importlib.import_module(room).__all__]


def public_callables() -> Iterator[tuple[str, Callable[..., object]]]:
    """Yield every public function, and every public method of a public class."""
    for name in public_names():
        value = value_of(name)
        if inspect.isfunction(value):
            yield name, value
        for member, found in vars(value).items() if inspect.isclass(value) else ():
            function = getattr(found, "__func__", found)
            if inspect.isfunction(function) and not member.startswith("_"):
                yield f"{name}.{member}", function


def test_the_reference_leaves_no_public_name_out() -> None:
    shown = {id(value_of(name)) for name in documented()}
    text = "".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    missing = [
        name
        for name in public_names()
        if id(value_of(name)) not in shown and f"`{name.rpartition('.')[2]}`" not in text
    ]
    assert missing == []


def test_the_reference_names_nothing_twice() -> None:
    listed = sorted(documented())
    shown = [id(value_of(name)) for name in listed]
    assert [name for name in listed if shown.count(id(value_of(name))) > 1] == []


def test_every_public_parameter_is_described() -> None:
    missing = []
    for name, function in public_callables():
        text = inspect.getdoc(function) or ""
        for parameter in inspect.signature(function).parameters:
            described = re.search(rf"^(.*, )?\*{{0,2}}{parameter}(,.*)? : ", text, re.MULTILINE)
            if parameter not in ("self", "cls") and not described and "\n" in text:
                missing.append(f"{name}({parameter})")
    assert missing == []


def test_every_public_function_says_what_it_returns() -> None:
    missing = []
    for name, function in public_callables():
        text = inspect.getdoc(function) or ""
        silent = inspect.signature(function).return_annotation == "None"
        told = re.search(r"^(Returns|Yields)\n---", text, re.MULTILINE)
        if not silent and not told and not text.startswith(("Return ", "Yield ")):
            missing.append(name)
    assert missing == []


def test_every_field_of_a_public_dataclass_is_described() -> None:
    missing = []
    for name in public_names():
        cls = value_of(name)
        if not inspect.isclass(cls) or not dataclasses.is_dataclass(cls):
            continue
        described = {field for base in cls.__mro__[:-1] for field in described_fields(base)}
        fields = {field.name for field in dataclasses.fields(cls) if not field.name.startswith("_")}
        missing += [f"{name}.{field}" for field in sorted(fields - described)]
    assert missing == []


def described_fields(cls: type) -> set[str]:
    """Return the fields that a docstring follows, and those in the class's own docstring."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    following = {
        field.target.id
        for field, text in itertools.pairwise(tree.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }
    return following | set(re.findall(r"^(\w+) : ", inspect.getdoc(cls) or "", re.MULTILINE))
