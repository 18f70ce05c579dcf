"""A small job for `test_kills`, in a process of its own; it tells when it commits a file.

It writes ``W`` before a commit, and ``w`` after it, from whichever process commits. Started worker
processes import this module again, so they tell, too.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from shelfvision.scale.jobs import _work
from shelfvision.scale.jobs._job import Model, run_job, started_job
from shelfvision.scale.jobs._parts import commit_part
from shelfvision.scale.jobs._source import ListOptions, photo_list
from support.plain_scoring import PlainScoring

if TYPE_CHECKING:
    import pyarrow as pa

    from shelfvision.scale.jobs._folder import JobFolder
    from shelfvision.scale.jobs._parts import PartRecord
    from shelfvision.scale.jobs._plan import JobPlan

SHARD_SIZE = 4


def commit(folder: JobFolder, plan: JobPlan, shard: int, table: pa.Table) -> PartRecord:
    """Commit a file and tell it."""
    os.write(1, b"W")
    record = commit_part(folder, plan, shard, table)
    os.write(1, b"w")
    return record


_work.commit_part = commit  # type: ignore[attr-defined]  # it imports this function


def main(manifest: str, out: str, log: str, processes: int) -> None:
    """Run the job, or continue it."""
    scoring = PlainScoring(log=log, seconds=0.2)
    model = Model(name="m.onnx", sha256="a" * 64, class_names=("juice", "milk"), scoring=scoring)
    photos = photo_list(manifest, ListOptions())
    job = started_job(out, photos, model, {}, shard_size=SHARD_SIZE, processes=processes)
    status = run_job(job, processes=processes)
    assert status.is_complete


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
