"""``python -OO`` changes nothing: no assertion and no docstring carries meaning."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import shelfvision

PACKAGE = Path(shelfvision.__file__).parent
EXAMPLES = Path(__file__).parents[1] / "examples"
PROGRAMS = [*PACKAGE.rglob("*.py"), *EXAMPLES.rglob("watch.py"), *EXAMPLES.rglob("service.py")]


def meaning_lost(text: str) -> list[str]:
    """Return the statements that -O or -OO leaves out or changes."""
    return [
        f"line {node.lineno}: {ast.unparse(node)[:60]}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Assert)
        or (isinstance(node, ast.Attribute) and node.attr == "__doc__")
        or (isinstance(node, ast.Name) and node.id in ("__doc__", "__debug__"))
    ]


def test_no_program_rests_on_what_is_left_out() -> None:
    found = {str(path): meaning_lost(path.read_text(encoding="utf-8")) for path in PROGRAMS}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("text", ["assert x", "print(__doc__)", "print(f.__doc__)", "__debug__"])
def test_what_is_left_out_is_found(text: str) -> None:
    assert meaning_lost(text)


def output(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"COLUMNS": "100"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


PROGRAM = """
import numpy as np
import shelfvision as shv
rows = np.tile([[0.9, 0.1], [0.55, 0.45]], (200, 1))
found = shv.Thresholds.for_precision(rows, np.tile([0, 1], 200), precision=0.98)
print(found, found.decide(rows)[:4].tolist())
print(shv.Predictions(rows[:3], ["a", "b"], ["x", "y", "z"]))
for make in (lambda: shv.Thresholds(values=()), lambda: shv.Predictions(rows, ["a"], ["x"])):
    try:
        make()
    except shv.errors.ShelfVisionError as error:
        print(error.code, error.parameter, error)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("-c", PROGRAM),
        ("-m", "shelfvision", "--help"),
        ("-m", "shelfvision", "predict", "--help"),
        (str(EXAMPLES / "watch" / "watch.py"), "--help"),
    ],
    ids=["package", "command line", "predict", "watch"],
)
def test_optimised_programs_print_the_same(arguments: tuple[str, ...]) -> None:
    plain = output(*arguments)
    assert output("-OO", *arguments) == plain
    assert len(plain) > 100
