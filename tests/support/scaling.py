"""What the tests of engines share: photos, manifests of shards, and programs to kill."""

from __future__ import annotations

import io
import os
import random
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from shelfvision.export import Predictor
from shelfvision.predictions import Prediction

if TYPE_CHECKING:
    import psutil

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "examples" / "scale"
MODEL = ROOT / "tests" / "export" / "golden" / "version-3" / "tiny.onnx"
"""An exported network of three classes with thresholds, which needs no backend."""
PATIENCE = 1800.0
"""Seconds that a program may take on a busy machine."""


def photo(seed: int, *, size: tuple[int, int] = (64, 48), suffix: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize(size).save(file, suffix)
    return file.getvalue()


def bomb() -> bytes:
    """Return a PNG of a few bytes whose header promises 60,000 x 60,000 pixels."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    body = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def write_photos(folder: Path, n: int) -> list[str]:
    """Write photos, and return their paths."""
    folder.mkdir(parents=True)
    paths = [folder / f"photo {number:04}.jpg" for number in range(n)]
    paths[0] = folder / "süß, 100 % é.jpg"
    for seed, path in enumerate(paths):
        path.write_bytes(photo(seed))
    return [str(path) for path in paths]


def write_slow_photos(folder: Path, n: int) -> list[str]:
    """Write photos that take about 15 ms each, links to a few files; return their paths."""
    folder.mkdir(parents=True)
    content = [photo(seed, size=(800, 600), suffix="PNG") for seed in range(8)]
    paths = [folder / f"{number:05}.png" for number in range(n)]
    for number, path in enumerate(paths):
        if number < len(content):
            path.write_bytes(content[number])
        else:
            os.link(paths[number % len(content)], path)
    return [str(path) for path in paths]


def write_broken_photos(folder: Path) -> list[str]:
    """Write ten files that are not photos, two of which do not exist; return their paths."""
    folder.mkdir(parents=True)
    whole = photo(1)
    content = {
        "empty.jpg": b"",
        "truncated.jpg": whole[: len(whole) // 2],
        "truncated.png": photo(1, suffix="PNG")[:40],
        "header.jpg": whole[:20],
        "text.jpg": b"not a photo\n",
        "page.jpg": b"<html><body>404 Not Found</body></html>",
        "noise.jpg": np.random.default_rng(0).bytes(5000),
        "bomb.png": bomb(),
    }
    for name, data in content.items():
        (folder / name).write_bytes(data)
    missing = ("missing.jpg", "no folder/missing.jpg")
    return [str(folder / name) for name in (*content, *missing)]


def write_manifest(folder: Path, paths: Sequence[str], *, shards: int) -> Path:
    """Write the paths as Parquet files in a folder; return the folder."""
    folder.mkdir(parents=True)
    for number in range(shards):
        table = pa.table({"path": paths[number::shards]})
        pq.write_table(table, folder / f"shard-{number:04}.parquet")
    return folder


def parts_of(out: Path) -> list[Path]:
    """Return the Parquet files that readers of a folder read."""
    return sorted(path for path in out.rglob("*.parquet") if not path.name.startswith(("_", ".")))


def n_rows(out: Path) -> int:
    """Return the number of rows in all files of a folder."""
    return sum(pq.ParquetFile(path).metadata.num_rows for path in parts_of(out))


def assert_complete(out: Path, paths: Sequence[str]) -> None:
    """Assert that every photo has one row, bit-equal to what one process says of the same batches.

    Every file of results comes from one call. Other batches change the last digit of a confidence.
    """
    predictor = Predictor(MODEL, threads=1)
    tables = [pq.ParquetFile(path).read() for path in parts_of(out)]
    assert len({table.schema.remove_metadata() for table in tables}) == 1, "schemas differ"
    found = [row for table in tables for row in table.to_pylist()]
    assert sorted(row["path"] for row in found) == sorted(paths)
    for table in tables:
        assert all(is_text(table.schema.field(name).type) for name in ("error", "error_code"))
        answers = predictor.predict(table["path"].to_pylist(), on_error="skip")
        for row, answer in zip(table.to_pylist(), answers, strict=True):
            assert_equal(row, answer)
    alone = dict(zip(paths, predictor.predict(list(paths), on_error="skip"), strict=True))
    for row in found:
        if row["error"] is None:
            assert abs(row["confidence"] - alone[row["path"]].confidence) < 1e-6


def assert_equal(row: Mapping[str, object], answer: Prediction) -> None:
    """Assert that a row says what a prediction says, to the last bit."""
    assert (row["error"], row["decision"]) == (answer.error, answer.decision)
    assert (row["error_code"] is None) == (answer.error is None)
    if answer.error is None:
        assert row["label"] == answer.label
        assert np.float32(float(str(row["confidence"]))) == np.float32(answer.confidence)
    else:
        assert row["label"] in (None, "")
        assert row["confidence"] is None or np.isnan(float(str(row["confidence"])))


def is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def settings(**more: str) -> dict[str, str]:
    """Return the environment for programs of engines: this machine only, no reports."""
    # Workers of Ray give way to all other programs, and starve on a busy machine.
    ray = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    local = {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    return {**os.environ, **ray, **local, **more}


def run(program: str | Path, *arguments: object, env: Mapping[str, str]) -> None:
    """Run a program of the documentation to its end."""
    with started(program, *arguments, env=env) as process:
        assert process.wait(PATIENCE) == 0, log_of(arguments).read_text()[-3000:]


def log_of(arguments: Sequence[object]) -> Path:
    """Return the file beside the output of a program for what it prints."""
    return Path(f"{arguments[-2]}.log")


@contextmanager
def started(
    program: str | Path, *arguments: object, env: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program of the documentation, or one at a path; its output and rows come last."""
    command = [sys.executable, str(PROGRAMS / program), *map(str, arguments)]
    with log_of(arguments).open("ab") as log:
        process = subprocess.Popen(command, env=dict(env), stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        kill_tree(process.pid)
        process.wait()


def kill_tree(pid: int) -> None:
    """Kill a process and everything that it started, as the loss of its machine would."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        found = [parent, *parent.children(recursive=True)]
        for process in found:  # nobody has time to clean up
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(found, timeout=10)


def wait_for(condition: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Wait until something holds; fail where the program ends before."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, f"the program ended early with {process.returncode}"
        assert time.monotonic() < end, "the program did not come so far in time"
        time.sleep(0.02)


def kill_worker(
    program: subprocess.Popen[bytes], is_worker: Callable[[psutil.Process], bool]
) -> None:
    """Kill the busiest process that computes for a program, as soon as one does."""
    found: list[psutil.Process] = []

    def is_found() -> bool:
        # A worker of Ray has another name between two tasks.
        found[:] = workers_of(program.pid, is_worker)
        return bool(found)

    wait_for(is_found, program)
    found[0].kill()


def workers_of(pid: int, is_worker: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """Return the processes that compute for a program, the busiest one first."""
    import psutil

    found = []
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if is_worker(child):
                found.append((child.cpu_times().user, child))
    return [child for _, child in sorted(found, key=lambda pair: -pair[0])]


def run_with_kills(
    program: str, *arguments: object, env: Mapping[str, str], kills: int, mark: str
) -> set[Path]:
    """Kill a program with all its processes at random instants, then run it to its end.

    Each kill waits for two more finished units of work, which have a file that matches `mark`, a
    pattern below the folder of `out`. Returns the files whose rows were finished before the last
    start and are still there, unchanged.
    """
    dice, out = random.Random(kills), Path(str(arguments[2]))
    for _ in range(kills):
        before = len(list(out.parent.glob(mark)))
        with started(program, *arguments, env=env) as process:
            wait_for(lambda: len(list(out.parent.glob(mark))) > before + 1, process)  # noqa: B023
            time.sleep(dice.uniform(0, 0.5))
    there = {path: path.stat().st_mtime_ns for path in parts_of(out)}
    run(program, *arguments, env=env)
    left = {path: path.stat().st_mtime_ns for path in parts_of(out)}
    return {path for path, changed in there.items() if left.get(path) == changed}
