"""Score shards in several processes of this machine.

The parent process gives each worker one shard after the other through a separate pipe, so that a
killed worker cannot block the others. A worker that dies is replaced, and its shard is given to
another worker. A worker whose parent dies ends at once.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import NoReturn, TypeAlias

from shelfvision.errors import ShelfVisionError
from shelfvision.scale.jobs._parts import PartRecord
from shelfvision.scale.jobs._work import POLL_SECONDS, Job, Tally, scored_shard

_MOST_DEATHS = 3
"""After so many deaths of workers at one shard, the shard is to blame."""
_JOIN_SECONDS = 5.0

_Found: TypeAlias = tuple[PartRecord, bool] | None


@dataclass(slots=True, eq=False)
class _Worker:
    """A worker process, its pipe, and the shard that it scores."""

    process: SpawnProcess
    pipe: Connection
    shard: int | None = None
    started: bool = False


def score_in_processes(job: Job, shards: Iterable[int], tally: Tally, processes: int) -> None:
    """Score shards in several processes; wait for those that other invocations have claimed."""
    pool = _Workers(job, deque(shards), tally)
    try:
        pool.run(processes)
    finally:
        pool.stop()


class _Workers:
    """The parent's view of all worker processes."""

    def __init__(self, job: Job, pending: deque[int], tally: Tally) -> None:
        self._job = job
        self._pending = pending
        self._tally = tally
        self._workers: list[_Worker] = []
        self._deaths: Counter[int] = Counter()
        self._taken: deque[int] = deque()
        self._look_again = 0.0

    def run(self, processes: int) -> None:
        """Run until every shard is finished."""
        for _ in range(min(processes, len(self._pending))):
            self._workers.append(_started(self._job))
        while self._pending or self._taken or any(w.shard is not None for w in self._workers):
            self._give_out()
            pipes = {worker.pipe: worker for worker in self._workers}
            for ready in wait(list(pipes), POLL_SECONDS):
                self._listen(pipes[ready])  # type: ignore[index]  # only pipes are waited for

    def stop(self) -> None:
        """End all workers; those that are still scoring are terminated."""
        for worker in self._workers:
            with suppress(OSError, ValueError):
                worker.pipe.send(None)
            if worker.shard is not None or not worker.started:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(_JOIN_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()

    def _give_out(self) -> None:
        if self._taken and time.monotonic() >= self._look_again:
            self._pending += self._taken
            self._taken.clear()
        for worker in self._workers:
            if worker.started and worker.shard is None and self._pending:
                shard = self._pending.popleft()
                worker.shard = shard
                # A worker that has died meanwhile is noticed when its pipe is read.
                with suppress(OSError):
                    worker.pipe.send(shard)

    def _listen(self, worker: _Worker) -> None:
        try:
            kind, value = worker.pipe.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            self._replace(worker)
            return
        shard = worker.shard
        if kind == "ready":
            worker.started = True
        elif kind == "failed":
            raise value
        elif kind == "advance" and shard is not None:
            self._tally.advance_shard(shard, value)
        elif kind == "found" and shard is not None:
            worker.shard = None
            self._take(shard, value)

    def _take(self, shard: int, found: _Found) -> None:
        if found is None:
            self._taken.append(shard)
            self._look_again = time.monotonic() + POLL_SECONDS
        else:
            self._tally.finish(shard, found[0], scored=found[1])

    def _replace(self, dead: _Worker) -> None:
        """Start another worker in place of one that has died, and give its shard out again."""
        self._workers.remove(dead)
        dead.process.join(_JOIN_SECONDS)
        # It may live on with a broken pipe.
        dead.process.kill()
        dead.process.join()
        dead.pipe.close()
        if not dead.started:
            _refuse_start(dead.process)
        if dead.shard is not None:
            self._tally.give_up(dead.shard)
            self._deaths[dead.shard] += 1
            if self._deaths[dead.shard] >= _MOST_DEATHS:
                _refuse_shard(self._job, dead.shard, dead.process)
            self._pending.append(dead.shard)
        self._workers.append(_started(self._job))


def _started(job: Job) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=serve_shards, args=(theirs, job), name="shelfvision score", daemon=True
    )
    process.start()
    # The worker has its own copy; with ours closed, the end of the worker ends the pipe.
    theirs.close()
    return _Worker(process, ours)


def serve_shards(pipe: Connection, job: Job) -> None:
    """Score the shards that the parent process sends, until it sends None."""
    # Ctrl-C reaches all processes of the terminal; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # The pipe breaks where the parent process ends.
    with suppress(EOFError, OSError):
        pipe.send(("ready", None))
        while (shard := pipe.recv()) is not None:
            pipe.send(_answer(job, shard, pipe))


def _answer(job: Job, shard: int, pipe: Connection) -> tuple[str, object]:
    try:
        return "found", scored_shard(job, shard, lambda _, n: pipe.send(("advance", n)))
    except Exception as error:  # noqa: BLE001  (the parent process raises it)
        return "failed", _sendable(error)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        # Whatever is half written is a temporary file.
        os._exit(1)


def _sendable(error: Exception) -> Exception:
    try:
        # Exceptions of other libraries may need arguments that they do not keep.
        pickle.loads(pickle.dumps(error))  # noqa: S301  (our own bytes)
    except Exception:  # noqa: BLE001  (whatever they raise)
        text = " ".join(str(error).split())
        return ShelfVisionError(f"{type(error).__name__}: {text}", code="worker-failed")
    return error


def _refuse_start(process: SpawnProcess) -> NoReturn:
    raise ShelfVisionError(
        f"a worker process must start, got its end with {_ending(process)}; in a script, call "
        "score below 'if __name__ == \"__main__\":'",
        code="worker-failed",
        parameter="processes",
    )


def _refuse_shard(job: Job, shard: int, process: SpawnProcess) -> NoReturn:
    raise ShelfVisionError(
        f"worker processes must survive, but {_MOST_DEATHS} ended with {_ending(process)} while "
        f"they scored {job.folder.part(shard).name}; pass fewer processes if memory is short",
        code="worker-failed",
        parameter="processes",
    )


def _ending(process: SpawnProcess) -> str:
    code = process.exitcode
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit status {code}"
