"""Jobs that are killed at random instants end with every photo in the output exactly once.

A job is killed again and again, and started again until it ends by itself. After each kill, what a
reader of the folder sees is a part of the right result. At the end the files are the same, byte for
byte, as those of an unbroken job, and nothing else is left.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

pytestmark = [
    pytest.mark.kills,
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
]

SCRIPT = Path(__file__).with_name("score_to_be_killed.py")
PHOTOS, SHARDS = 40, 10
WAYS = ("parent in commit", "worker", "one of two invocations", "all at once")
PATIENCE = 300.0
ATTEMPTS = 20
"""Jobs that may end before the kill."""


@dataclass
class Killer:
    """Starts jobs and kills them in a way of its choice; it counts where it hit them."""

    home: Path
    rng: random.Random
    unbroken: dict[str, bytes] = field(default_factory=dict)
    commit_seconds: float = 0.0
    """How long a commit takes."""
    hits: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    """Jobs that came to their end, and were compared."""
    _job: int = 0

    @property
    def out(self) -> Path:
        """The folder of the job that is under way."""
        return self.home / f"scores-{self._job}"

    def start(self, processes: int) -> subprocess.Popen[bytes]:
        """Start the job, or go on with it, in a process group of its own."""
        paths = (self.home / "list.csv", self.out, self.home / f"log-{self._job}")
        command = [sys.executable, str(SCRIPT), *map(str, paths), str(processes)]
        path = os.pathsep.join((str(SCRIPT.parents[2]), os.environ.get("PYTHONPATH", "")))
        with (self.home / "errors.log").open("ab") as errors:
            return subprocess.Popen(
                command,
                env=os.environ | {"PYTHONPATH": path},
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )

    def kill_once(self, way: str) -> None:
        """Start or go on until a process was killed in this way; jobs that end are compared."""
        for _ in range(ATTEMPTS):
            processes = 1 if way in ("parent in commit", "one of two invocations") else 2
            group = [self.start(processes) for _ in range(1 + (way == "one of two invocations"))]
            killed = self._kill(group[0], way)
            self.hits[way] += killed
            self._end(group, way, killed=killed)
            if killed:
                return
        pytest.fail(f"no kill of {way} hit a running job in {ATTEMPTS} attempts")

    def finish(self) -> None:
        """Let the job that is under way come to its end."""
        self._end([self.start(1)], "", killed=False)

    def _kill(self, process: subprocess.Popen[bytes], way: str) -> bool:
        """Kill what the way says at a random instant; return whether it was still running."""
        assert process.stdout is not None
        if process.stdout.read(1) == b"":
            return False
        # Found before the instant is chosen, because a busy machine takes its time to list them.
        workers = workers_of(process.pid)
        in_commit = way == "parent in commit"
        begun = self.rng.randint(0, SHARDS // 2)
        while begun and (event := process.stdout.read(1)):
            begun -= event == b"W"
        # Shards take a fifth of a second, so that this hits any part of one.
        time.sleep(self.rng.uniform(0, self.commit_seconds if in_commit else 0.3))
        victims = {"worker": workers[:1], "all at once": [process.pid, *workers]}.get(
            way, [process.pid]
        )
        if process.poll() is not None or not victims:
            return False
        for victim in victims:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                return False
        return True

    def _end(self, group: list[subprocess.Popen[bytes]], way: str, *, killed: bool) -> None:
        """Wait for all processes, workers included; compare what a completed job leaves."""
        for process in group:
            process.communicate(timeout=PATIENCE)  # ends when no worker has the pipe any more
        codes = [process.returncode for process in group]
        assert set(codes) <= {0, -signal.SIGKILL}, (self.home / "errors.log").read_text()[-3000:]
        # What lives on after the kill has to finish the job.
        if way in ("worker", "one of two invocations"):
            assert 0 in codes
        self.look()
        if 0 in codes:
            self._compare()

    def look(self) -> None:
        """Require that all files that a reader sees are whole and right."""
        for path in self.out.glob("*.parquet"):
            assert path.read_bytes() == self.unbroken[path.name], path
            parquet.read_table(path)

    def _compare(self) -> None:
        assert files_of(self.out) == self.unbroken
        left = {path.name for path in self.out.rglob("*") if path.is_file()}
        assert {name for name in left if name.endswith((".tmp", ".lock"))} == set()
        self.finished += 1
        self._job += 1


def files_of(out: Path) -> dict[str, bytes]:
    """Return all files that a reader of the folder sees."""
    return {path.name: path.read_bytes() for path in out.glob("*.parquet")}


def workers_of(parent: int) -> list[int]:
    """Return the worker processes of a job, from the table of all processes."""
    # Without -ww, ps cuts long lines where COLUMNS is set.
    command = ["ps", "-ww", "-A", "-o", "pid=", "-o", "ppid=", "-o", "args="]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    lines = [line.split(None, 2) for line in found.stdout.splitlines()]
    return [int(pid) for pid, above, args in lines if int(above) == parent and "spawn_main" in args]


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Killer:
    home = tmp_path_factory.mktemp("kills")
    lines = ["path"]
    for number in range(PHOTOS):
        (home / f"{number}.jpg").write_text("milk" if number % 2 else "juice", encoding="utf-8")
        lines.append(f"{number}.jpg")
    (home / "list.csv").write_text("\n".join(lines), encoding="utf-8")
    killer = Killer(home, random.Random(0))
    process = killer.start(1)
    assert process.stdout is not None
    times = []
    while process.stdout.read(1):
        times.append(time.perf_counter())
    assert process.wait(PATIENCE) == 0, (home / "errors.log").read_text()[-3000:]
    killer.unbroken = files_of(killer.out)
    killer.commit_seconds = times[-1] - times[-2]
    killer.finish()
    return killer


def test_the_unbroken_job_has_every_photo_once(killer: Killer) -> None:
    out = killer.home / "scores-0"
    ids = [
        name
        for path in out.glob("*.parquet")
        for name in parquet.read_table(path)["id"].to_pylist()
    ]
    assert sorted(ids) == sorted(f"{number}.jpg" for number in range(PHOTOS))


def test_killed_jobs_end_as_the_unbroken_one_to_the_byte(
    killer: Killer, fuzz_count: Callable[[int, int], int]
) -> None:
    for number in range(fuzz_count(3, 20)):
        killer.kill_once(WAYS[number % len(WAYS)])
    killer.finish()
    hits = ", ".join(f"{count} {way}" for way, count in sorted(killer.hits.items()))
    print(
        f"\n{sum(killer.hits.values())} kills ({hits}); {killer.finished} jobs came to their end, "
        "each the same as the unbroken one to the byte"
    )
