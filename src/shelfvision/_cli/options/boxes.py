"""The options of boxes in shelf photos: a file of annotations, or a detector and its settings."""

from __future__ import annotations

import argparse

from shelfvision._cli.options.places import add_place


def add_box_options(sub: argparse.ArgumentParser, *, boxes: str) -> None:
    """Add ``--boxes``, described by `boxes`, and the options of a detector."""
    add_place(sub, "--boxes", kind="local", metavar="ANNOTATIONS", help=boxes)
    text = "find the boxes with this detector instead"
    add_place(sub, "--detector", kind="local", metavar="ONNX", help=text)
    sub.add_argument("--layout", help="outputs of the detector (default: auto)")
    sub.add_argument(
        "--detector-confidence",
        type=float,
        metavar="C",
        help="lowest score of the detector's boxes (default: 0.25)",
    )
    sub.add_argument("--tile", type=int, metavar="N", help="detect in tiles of N x N pixels")
