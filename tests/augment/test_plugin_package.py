"""The example package of the how-to: built, installed elsewhere, and used by name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "examples" / "augmenter-plugin"
GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "write-your-own-augmenter.md"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the package was installed, without a network."""
    pytest.importorskip("hatchling")
    pytest.importorskip("pip")
    place = tmp_path_factory.mktemp("installed")
    source = shutil.copytree(PACKAGE, tmp_path_factory.mktemp("source") / "plugin")
    command = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index")
    subprocess.run(
        [*command, "--no-build-isolation", "--target", str(place), str(source)], check=True
    )
    return place


def run(code: str, path: Path) -> str:
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.mark.slow
def test_its_names_are_known_before_it_is_imported(installed: Path) -> None:
    code = """
import sys
from shelfvision.augment import available_augmenters
print({"fog", "Frost"} <= set(available_augmenters()), "shelfvision_freezer" in sys.modules)
"""
    assert run(code, installed).split() == ["True", "False"]


def test_a_recipe_makes_its_augmenters_and_they_make_copies(installed: Path) -> None:
    code = """
import shelfvision as shv
recipe = {"name": "OneOf", "augmenters": [{"name": "fog"}, {"name": "Frost", "cover": 0.2}]}
augmenter = shv.augment.from_dict(recipe)
shv.testing.check_augmenter(augmenter)
photos = shv.samples.render_products({"Can": 4, "Jar": 2})
train = shv.BalancingAugmenter(augmenter).balance(photos)
assert (train[7][0] != train[5][0]).any()
print(shv.augment.to_dict(augmenter) == shv.augment.to_dict(shv.augment.from_dict(
    shv.augment.to_dict(augmenter))), train.class_counts)
"""
    assert run(code, installed) == "True {'Can': 4, 'Jar': 4}\n"


@pytest.mark.slow
def test_its_own_tests_pass(installed: Path) -> None:
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir")
    answer = subprocess.run(
        [*command, str(PACKAGE), str(PACKAGE / "tests")],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=installed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout


def test_the_guide_shows_the_code_of_the_package(installed: Path) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    shown = re.findall(r"^```{literalinclude} (.+)$", guide, re.MULTILINE)
    settings = (PACKAGE / "pyproject.toml").resolve()
    assert [(GUIDE.parent / path).resolve() for path in shown] == [settings]
    code = (PACKAGE / "src" / "shelfvision_freezer" / "__init__.py").read_text(encoding="utf-8")
    for line in code[code.index("veil =") :].splitlines():
        if line.strip() and '"""' not in line and not line.strip().startswith(("def ", "class ")):
            assert line in guide
