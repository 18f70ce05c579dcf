"""Measure the structure of the package; ``python tests/support/structure.py`` prints the figures.

They describe what makes a package readable for people who did not write it: rooms that use each
other through public modules only, values without base classes of ours, no import cycle, short files
and functions, and folders with few modules.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import shelfvision

PACKAGE = Path(shelfvision.__file__).parent
MOST_MODULES = 16
MOST_LINES = 350
MOST_LINES_OF_A_FUNCTION = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Everything that is measured; empty collections are the target."""

    n_files: int
    n_lines: int
    comment_share: float
    """The share of lines that are comments, docstrings not counted."""
    function_lengths: tuple[int, ...]
    """Lines of each function without its docstring, sorted."""
    private_imports: tuple[tuple[str, str], ...]
    """(file, module) for each import of another room's private module."""
    chains: Mapping[str, tuple[str, ...]]
    """Public classes with a base class of ours, and those bases."""
    cycle: tuple[str, ...]
    """The modules of one import cycle."""
    long_files: Mapping[str, int]
    long_functions: Mapping[str, int]
    crowded_folders: Mapping[str, int]
    twins: Mapping[str, tuple[str, ...]]
    """Classes and functions whose name several rooms give to different things, and these rooms."""

    def __str__(self) -> str:
        """Return the figures, one a line."""
        lengths = self.function_lengths
        median, high = statistics.median(lengths), lengths[int(len(lengths) * 0.9)]
        figures = {
            "function lines": f"median {median:.0f}, 90th percentile {high}, longest {lengths[-1]}",
            "private imports across rooms": len(self.private_imports),
            "public classes with bases of ours": dict(self.chains),
            "import cycles": " -> ".join(self.cycle) or 0,
            f"files over {MOST_LINES} lines": dict(self.long_files),
            f"functions over {MOST_LINES_OF_A_FUNCTION} lines": dict(self.long_functions),
            f"folders with over {MOST_MODULES} modules": dict(self.crowded_folders),
            "names that several rooms define": dict(self.twins),
        }
        first = f"files {self.n_files}, lines {self.n_lines}, comments {self.comment_share:.1%}"
        return "\n".join((first, *(f"{name}: {value or 0}" for name, value in figures.items())))


@dataclass(slots=True)
class _Found:
    """What one walk over the source collects."""

    private: set[tuple[str, str]] = field(default_factory=set)
    graph: dict[str, set[str]] = field(default_factory=dict)
    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)
    lengths: list[int] = field(default_factory=list)
    definitions: dict[str, set[str]] = field(default_factory=dict)
    """The rooms that define a class or a function of each name at the top of a module."""
    lines: int = 0
    comments: int = 0


def measure(root: Path = PACKAGE) -> Structure:
    """Return the figures of a package's source."""
    files = sorted(root.rglob("*.py"))
    found = _Found()
    modules = {_module(path, root) for path in files}
    for path in files:
        _read(path, root, modules, found)
    public = set(shelfvision.__all__)
    folders = {folder: len(list(folder.glob("*.py"))) for folder in {path.parent for path in files}}
    return Structure(
        n_files=len(files),
        n_lines=found.lines,
        comment_share=found.comments / found.lines,
        function_lengths=tuple(sorted(found.lengths)),
        private_imports=tuple(sorted(found.private)),
        chains={
            name: ours
            for name, bases in sorted(found.bases.items())
            if name in public and (ours := tuple(base for base in bases if base in found.bases))
        },
        cycle=_cycle(found.graph),
        long_files={name: n for name, n in found.files.items() if n > MOST_LINES},
        long_functions={n: x for n, x in found.functions.items() if x > MOST_LINES_OF_A_FUNCTION},
        crowded_folders={
            str(folder.relative_to(root)): n - 1
            for folder, n in sorted(folders.items())
            if folder != root and n - 1 > MOST_MODULES
        },
        twins={
            name: tuple(sorted(rooms))
            for name, rooms in sorted(found.definitions.items())
            if len(rooms) > 1
        },
    )


def _read(path: Path, root: Path, modules: set[str], found: _Found) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    rows = text.splitlines()
    name = str(path.relative_to(root))
    found.lines += len(rows)
    found.comments += sum(row.lstrip().startswith("#") for row in rows)
    docs = 0
    for node in ast.walk(tree):
        docs += _lines_of_docstring(node)
        if isinstance(node, ast.ClassDef):
            found.bases[node.name] = tuple(ast.unparse(base) for base in node.bases)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            n = (node.end_lineno or node.lineno) - node.lineno + 1 - _lines_of_docstring(node)
            found.lengths.append(n)
            found.functions[f"{name}:{node.name}"] = n
    found.files[name] = len(rows) - docs
    module = _module(path, root)
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            name_there = node.name.lstrip("_")
            if isinstance(node, ast.ClassDef) or name_there == node.name:
                found.definitions.setdefault(name_there, set()).update(module.split(".")[1:2])
    for target, for_types in _imports(tree, modules):
        if _is_private_elsewhere(module, target):
            found.private.add((name, target))
        if not for_types and target != "shelfvision":
            found.graph.setdefault(module, set()).add(target)


def _module(path: Path, root: Path) -> str:
    parts = ("shelfvision", *path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _lines_of_docstring(node: ast.AST) -> int:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return 0
    return len((ast.get_docstring(node, clean=False) or "").splitlines())


def _imports(tree: ast.Module, modules: set[str]) -> Iterator[tuple[str, bool]]:
    """Yield every module of ours that is imported, and whether only type checkers see it."""
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shelfvision"):
            base = node.module or ""
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield (whole if whole in modules else base), id(node) in typing_only
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("shelfvision"):
                    yield alias.name, id(node) in typing_only


def _is_private_elsewhere(module: str, target: str) -> bool:
    """Whether a module belongs to another room and is private there.

    A room whose own name is private, such as ``shelfvision._storage``, is a low room for all.
    """
    ours, theirs = module.split(".")[1:], target.split(".")[1:]
    return bool(theirs) and ours[:1] != theirs[:1] and any(x.startswith("_") for x in theirs[1:])


def _cycle(graph: Mapping[str, set[str]]) -> tuple[str, ...]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return tuple(error.args[1])
    return ()


if __name__ == "__main__":
    print(measure())
