"""How backends differ: start, speed, memory, and whether a run repeats itself to the bit.

Run ``python benchmarks/backends.py [--photos 256] [--epochs 3] [--runs 2] [tensorflow jax torch]``.
The article's network is trained on noise by `Trainer`, with one thread and with as many as the
backend takes, each run in a process of its own, and again: of the runs of one kind the trained
weights are compared, byte for byte. Speeds are those of the steady epochs, all but the first; on a
machine that others use, CPU time says more.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np

import shelfvision as shv
from shelfvision._keras.backend import load_keras

BACKENDS = ("tensorflow", "jax", "torch")
ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
CLASSES = 5


def train(n_photos: int, epochs: int) -> dict[str, float | str]:
    """Train in this process and return what there is to say about it."""
    images = np.random.default_rng(0).integers(0, 256, (n_photos, 100, 100, 3), dtype=np.uint8)
    photos = shv.Dataset.from_arrays(images, np.arange(n_photos) % CLASSES)
    ends: list[float] = []
    clock = load_keras().callbacks.LambdaCallback(
        on_epoch_end=lambda _epoch, _logs: ends.append(time.process_time())
    )
    trainer = shv.Trainer(epochs=epochs, monitor="loss", callbacks=[clock], verbose=False)
    result = trainer.fit(shv.build_model(CLASSES), photos)
    weights = b"".join(variable.numpy().tobytes() for variable in result.model.variables)
    laps = [end - begin for begin, end in itertools.pairwise(ends)]
    return {
        "CPU s until the first epoch's end": ends[0],
        "CPU ms an image": 1000 * statistics.median(laps) / n_photos,
        "images/s": n_photos / statistics.median(result.timings["seconds"][1:]),
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "loss": result.history["loss"][-1],
        "weights": hashlib.sha256(weights).hexdigest()[:12],
    }


def trained(
    backend: str, threads: dict[str, str], options: argparse.Namespace
) -> dict[str, float | str]:
    """Train in a process of its own."""
    settings = ("photos", "epochs")
    arguments = [f"--{name}={getattr(options, name)}" for name in settings]
    command = [sys.executable, __file__, "--here", *arguments]
    surroundings = os.environ | threads | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    out = subprocess.run(command, check=True, env=surroundings, stdout=subprocess.PIPE, text=True)
    found: dict[str, float | str] = json.loads(out.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Train on every backend and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backends", nargs="*", metavar="BACKEND", help="by default all installed")
    parser.add_argument("--photos", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(train(options.photos, options.epochs)))
        return
    for backend in options.backends or [name for name in BACKENDS if find_spec(name)]:
        for name, threads in {"one thread": ONE_THREAD, "its own threads": {}}.items():
            runs = [trained(backend, threads, options) for _ in range(options.runs)]
            for run in runs:
                told = ", ".join(
                    f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                    for key, value in run.items()
                )
                print(f"{backend}, {name}: {told}", flush=True)
            same = len({run["weights"] for run in runs}) == 1
            print(f"{backend}, {name}: {'the same' if same else 'DIFFERENT'} weights", flush=True)


if __name__ == "__main__":
    main()
