"""The options of ``regions``; this imports no heavy package."""

from __future__ import annotations

import argparse


def add_regions_options(sub: argparse.ArgumentParser) -> None:
    """Add the photo, the source of its boxes and the files to write."""
    sub.add_argument("photo", metavar="PHOTO", help="the photo of a shelf")
    text = (
        "boxes of the photo: COCO JSON (.json), PASCAL VOC XML (.xml), YOLO text (.txt), or a "
        "folder of annotations that names the photo"
    )
    sub.add_argument("--boxes", metavar="FILE", help=text)
    sub.add_argument(
        "--detector", metavar="FILE", help="a detector (.onnx) that finds the boxes instead"
    )
    sub.add_argument("--layout", default="auto", help="outputs of the detector (default: auto)")
    sub.add_argument(
        "--min-confidence",
        type=float,
        default=0.25,
        metavar="C",
        help="lowest score of the detector's boxes (default: %(default)s)",
    )
    sub.add_argument("--tile", type=int, metavar="N", help="detect in tiles of N x N pixels")
    sub.add_argument("--context", type=float, help="context margin of crops (default: of FILE)")
    sub.add_argument("--shape", help="shape of crops: box or image (default: of FILE)")
    sub.add_argument("-o", "--output", metavar="OUT", help="the annotated photo to write")
    sub.add_argument("--csv", metavar="OUT", help="also write a CSV table, one row per box")
    sub.add_argument("--coco", metavar="OUT", help="also write COCO JSON")
