"""A job of Ray Data whose worker ends once by itself, while errors of blocks are ignored.

``python ray_worker_leaves.py MARK actors`` uses a fixed pool of one actor, ``tasks`` uses tasks. It
makes the file MARK when the worker ends, and prints the number of rows at the end.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import ray

N_BLOCKS = 8


class Leaver:
    """Return each batch unchanged, and leave at the third block, but once only."""

    def __init__(self, mark: str) -> None:
        self.mark = Path(mark)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return a batch, or leave."""
        if batch["id"][0] == 2 and not self.mark.exists():
            self.mark.touch()
            sys.exit(0)
        return batch


def main(mark: str, way: str) -> None:
    """Run the job."""
    ray.data.DataContext.get_current().max_errored_blocks = -1
    rows = ray.data.range(N_BLOCKS, override_num_blocks=N_BLOCKS)
    if way == "actors":
        pool = ray.data.ActorPoolStrategy(size=1)
        rows = rows.map_batches(Leaver, fn_constructor_args=(mark,), compute=pool)
    else:
        rows = rows.map_batches(Leaver(mark).__call__)
    print(f"{rows.count()} rows", flush=True)


if __name__ == "__main__":
    ray.init(num_cpus=2)
    main(*sys.argv[1:])
