"""Predicting: a classifier against Keras's own calls and against ONNX Runtime, as ratios.

Run it once for each backend: ``KERAS_BACKEND=jax python benchmarks/predicting.py``. The file for
ONNX Runtime is written where tensorflow, tf2onnx and onnxruntime are installed. Every call takes
turns with the one that it is held against, one by one, and the raw call of ONNX Runtime uses the
predictor's own session: a second session's threads would spin on the cores that the first needs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import shelfvision as shv
from shelfvision._keras.backend import backend_name

Pixels = npt.NDArray[np.uint8]
Call = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """How long two calls took that took turns."""

    ours: float
    """Median seconds of our call."""
    theirs: float
    """Median seconds of the other."""
    ratio: float
    """Median of ours over theirs, turn by turn."""
    low: float
    """The lower quartile of that."""
    high: float
    """The upper quartile of that."""


def seconds(call: Call) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def in_turns(ours: Call, theirs: Call, turns: int) -> Pair:
    """Let two calls take turns, each going first every second time."""
    for call in (ours, theirs) * 3:
        call()
    taken = np.array(
        [
            (seconds(ours), seconds(theirs)) if turn % 2 else (seconds(theirs), seconds(ours))[::-1]
            for turn in range(turns)
        ]
    )
    ratios = taken[:, 0] / taken[:, 1]
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75)).tolist()
    mine, other = np.median(taken, axis=0).tolist()
    return Pair(ours=mine, theirs=other, ratio=middle, low=low, high=high)


def exported(classifier: shv.Classifier, threads: int | None) -> shv.export.Predictor:
    """Return what runs the classifier's ONNX file."""
    with tempfile.TemporaryDirectory() as place:
        path = str(Path(place) / "model.onnx")
        classifier.export(path)
        return shv.export.Predictor(path, threads=threads)


def tell(name: str, pair: Pair) -> None:
    """Print a line about two calls."""
    print(
        f"  {name:38} {pair.ours * 1e3:8.3f} ms against {pair.theirs * 1e3:8.3f} ms: "
        f"{pair.ratio:5.2f} (half of the turns {pair.low:.2f} to {pair.high:.2f})",
        flush=True,
    )


def latency(
    classifier: shv.Classifier, model: Any, one: Pixels, options: argparse.Namespace
) -> None:
    """Compare the ways to predict one array."""
    print(f"{backend_name()}, one array, {options.turns} turns")
    keras = in_turns(
        lambda: classifier.predict(one[0]),
        lambda: np.asarray(model.predict_on_batch(one)),
        options.turns,
    )
    tell("Classifier.predict, predict_on_batch", keras)
    if not all(map(find_spec, ("tensorflow", "onnxruntime", "tf2onnx"))):
        return
    predictor = exported(classifier, options.threads)
    session = predictor._session.runner._run  # type: ignore[attr-defined]  # noqa: SLF001  (its own)
    pairs: dict[str, tuple[Call, Call]] = {
        "Classifier.predict, raw ONNX Runtime": (
            lambda: classifier.predict(one[0]),
            lambda: session(None, {"image": one}),
        ),
        "Predictor.predict, raw ONNX Runtime": (
            lambda: predictor.predict(one[0]),
            lambda: session(None, {"image": one}),
        ),
    }
    for name, calls in pairs.items():
        tell(name, in_turns(*calls, options.turns))


def throughput(
    classifier: shv.Classifier, model: Any, images: Pixels, options: argparse.Namespace
) -> None:
    """Compare many arrays in one call with Keras's calls batch by batch."""
    many = np.tile(images, (-(-options.images // len(images)), 1, 1, 1))[: options.images]
    print(f"{backend_name()}, {len(many)} arrays, {options.rounds} turns")
    for size in (32, 128):

        def batch_by_batch(size: int = size) -> None:
            for start in range(0, len(many), size):
                np.asarray(model.predict_on_batch(many[start : start + size]))

        # Compiled for both batch sizes before the clock runs.
        classifier.predict(many[:200])
        model.predict_on_batch(many[:size])
        times = [
            (seconds(lambda: classifier.predict(many)), seconds(batch_by_batch))
            for _ in range(options.rounds)
        ]
        ratio = statistics.median(theirs / ours for ours, theirs in times)
        ours, theirs = (len(many) / statistics.median(side) for side in zip(*times, strict=True))
        print(
            f"  predict {ours:6.0f}/s, predict_on_batch of {size:3} {theirs:6.0f}/s: {ratio:.2f}",
            flush=True,
        )


def main() -> None:
    """Print latency of one array and throughput of many, as ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=10_000, help="how many for throughput")
    parser.add_argument("--turns", type=int, default=400, help="of one array")
    parser.add_argument("--rounds", type=int, default=3, help="of the many arrays")
    parser.add_argument("--threads", type=int, help="of ONNX Runtime; by default its own choice")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    model = shv.build_model(5)
    classifier = shv.Classifier.from_model(model, class_names=list("abcde"))
    images = np.random.default_rng(0).integers(0, 256, (32, 100, 100, 3), dtype=np.uint8)
    latency(classifier, model, images[:1], options)
    if options.images:
        throughput(classifier, model, images, options)


if __name__ == "__main__":
    main()
