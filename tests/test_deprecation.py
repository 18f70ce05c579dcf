"""A name that goes says so first: to programs, to type checkers and in the documentation."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typing_extensions import deprecated

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))


@deprecated("`old_counts` is deprecated since 0.9 and goes in 0.11; use `counts`")
def old_counts(labels: list[str]) -> dict[str, int]:
    """Count labels.

    .. deprecated:: 0.9
        Use `counts`, which gives the same.
    """
    return {label: labels.count(label) for label in labels}


@deprecated("`labels` is deprecated since 0.9 and goes in 0.11; use `names`", stacklevel=2)
def labels_as_names(labels: list[str]) -> list[str]:
    """Return what the old parameter of `share` was given.

    .. deprecated:: 0.9
        Use `names`.
    """
    return labels


def share(name: str, names: list[str] | None = None, *, labels: list[str] | None = None) -> float:
    """Return the share of a name; its parameter `names` was called `labels`."""
    chosen = labels_as_names(labels) if labels is not None else names or []
    return chosen.count(name) / len(chosen)


def test_a_renamed_parameter_works_and_warns_in_the_line_of_the_caller() -> None:
    with pytest.warns(DeprecationWarning, match=r"`labels` .* goes in 0\.11; use `names`") as told:
        assert share("can", labels=["can", "jar"]) == 0.5
    assert told[0].filename == __file__
    assert told[0].lineno == line_of("assert share(")
    assert share("can", ["can", "jar"]) == 0.5


def test_a_call_warns_in_the_line_of_the_caller() -> None:
    with pytest.warns(
        DeprecationWarning, match=r"since 0\.9 and goes in 0\.11; use `counts`"
    ) as told:
        assert old_counts(["can", "can"]) == {"can": 2}
    assert [warning.filename for warning in told] == [__file__]
    assert told[0].lineno == line_of("assert old_counts")


def test_a_program_sees_the_warning_without_asking(tmp_path: Path) -> None:
    # Python shows a DeprecationWarning only where it arises in the program itself: hence the line
    # of the caller, not ours, has to be the one that warns.
    program = tmp_path / "program.py"
    program.write_text("from test_deprecation import old_counts\nold_counts([])\n", "utf-8")
    done = subprocess.run(
        [sys.executable, str(program)],
        env={"PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{program}:2: DeprecationWarning: `old_counts` is deprecated" in done.stderr


def test_what_tells_a_type_checker_and_the_docs_stands_on_the_function() -> None:
    message = old_counts.__deprecated__  # type: ignore[attr-defined]  # PEP 702 adds it
    assert says_all(message)
    assert ".. deprecated:: 0.9" in (inspect.getdoc(old_counts) or "")
    assert inspect.signature(old_counts).return_annotation == "dict[str, int]"


def test_all_that_is_deprecated_in_the_library_is_so_in_this_way() -> None:
    sources = {path.name: path.read_text(encoding="utf-8") for path in SOURCES}
    assert {name: found for name, text in sources.items() if (found := faults(text))} == {}


def test_other_ways_of_deprecating_would_be_found() -> None:
    assert faults(Path(__file__).read_text(encoding="utf-8").split("def test_")[0]) == []
    assert faults('@deprecated("use the new one")\n".. deprecated:: 0.9"') != []
    assert faults('@deprecated("`a` is deprecated since 0.9 and goes in 1.0; use `b`")') != []
    assert faults("warnings.warn('old', DeprecationWarning)") != []


def faults(text: str) -> list[str]:
    """Return what is wrong with how a file deprecates."""
    messages = re.findall(r'@deprecated\(\s*"([^"]*)"', text)
    found = [f"says too little: {message}" for message in messages if not says_all(message)]
    if text.count("@deprecated(") != len(re.findall(r"\.\. deprecated:: \d", text)):
        found.append("not every deprecated function has a note in its docstring")
    if "DeprecationWarning" in text:
        found.append("warns by itself, where type checkers do not see it")
    return found


def says_all(message: str) -> bool:
    """Tell whether a message names what goes, since when, until when, and what takes its place."""
    form = r"`[\w.]+` is deprecated since \d+\.\d+ and goes in \d+\.\d+; use .+"
    return re.fullmatch(form, message) is not None


def line_of(text: str) -> int:
    """Return the number of the line of this file that has `text` as code."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.strip().startswith(text))
