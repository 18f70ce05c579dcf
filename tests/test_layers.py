"""The rooms of the package form floors, and imports point down."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import shelfvision
from support.structure import Structure, measure

PACKAGE = Path(shelfvision.__file__).parent

FLOORS: dict[str, int] = {
    "__main__": 13,
    "_cli": 12,
    "": 11,
    "_versions": 11,
    "cross_validation": 11,
    "scale": 11,
    "sklearn": 11,
    "taxonomy": 11,
    "testing": 11,
    "training": 10,
    "evaluation": 10,
    "gallery": 10,
    "inventory": 10,
    "inference": 9,
    "export": 8,
    "_runtime": 7,
    "auditing": 6,
    "augment": 6,
    "models": 6,
    "regions": 6,
    "samples": 6,
    "predictions": 5,
    "data": 4,
    "boxes": 3,
    "review": 3,
    "_csv": 2,
    "_keras": 2,
    "_pages": 2,
    "_photos": 2,
    "plot": 2,
    "_storage": 1,
    "_class_names": 0,
    "_identifiers": 0,
    "_product_codes": 0,
    "_progress": 0,
    "_random": 0,
    "_skipped": 0,
    "_text": 0,
    "_urls": 0,
    "_validation": 0,
    "_warnings": 0,
    "errors": 0,
    "protocols": 0,
}
"""The floor of every room; the empty name is the façade, ``shelfvision/__init__.py``."""

KERAS_ROOMS = {"_keras", "models", "inference", "export", "training"}
KERAS_MODULES = {"shelfvision.evaluation._explanations"}
BACKENDS = {"keras", "tensorflow", "jax", "torch"}

HEAVY = BACKENDS | {
    *("ai_edge_litert", "fsspec", "jinja2", "matplotlib", "narwhals", "onnx", "onnxruntime"),
    *("openvino", "pandas", "pillow_heif", "pyarrow", "rich", "safetensors", "scipy", "skimage"),
    "sklearn",
    "tf2onnx",
    "yaml",
}
"""Packages that a function may import, so that importing shelfvision stays quick."""

BASES = {"sklearn": {"sklearn"}}
"""Packages whose classes are the bases of a room's classes, so that the room imports them."""

IMPORTERS = {"import_module", "import_extra", "__import__"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import statement, or a call that imports a module named by a string."""

    module: str
    """The importing module."""
    target: str
    """The imported module."""
    line: int
    inside_function: bool
    for_types_only: bool


def room_of(module: str) -> str:
    """Return the room of a module of shelfvision: ``"data"`` for ``shelfvision.data._dataset``."""
    return module.partition(".")[2].partition(".")[0]


def module_name(path: Path, root: Path) -> str:
    parts = ["shelfvision", *path.relative_to(root).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_of(root: Path) -> dict[str, ast.Module]:
    return {
        module_name(path, root): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(root.rglob("*.py"))
    }


def imports_of(module: str, tree: ast.Module, known: Sequence[str]) -> Iterator[Import]:
    def walk(node: ast.AST, *, function: bool, types: bool) -> Iterator[Import]:
        for target in targets_of(node, known):
            yield Import(
                module=module,
                target=target,
                line=getattr(node, "lineno", 0),
                inside_function=function,
                for_types_only=types,
            )
        function = function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for statement in node.body:
                yield from walk(statement, function=function, types=True)
            for statement in node.orelse:
                yield from walk(statement, function=function, types=types)
            return
        for child in ast.iter_child_nodes(node):
            yield from walk(child, function=function, types=types)

    yield from walk(tree, function=False, types=False)


def targets_of(node: ast.AST, known: Sequence[str]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: a relative import"
        base = node.module or ""
        # `from package import module` reaches the module; `from module import name` the module.
        return [f"{base}.{a.name}" if f"{base}.{a.name}" in known else base for a in node.names]
    if isinstance(node, ast.Call) and node.args:
        called = ast.unparse(node.func).rpartition(".")[2]
        first = node.args[0]
        if called in IMPORTERS and isinstance(first, ast.Constant) and isinstance(first.value, str):
            return [first.value]
    return []


def all_imports(root: Path) -> list[Import]:
    modules = modules_of(root)
    return [found for name in modules for found in imports_of(name, modules[name], list(modules))]


def is_ours(name: str) -> bool:
    return name.partition(".")[0] == "shelfvision"


def faults_of_direction(imports: Sequence[Import]) -> list[str]:
    """Return the imports between rooms that do not point to a lower floor."""
    faults = []
    for found in imports:
        ours, theirs = room_of(found.module), room_of(found.target)
        if not is_ours(found.target) or ours == theirs or ours == "":
            continue
        if FLOORS[ours] <= FLOORS[theirs] and (FLOORS[ours] > 0 or found.target == "shelfvision"):
            faults.append(f"{found.module}:{found.line} imports {found.target}, which is no lower")
        elif FLOORS[ours] == 0 and FLOORS[theirs] > 0:
            faults.append(f"{found.module}:{found.line} imports {found.target}, which is above")
    return faults


def faults_of_place(imports: Sequence[Import]) -> list[str]:
    """Return the imports inside functions that keep nothing heavy or optional away."""
    return [
        f"{found.module}:{found.line} imports {found.target} inside a function"
        for found in imports
        if found.inside_function and found.target.partition(".")[0] not in HEAVY
    ]


def faults_of_keras(imports: Sequence[Import]) -> list[str]:
    """Return the imports of Keras or a backend outside its rooms, or when a module is imported."""
    faults = []
    for found in imports:
        if found.target.partition(".")[0] not in BACKENDS or found.for_types_only:
            continue
        if room_of(found.module) not in KERAS_ROOMS and found.module not in KERAS_MODULES:
            faults.append(f"{found.module}:{found.line} imports {found.target} outside its rooms")
        elif not found.inside_function:
            faults.append(f"{found.module}:{found.line} imports {found.target} on import")
    return faults


def faults_of_weight(imports: Sequence[Import]) -> list[str]:
    """Return the imports of heavy packages that happen when a module is imported."""
    return [
        f"{found.module}:{found.line} imports {found.target} on import"
        for found in imports
        if found.target.partition(".")[0] in HEAVY
        and not found.inside_function
        and not found.for_types_only
        and found.target.partition(".")[0] not in BASES.get(room_of(found.module), set())
    ]


def circle_in(imports: Sequence[Import]) -> list[str]:
    """Return the modules of a circle of imports, or nothing."""
    graph: dict[str, set[str]] = {}
    for found in imports:
        if is_ours(found.target) and not found.for_types_only and found.target != "shelfvision":
            graph.setdefault(found.module, set()).add(found.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    return all_imports(PACKAGE)


@pytest.fixture(scope="module")
def structure() -> Structure:
    return measure(PACKAGE)


def test_every_room_has_a_floor() -> None:
    assert {room_of(name) for name in modules_of(PACKAGE)} <= set(FLOORS)


def test_imports_point_down(imports: list[Import]) -> None:
    assert faults_of_direction(imports) == []


def test_no_modules_import_each_other_in_a_circle(imports: list[Import]) -> None:
    assert circle_in(imports) == []


def test_imports_inside_functions_only_keep_heavy_packages_lazy(imports: list[Import]) -> None:
    assert faults_of_place(imports) == []


def test_keras_is_imported_only_in_its_rooms_and_only_when_used(imports: list[Import]) -> None:
    assert faults_of_keras(imports) == []


def test_heavy_packages_are_imported_only_when_used(imports: list[Import]) -> None:
    assert faults_of_weight(imports) == []


def test_no_room_imports_a_private_module_of_another(structure: Structure) -> None:
    """What several rooms need is in ``__init__`` or in a module without an underscore."""
    assert structure.private_imports == ()


def test_functions_files_and_folders_are_short(structure: Structure) -> None:
    assert structure.long_functions == {}
    assert structure.long_files == {}
    assert structure.crowded_folders == {}


def test_public_classes_have_no_base_class_of_ours(structure: Structure) -> None:
    assert structure.chains == {}


def test_a_name_means_one_thing_in_all_rooms(structure: Structure) -> None:
    assert structure.twins == {}


def test_what_the_structure_forbids_is_found(tmp_path: Path) -> None:
    made_up(
        tmp_path,
        {
            "data/_a.py": "from shelfvision.plot._b import b\nclass Dataset(Table): ...\n",
            "data/_b.py": "class Table: ...\ndef f():\n" + 60 * "    print()\n",
            "plot/_b.py": "class Table: ...\ndef b(): ...\n",
            "plot/_c.py": 400 * "b = 1\n",
        },
    )
    found = measure(tmp_path)
    assert found.private_imports == (("data/_a.py", "shelfvision.plot._b"),)
    assert found.chains == {"Dataset": ("Table",)}
    assert found.twins == {"Table": ("data", "plot")}
    assert (found.long_files, found.long_functions) == ({"plot/_c.py": 400}, {"data/_b.py:f": 61})


def made_up(root: Path, files: dict[str, str]) -> list[Import]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return all_imports(root)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("data/finding/_scan.py", "from shelfvision.training import Trainer\n"),
        ("data/finding/_scan.py", "import shelfvision.training\n"),
        ("data/finding/_scan.py", "from shelfvision import predictions\n"),
        ("data/finding/_scan.py", "import shelfvision\n"),
        ("errors.py", "from shelfvision.data import Dataset\n"),
        ("errors.py", "def f():\n    from shelfvision.data import Dataset\n"),
        ("errors.py", "import importlib\nimportlib.import_module('shelfvision.data')\n"),
        ("plot.py", "if TYPE_CHECKING:\n    from shelfvision.data import Dataset\n"),
    ],
)
def test_an_import_that_points_up_is_found(tmp_path: Path, file: str, text: str) -> None:
    rooms = {f"{room}/__init__.py": "" for room in ("data", "predictions", "training")}
    assert faults_of_direction(made_up(tmp_path, {**rooms, file: text}))


def test_a_circle_of_imports_is_found(tmp_path: Path) -> None:
    found = made_up(
        tmp_path,
        {
            "data/_a.py": "from shelfvision.data._b import b\n",
            "data/_b.py": "from shelfvision.data._c import c\n",
            "data/_c.py": "from shelfvision.data import _a\n",
        },
    )
    assert set(circle_in(found)) == {f"shelfvision.data._{name}" for name in "abc"}


def test_a_needless_import_inside_a_function_is_found(tmp_path: Path) -> None:
    found = made_up(tmp_path, {"data/_a.py": "def f():\n    import json\n"})
    assert faults_of_place(found) == ["shelfvision.data._a:2 imports json inside a function"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("data/_a.py", "def f():\n    import keras\n"),
        ("augment/_a.py", "def f():\n    import_module('keras')\n"),
        ("models/_a.py", "import keras\n"),
        ("training/_a.py", "from tensorflow import data\n"),
    ],
)
def test_keras_in_the_wrong_place_is_found(tmp_path: Path, file: str, text: str) -> None:
    assert faults_of_keras(made_up(tmp_path, {file: text}))


def test_a_heavy_package_imported_at_the_top_is_found(tmp_path: Path) -> None:
    assert faults_of_weight(made_up(tmp_path, {"plot.py": "import matplotlib.pyplot as plt\n"}))


def test_only_packages_that_are_not_of_python_itself_count_as_heavy() -> None:
    assert not HEAVY & sys.stdlib_module_names


def test_the_files_of_the_mutation_session_exist() -> None:
    root = Path(__file__).parent.parent
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    rooms = project["tool"]["shelfvision"]["mutants"].values()
    named = [name for room in rooms for name in (*room["files"], *room["tests"])]
    assert [name for name in named if not list(root.glob(name))] == []
