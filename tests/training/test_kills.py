"""Real training processes, killed at random instants, end as if nothing had happened.

A run is started again and again in one folder until it ends by itself; then all that it leaves is
compared, byte for byte, with what an unbroken run leaves, and a new run begins.
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

import pytest

from shelfvision._keras.backend import load_keras
from support.run_states import newest_state

pytestmark = [
    pytest.mark.kills,
    pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL"),
]

SCRIPT = Path(__file__).with_name("train_to_be_killed.py")
STEPS = 8  # of an epoch
ONE_THREAD = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def start(directory: Path) -> subprocess.Popen[bytes]:
    """Start the run, or go on with it."""
    environment = os.environ | ONE_THREAD | {"KERAS_BACKEND": load_keras().config.backend()}
    # A cache of programs would be there for some starts and not for others.
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    command = [sys.executable, str(SCRIPT), str(directory)]
    with (directory.parent / f"{directory.name}.log").open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log)


def read(process: subprocess.Popen[bytes], events: bytearray, until: Callable[[], bool]) -> None:
    """Read events until they say so, or until there are no more."""
    assert process.stdout is not None
    while not until():
        event = process.stdout.read(1)
        if not event:
            return
        events += event


def read_on(process: subprocess.Popen[bytes], events: bytearray, event: bytes, times: int) -> None:
    """Read until an event has come so many times."""
    read(process, events, lambda: events.count(event) >= times)


def ended(process: subprocess.Popen[bytes], events: bytearray) -> bool:
    """Read what is left and return whether the run ended by itself."""
    read(process, events, lambda: False)
    code = process.wait()
    assert process.stdout is not None
    process.stdout.close()
    assert code in (0, -signal.SIGKILL)
    return code == 0


def where_it_was(events: bytes) -> str:
    """Return where the last event that came out of a killed process leaves it."""
    saving = events.count(b"W") > events.count(b"w")
    steps = len(events.rpartition(b"e")[2].replace(b"W", b"").replace(b"w", b"").strip(b"T"))
    if saving:
        return "while saving"
    return "in mid-epoch" if b"T" in events and 0 < steps < STEPS else "elsewhere"


def ending_of(directory: Path) -> dict[str, object]:
    """Return all that a finished run leaves, as far as it may not differ."""
    state = newest_state(directory)
    parts = ("model", "optimizer", "metrics", "best_model")
    arrays = {part: [value.tobytes() for value in getattr(state, part)] for part in parts}
    files = {name: (directory / name).read_bytes() for name in ("history.csv", "history.json")}
    position = {"stop epoch": state.epoch, "step": state.step, "judgement": dict(state.best)}
    return arrays | files | position | {"callbacks": list(state.callbacks)}


@dataclass
class Killer:
    """Starts runs and kills them in a way of its choice; it counts where it hit them."""

    home: Path
    rng: random.Random
    unbroken: dict[str, object]
    seconds: float
    """How long an unbroken run takes, start included."""
    save_seconds: float
    """How long a save takes, about."""
    hits: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    """Runs that came to their end, and were compared."""
    kills: int = 0
    _run: int = 0

    @property
    def directory(self) -> Path:
        """The folder of the run that is under way."""
        return self.home / f"run-{self._run}"

    def kill_once(self, way: str) -> None:
        """Start or go on until a process has been killed; runs that end before are compared."""
        before = self.kills
        while self.kills == before:
            process, events = start(self.directory), bytearray()
            getattr(self, f"_{way}")(process, events)
            process.kill()
            if ended(process, events):
                self._compare()
            else:
                self.kills += 1
                self.hits[where_it_was(bytes(events))] += 1

    def finish(self) -> None:
        """Let the run that is under way come to its end."""
        process = start(self.directory)
        assert ended(process, bytearray())
        self._compare()

    def _compare(self) -> None:
        assert ending_of(self.directory) == self.unbroken, self.directory
        leftovers = [path.name for path in self.directory.iterdir() if path.suffix == ".tmp"]
        assert leftovers == []
        self.finished += 1
        self._run += 1

    def _step(self, process: subprocess.Popen[bytes], events: bytearray) -> None:
        read_on(process, events, b"s", self.rng.randint(1, 3 * STEPS))
        time.sleep(self.rng.uniform(0, 0.01))

    def _save(self, process: subprocess.Popen[bytes], events: bytearray) -> None:
        read_on(process, events, b"W", self.rng.randint(1, 8))
        time.sleep(self.rng.uniform(0, self.save_seconds))

    def _instant(self, process: subprocess.Popen[bytes], events: bytearray) -> None:
        if self.rng.random() < 0.3:  # importing, building, compiling
            time.sleep(self.rng.uniform(0, self.seconds))
            return
        read_on(process, events, b"T", 1)
        time.sleep(self.rng.uniform(0, self.seconds / 2))


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Killer:
    home = tmp_path_factory.mktemp("kills")
    process, events = start(home / "unbroken"), bytearray()
    began = time.perf_counter()
    read_on(process, events, b"W", 5)
    save_began = time.perf_counter()
    read_on(process, events, b"w", 5)
    save_seconds = time.perf_counter() - save_began
    assert ended(process, events), (home / "unbroken.log").read_text()[-3000:]
    seconds = time.perf_counter() - began
    unbroken = ending_of(home / "unbroken")
    return Killer(home, random.Random(0), unbroken, seconds, save_seconds)


def test_the_unbroken_run_has_what_can_be_lost(killer: Killer) -> None:
    judgement = killer.unbroken["judgement"]
    assert isinstance(judgement, dict)
    assert judgement["waited"] == 6  # it ended itself, out of patience
    assert killer.unbroken["stop epoch"] != 20


def test_killed_runs_end_as_the_unbroken_one_to_the_byte(
    killer: Killer, fuzz_count: Callable[[int, int], int]
) -> None:
    wanted = fuzz_count(1, 20)
    for _ in range(wanted):
        # At any instant, it may end before it is killed, which takes one start more.
        for way in ("step", "save") if wanted == 1 else ("step", "save", "instant"):
            killer.kill_once(way)
    # An aimed shot may miss a save that is over in a few milliseconds.
    for place, way in (("while saving", "save"), ("in mid-epoch", "step")):
        while killer.hits[place] < (wanted if wanted > 1 else 0):
            killer.kill_once(way)
    killer.finish()
    hits = ", ".join(f"{count} {place}" for place, count in sorted(killer.hits.items()))
    print(
        f"\n{load_keras().config.backend()}: {killer.kills} kills ({hits}); {killer.finished} "
        "runs came to their end, each the same as the unbroken one to the byte"
    )
