"""``score``: score many photos into a folder of Parquet files, and continue after a crash."""

from __future__ import annotations

import argparse
import sys

from shelfvision._cli._say import complain, say, say_json
from shelfvision._validation import counted
from shelfvision.scale import ScoreStatus, score


def run(chosen: argparse.Namespace) -> int:
    """Run or continue the job; return 1 if no photo could be read."""
    status = score(
        chosen.file,
        chosen.source,
        chosen.out,
        sha256=chosen.sha256,
        root=chosen.root,
        path_column=chosen.path_column,
        keep=tuple(chosen.keep),
        where=dict(chosen.where) or None,
        encoding=chosen.encoding,
        probabilities=chosen.probabilities,
        embed=chosen.embed,
        shard_size=chosen.shard_size,
        processes=chosen.processes,
        threads=chosen.threads,
        dry_run=chosen.dry_run,
        verbose="auto" if sys.stderr.isatty() else 2,
    )
    if chosen.json:
        say_json(status.to_dict())
    else:
        say(status)
    if not chosen.dry_run:
        _tell_speed(status)
    if status.n_failed and status.n_failed == status.n_photos:
        complain("none of the photos could be read; check the paths, or pass --root")
        return 1
    return 0


def _tell_speed(status: ScoreStatus) -> None:
    if status.n_scored:
        speed = status.n_scored / max(status.seconds, 1e-9)
        photos = counted(status.n_scored, "photo")
        complain(f"scored {photos} in {status.seconds:,.1f} s, {speed:,.1f} photos/s")
    else:
        complain("every photo was scored before")
