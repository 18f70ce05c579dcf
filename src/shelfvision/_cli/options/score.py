"""The options of ``score``."""

from __future__ import annotations

import argparse

from shelfvision._cli.options.places import add_place


def add_score_options(sub: argparse.ArgumentParser) -> None:
    """Add the options of ``score``, except those of manifests that other commands have."""
    add_place(
        sub,
        "source",
        kind="read",
        metavar="IN",
        help="the photos: a CSV or Parquet file with a column of paths, or a folder; also by URL",
    )
    text = "the folder for the Parquet files"
    add_place(sub, "out", kind="folder", metavar="OUT", help=text)
    text = "folder or URL that the paths of a manifest start from (default: its folder)"
    add_place(sub, "--root", kind="read", metavar="DIR", help=text)
    sub.add_argument(
        "--keep",
        action="append",
        default=[],
        metavar="C",
        help="also copy this column of the manifest to the output; can be repeated",
    )
    sub.add_argument(
        "--probabilities", action="store_true", help="also write the probability of each class"
    )
    sub.add_argument("--embed", action="store_true", help="also write the embedding of each photo")
    sub.add_argument(
        "--shard-size",
        type=int,
        metavar="N",
        help="number of photos per Parquet file (default: 64 to 10,000, by the number of photos)",
    )
    sub.add_argument(
        "--processes",
        type=int,
        default=1,
        metavar="N",
        help="number of processes (default: %(default)s)",
    )
    sub.add_argument(
        "--threads",
        type=int,
        default=1,
        metavar="N",
        help="number of threads per process (default: %(default)s)",
    )
    sub.add_argument(
        "--dry-run",
        action="store_true",
        help="print how many photos are scored and how many are missing; write nothing",
    )
