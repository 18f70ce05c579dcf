"""Embedding: a pretrained classifier's ``embed`` against ONNX Runtime on the same weights.

Run it once for each backend: ``KERAS_BACKEND=jax python benchmarks/embedding.py``. It needs the
extra ``pretrained``. ONNX Runtime takes part where tensorflow, onnx, tf2onnx and onnxruntime are
installed; another process writes its file. Ratios are the time of ONNX Runtime divided by that of
``embed``, for wall-clock time and for CPU time, which a busy machine changes less. ``--cores 1``
uses a single core, where no thread waits for another one.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

import shelfvision as shv
from shelfvision._keras.backend import backend_name, load_keras

Pixels = npt.NDArray[np.uint8]
Rates = dict[str, tuple[float, float]]


def measured(calls: dict[str, Callable[[], object]], images: int, rounds: int) -> Rates:
    """Return the median milliseconds an image, of the clock and the processor, by turns."""
    clock: dict[str, list[float]] = {name: [] for name in calls}
    processor: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            start, used = time.perf_counter(), time.process_time()
            call()
            clock[name].append((time.perf_counter() - start) / images * 1e3)
            processor[name].append((time.process_time() - used) / images * 1e3)
    return {
        name: (statistics.median(clock[name]), statistics.median(processor[name])) for name in calls
    }


def write_network(path: str, architecture: str) -> None:
    """Write the network below its last layer as ONNX; the backend is tensorflow."""
    keras = load_keras()
    model = shv.build_model(2, architecture=architecture, weights="imagenet")
    body = keras.Model(model.inputs, model.get_layer("pool").output)
    spec = keras.InputSpec(shape=model.input_shape, dtype="uint8", name="image")
    body.export(path, format="onnx", input_signature=[spec], opset_version=18, verbose=False)


def onnx_calls(
    architecture: str, images: Pixels, sizes: tuple[int, ...], threads: int
) -> dict[str, Callable[[], object]]:
    """Return raw calls of ONNX Runtime on the same network, batch by batch."""
    onnxruntime = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    with tempfile.TemporaryDirectory() as place:
        path = str(Path(place) / "model.onnx")
        command = [sys.executable, __file__, "--architecture", architecture, "--write", path]
        environment = os.environ | {"KERAS_BACKEND": "tensorflow"}
        subprocess.run(command, env=environment, check=True, capture_output=True)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(size: int) -> list[object]:
        starts = range(0, len(images), size)
        return [session.run(None, {name: images[start : start + size]}) for start in starts]

    return {f"onnxruntime, batch {size}": lambda size=size: run(size) for size in sizes}  # type: ignore[misc]  # the default fixes the size


def main() -> None:
    """Print milliseconds an image and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default="efficientnet_lite0")
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cores", type=int, help="how many cores to use (Linux)")
    parser.add_argument("--write", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.write:
        write_network(chosen.write, chosen.architecture)
        return
    cores = os.cpu_count() or 1
    if chosen.cores is not None:
        cores = chosen.cores
        # Before a backend starts, because backends count the cores that they may use.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    model = shv.build_model(2, architecture=chosen.architecture, weights="imagenet")
    classifier = shv.Classifier.from_model(model, class_names=["a", "b"])
    shape = (chosen.images, *classifier.image_size, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    calls: dict[str, Callable[[], object]] = {"embed": lambda: classifier.embed(images)}
    if all(map(find_spec, ("tensorflow", "onnx", "onnxruntime", "tf2onnx"))):
        calls |= onnx_calls(chosen.architecture, images, (1, 8, 32), cores)
    found = measured(calls, chosen.images, chosen.rounds)
    print(f"{backend_name()}, {chosen.architecture}, {shape[1]} x {shape[2]}, {cores} cores")
    print(f"  {'ms per image':24} {'clock':>7} {'CPU':>7} {'clock ratio':>12} {'CPU ratio':>10}")
    own = found["embed"]
    for name, (seconds, used) in found.items():
        ratios = f"{seconds / own[0]:12.2f} {used / own[1]:10.2f}"
        print(f"  {name:24} {seconds:7.1f} {used:7.1f} {ratios}")


if __name__ == "__main__":
    main()
