"""`show_versions`: the versions that a bug report should contain."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from typing import TextIO

REQUIRED = {
    "jinja2": "jinja2",
    "keras": "keras",
    "numpy": "numpy",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "rich": "rich",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "scipy": "scipy",
    "typing_extensions": "typing-extensions",
}
"""The packages that every installation has, unless it was made without dependencies.

Each import name has the name for pip.
"""
DISTRIBUTIONS = (
    "shelfvision",
    *REQUIRED.values(),
    "tensorflow",
    "tensorflow-cpu",
    "jax",
    "torch",
    "matplotlib",
    "narwhals",
    "pillow-heif",
    "pyarrow",
    "fsspec",
    "onnx",
    "tf2onnx",
    "onnxruntime",
    "ai-edge-litert",
    "openvino",
)
"""Packages whose versions matter, the optional ones last."""


def show_versions(file: TextIO | None = None) -> None:
    """Print the versions of Python, shelfvision and its dependencies for a bug report.

    It imports none of them, so it works with a broken backend.

    Parameters
    ----------
    file : text file, optional
        The output; by default standard output.

    Examples
    --------
    >>> import shelfvision as shv
    >>> shv.show_versions()  # doctest: +ELLIPSIS
    python             3...
    """
    lines = {"python": platform.python_version(), "system": platform.platform()}
    lines |= {name: _version(name) for name in DISTRIBUTIONS}
    out = sys.stdout if file is None else file
    out.writelines(f"{name:18} {version}\n" for name, version in lines.items())


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"
