"""What the package declares agrees: dependencies, extras, `doctor` and the recipe for conda."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml  # type: ignore[import-untyped]  # it has no types

from shelfvision._cli._doctor import BACKENDS, EXTRAS
from shelfvision._versions import DISTRIBUTIONS

ROOT = Path(__file__).parents[1]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL: dict[str, list[str]] = DECLARED["optional-dependencies"]


def test_doctor_knows_every_extra() -> None:
    assert {*EXTRAS, *BACKENDS, "all"} == set(OPTIONAL)


def test_all_has_every_extra_and_one_backend() -> None:
    (itself,) = OPTIONAL["all"]
    chosen = re.fullmatch(r"shelfvision\[(.+)\]", itself)
    assert chosen
    assert set(chosen[1].split(",")) == {*EXTRAS, "tensorflow"}


def test_a_bug_report_has_the_version_of_every_dependency() -> None:
    required = {re.split(r"[<>=~!\[;]", line)[0].strip() for line in DECLARED["dependencies"]}
    assert required <= set(DISTRIBUTIONS)


def test_the_conda_recipe_requires_what_the_package_requires() -> None:
    text = (ROOT / "packaging" / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    recipe = yaml.safe_load(text)
    needed = {line.replace(" ", "") for line in recipe["requirements"]["run"]}
    assert needed - {"python>=${{python_min}}"} == set(DECLARED["dependencies"])
    assert recipe["context"]["version"] == DECLARED["version"]
    assert DECLARED["requires-python"] == f">={recipe['context']['python_min']}"
    (entry,) = recipe["build"]["python"]["entry_points"]
    assert entry == f"shelfvision = {DECLARED['scripts']['shelfvision']}"
