"""The options of ``calibrate`` and ``count``."""

from __future__ import annotations

import argparse


def add_calibrate_options(sub: argparse.ArgumentParser) -> None:
    """Add the options of ``calibrate``."""
    add_labelled_boxes(sub)
    sub.add_argument(
        "-o", "--output", metavar="NEW", required=True, help="the bundle (.shelf) to write"
    )
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
    sub.add_argument(
        "--boxes",
        metavar="ANNOTATIONS",
        help="use the annotated boxes of shelf photos, with the crop rule of the classifier: COCO "
        "JSON, a folder of PASCAL VOC XML, or YOLO; the photos are then a folder of shelf photos",
    )


def add_count_options(sub: argparse.ArgumentParser) -> None:
    """Add the options of ``count``."""
    sub.add_argument(
        "photos",
        metavar="PHOTO",
        nargs="+",
        help="photos and folders of photos; - reads paths from standard input, one per line",
    )
    sub.add_argument(
        "--boxes",
        metavar="ANNOTATIONS",
        help="count the boxes of shelf photos: COCO JSON, a folder of PASCAL VOC XML, or YOLO "
        "(default: each photo shows one product)",
    )
    sub.add_argument("--detector", metavar="ONNX", help="count the boxes that this detector finds")
    sub.add_argument(
        "--min-confidence",
        type=float,
        metavar="C",
        help="reject predictions with a confidence below C as unknown (default: the thresholds of "
        "FILE for boxes)",
    )
    sub.add_argument(
        "--confidence-level",
        type=float,
        default=0.9,
        metavar="L",
        help="share of intervals that contain the true count (default: %(default)s)",
    )
    sub.add_argument("-o", "--output", metavar="OUT", help="write counts: .csv, .json or .html")
    sub.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="for a photo of one product that cannot be read: stop (default), or leave it out",
    )
    _stock_list(sub)


def _stock_list(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--stock-list", metavar="CSV", help="compare the counts with this list")
    sub.add_argument("--checks", metavar="OUT", help="write the comparison as CSV")
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
        help="column of the stock list with the product codes that FILE contains",
    )
    sub.add_argument("--store-column", metavar="C", help="column of the stock list with stores")
    sub.add_argument("--store", metavar="NAME", help="compare with the lines of this store")
    sub.add_argument("--encoding", metavar="E", help="encoding of the stock list, e.g. cp1252")
