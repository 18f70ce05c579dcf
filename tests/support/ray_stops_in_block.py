"""Run the program for Ray Data so that its workers stop within a block, to be killed there.

Ray Data writes the ids of a block, then its data, and then commits the ids by renaming their file.
``python ray_stops_in_block.py stop MODEL MANIFEST OUT ROWS`` stops before the data in every other
block, and before the commit in the others. With ``keep`` in place of ``stop``, the program runs to
its end without the step that removes what an earlier call did not commit.
"""

from __future__ import annotations

import runpy
import sys
import time
from pathlib import Path
from typing import Any

import ray

PROGRAM = Path(__file__).parents[2] / "examples" / "scale" / "score_with_ray.py"


def stop_in_each_block() -> None:
    """Make a worker wait for its end in the first block that it finishes."""
    from ray.data.checkpoint.checkpoint_writer import BatchBasedCheckpointWriter as Writer

    write = Writer.write_pending_checkpoint

    def write_and_stop(self: Any, ids: Any, checkpoint_id: str) -> Any:
        pending = write(self, ids, checkpoint_id)
        if int(checkpoint_id[-1]) % 2 == 0:
            time.sleep(3600)
        return pending

    Writer.write_pending_checkpoint = write_and_stop
    Writer.commit_checkpoint = lambda *_: time.sleep(3600)


def keep_what_is_not_committed() -> None:
    """Leave out the step that removes ids and data without a commit."""
    from ray.data.checkpoint.checkpoint_filter import CheckpointManager

    CheckpointManager._clean_pending_checkpoints = lambda *_: None


if __name__ == "__main__":
    if sys.argv[1] == "stop":
        ray.init(runtime_env={"worker_process_setup_hook": stop_in_each_block})
    else:
        keep_what_is_not_committed()
        ray.init()
    runpy.run_path(str(PROGRAM))["main"](*sys.argv[2:])
