"""The options of ``calibrate`` and ``count``."""

from __future__ import annotations

import argparse

from shelfvision._cli.options.boxes import add_box_options
from shelfvision._cli.options.places import add_place


def add_calibrate_options(sub: argparse.ArgumentParser) -> None:
    """Add the options of ``calibrate``."""
    add_labelled_boxes(sub)
    text = "the bundle (.shelf) to write"
    add_place(sub, "-o", "--output", kind="written", metavar="NEW", required=True, help=text)
    sub.add_argument(
        "--method",
        choices=("temperature", "sigmoid", "isotonic", "none"),
        default="temperature",
        help="calibration method; none keeps that of FILE (default: %(default)s)",
    )
    sub.add_argument(
        "--precision",
        type=float,
        metavar="P",
        help="choose thresholds that accept predictions with this precision, e.g. 0.98",
    )
    sub.add_argument(
        "--mistake-cost",
        type=float,
        metavar="C",
        help="choose thresholds by costs: the cost of a mistake",
    )
    sub.add_argument(
        "--review-cost", type=float, metavar="C", help="the cost of reviewing one photo"
    )
    sub.add_argument("--per-class", action="store_true", help="one threshold per predicted class")


def add_labelled_boxes(sub: argparse.ArgumentParser) -> None:
    """Add the option of annotated shelf photos in place of photos of one product each."""
    add_place(
        sub,
        "--boxes",
        kind="local",
        metavar="ANNOTATIONS",
        help="use the annotated boxes of shelf photos, with the crop rule of the classifier: COCO "
        "JSON, a folder of PASCAL VOC XML, or YOLO; the photos are then a folder of shelf photos",
    )


def add_count_options(sub: argparse.ArgumentParser) -> None:
    """Add the options of ``count``."""
    add_place(
        sub,
        "photos",
        kind="read",
        metavar="PHOTO",
        nargs="+",
        help="photos and folders of photos; - reads paths from standard input, one per line",
    )
    add_box_options(
        sub,
        boxes="count the boxes of shelf photos: COCO JSON, a folder of PASCAL VOC XML, or YOLO "
        "(default: each photo shows one product)",
    )
    sub.add_argument(
        "--min-confidence",
        type=float,
        metavar="C",
        help="reject predictions with a confidence below C as unknown (default: the thresholds of "
        "FILE for boxes)",
    )
    sub.add_argument(
        "--correction",
        choices=("auto", "full", "none"),
        default="auto",
        help="correct counts as far as the evidence supports it, in full, or not (default: "
        "%(default)s)",
    )
    sub.add_argument(
        "--confidence-level",
        type=float,
        default=0.9,
        metavar="L",
        help="share of intervals that contain the true count (default: %(default)s)",
    )
    text = "write counts: .csv, .json or .html"
    add_place(sub, "-o", "--output", kind="written", metavar="OUT", help=text)
    sub.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="for a photo of one product that cannot be read: stop (default), or leave it out",
    )
    _stock_list(sub)


def _stock_list(sub: argparse.ArgumentParser) -> None:
    text = "compare the counts with this list"
    add_place(sub, "--stock-list", kind="read", metavar="CSV", help=text)
    text = "write the comparison as CSV"
    add_place(sub, "--checks", kind="written", metavar="OUT", help=text)
    sub.add_argument(
        "--product-column",
        default="product",
        metavar="C",
        help="column of the stock list with products (default: %(default)s)",
    )
    sub.add_argument(
        "--count-column",
        default="count",
        metavar="C",
        help="column of the stock list with expected counts (default: %(default)s)",
    )
    sub.add_argument(
        "--key-column",
        metavar="C",
        help="column of the stock list with product codes, of FILE or of --codes",
    )
    text = "product codes: a table with the columns code and product (default: those of FILE)"
    add_place(sub, "--codes", kind="read", metavar="CSV", help=text)
    sub.add_argument("--store-column", metavar="C", help="column of the stock list with stores")
    sub.add_argument("--store", metavar="NAME", help="compare with the lines of this store")
    sub.add_argument("--encoding", metavar="E", help="encoding of the stock list, e.g. cp1252")
