"""What each extra costs: its installed size, and the time that its packages take to import.

    python benchmarks/installing.py dist/shelfvision-*.whl
    python benchmarks/installing.py dist/shelfvision-*.whl plot onnx

Each extra is installed into a new environment of the running Python, with ``uv``. The sizes are
those of the files before anything is compiled to bytecode; the added size is relative to an
installation without extras. The time is CPU time, which other programs on the machine hardly
change: the shortest of several new interpreters.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 3
MODULES = {
    "": ("shelfvision",),
    "tensorflow": ("tensorflow",),
    "jax": ("jax",),
    "torch": ("torch",),
    "plot": ("matplotlib.figure",),
    "frame": ("narwhals",),
    "heif": ("pillow_heif",),
    "parquet": ("pyarrow.parquet",),
    "scale": ("fsspec", "pyarrow.parquet"),
    "onnx": ("onnxruntime",),
    "litert": ("ai_edge_litert.interpreter",),
    "openvino": ("openvino",),
    "export": ("tf2onnx", "onnxruntime", "ai_edge_litert.interpreter"),
    "pretrained": (),
    "all": (),
}
"""The modules that the library imports for each extra; it imports them when they are used."""
PROGRAM = "import time; t = time.process_time(); import {}; print(time.process_time() - t)"


def megabytes(folder: Path) -> float:
    """Return the size of the files in a folder."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def seconds(python: Path, modules: tuple[str, ...]) -> float:
    """Return the shortest CPU time in which a new interpreter imports the modules."""
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [str(python), "-c", PROGRAM.format(", ".join(modules))]
    runs = [
        subprocess.run(command, capture_output=True, text=True, check=True, env=quiet)
        for _ in range(ROUNDS + 1)  # the first one writes the bytecode
    ]
    return min(float(run.stdout.split()[-1]) for run in runs[1:])


def measured(wheel: str, extra: str, folder: Path) -> tuple[float, float | None]:
    """Return size in MB and CPU seconds of the import of an installation with one extra."""
    wanted = f"shelfvision[{extra}] @ {Path(wheel).resolve().as_uri()}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run(["uv", "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    install = ["uv", "pip", "install", "-q", "--python", str(python), wanted]
    subprocess.run(install, check=True)
    size = megabytes(folder)
    modules = MODULES[extra]
    return size, seconds(python, modules) if modules else None


def main() -> None:
    """Print a table of the chosen extras, by default of all but torch."""
    wheel, *extras = sys.argv[1:]
    base = 0.0
    print("extra           MB  added MB  import")
    for extra in ["", *(extras or [name for name in MODULES if name not in ("", "torch")])]:
        folder = Path(tempfile.mkdtemp(prefix="shelfvision-"))
        try:
            size, spent = measured(wheel, extra, folder)
        finally:
            shutil.rmtree(folder)
        base = base or size
        shown = "" if spent is None else f"{spent:5.2f} s"
        print(f"{extra or '(none)':12} {size:5.0f}  {size - base:8.0f}  {shown}", flush=True)


if __name__ == "__main__":
    main()
