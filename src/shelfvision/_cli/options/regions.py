"""The options of ``regions``; this imports no heavy package."""

from __future__ import annotations

import argparse

from shelfvision._cli.options.boxes import add_box_options
from shelfvision._cli.options.places import add_place


def add_regions_options(sub: argparse.ArgumentParser) -> None:
    """Add the photo, the source of its boxes and the files to write."""
    add_place(sub, "photo", kind="local", metavar="PHOTO", help="the photo of a shelf")
    add_box_options(
        sub,
        boxes="boxes of the photo: COCO JSON (.json), PASCAL VOC XML (.xml), YOLO text (.txt), or "
        "a folder of annotations that names the photo",
    )
    sub.add_argument("--context", type=float, help="context margin of crops (default: of FILE)")
    sub.add_argument("--shape", help="shape of crops: box or image (default: of FILE)")
    text = "the annotated photo to write"
    add_place(sub, "-o", "--output", kind="written", metavar="OUT", help=text)
    text = "also write a CSV table, one row per box"
    add_place(sub, "--csv", kind="written", metavar="OUT", help=text)
    add_place(sub, "--coco", kind="written", metavar="OUT", help="also write COCO JSON")
