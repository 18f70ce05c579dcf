"""The programs of the page "Train on several devices" run as they are, on two devices."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import shelfvision as shv
from shelfvision._keras.backend import load_keras

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "devices.md"
FLAG = re.compile(r"^XLA_FLAGS=(\S+) KERAS_BACKEND=jax", re.MULTILINE)
BLOCK = re.compile(r"^```py\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.processes
def test_a_program_of_the_page_trains_on_two_devices(
    tmp_path: Path, fuzz_count: Callable[[int, int], int]
) -> None:
    backend = load_keras().config.backend()
    if fuzz_count(0, 1) == 0:
        pytest.skip("runs where --fuzz-share asks for more")
    if backend not in ("jax", "tensorflow"):
        pytest.skip(f"the page has no program for {backend}")
    text = PAGE.read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    (program,) = [block for block in blocks if block.startswith(f"# train_with_{backend}.py")]
    flag = FLAG.search(text)
    assert flag is not None
    environment = os.environ | {"KERAS_BACKEND": backend}
    if backend == "jax":
        environment["XLA_FLAGS"] = flag.group(1)
    else:
        program = "import tensorflow as tf\n" + blocks[-1] + program
    file = tmp_path / f"train_with_{backend}.py"
    file.write_text(program, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, str(file)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.startswith("trained on 2 devices"), run.stdout
    assert shv.Classifier.load(tmp_path / "products.shelf").class_names == ("Can", "Jar")
