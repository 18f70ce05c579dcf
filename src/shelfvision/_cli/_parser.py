"""The parser of all commands and options; it imports no heavy package."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from typing import NoReturn

import shelfvision
from shelfvision._cli.options.boxes import add_box_options
from shelfvision._cli.options.count import (
    add_calibrate_options,
    add_count_options,
    add_labelled_boxes,
)
from shelfvision._cli.options.pairs import pair
from shelfvision._cli.options.places import add_place
from shelfvision._cli.options.regions import add_regions_options
from shelfvision._cli.options.score import add_score_options
from shelfvision._cli.options.train import add_train_options
from shelfvision._cli.options.watching import add_compare_options, add_drift_options
from shelfvision.errors import InvalidParameterError

_FILE = "a bundle (.shelf) or an exported file (.onnx, .tflite, .xml)"
_PHOTOS = "a folder with one subfolder per class, or a CSV manifest"


_OPTION = re.compile(r"--[a-z][a-z0-9-]*")


class _Parser(argparse.ArgumentParser):
    """A parser that raises errors of this library."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and raise InvalidParameterError."""
        self.print_usage(sys.stderr)
        named = re.match(r"argument ([^ :]+)", message)
        raise InvalidParameterError(
            f"{message}; see {self.prog} --help",
            code="wrong-usage",
            parameter=named[1].rpartition("/")[2] if named else None,
        )


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = _Parser(
        prog="shelfvision",
        description="Train, evaluate, use and export classifiers of grocery photos.",
        epilog="Exit status: 0 for success, 1 for failure, 2 for wrong usage, 3 for drift, 4 "
        "if compare keeps the old classifier, 5 if it is undecided, 130 after Ctrl-C, 141 if "
        "the reader of the output closed it.",
    )
    top.add_argument(
        "--version", action="version", version=f"shelfvision {shelfvision.__version__}"
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (text, fill) in _COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        fill(sub)
        sub.add_argument("--debug", action="store_true", help="show tracebacks and native logs")
        # Messages name only options that the command has.
        sub.set_defaults(options=frozenset(_OPTION.findall(sub.format_usage())))
    return top


def _doctor(sub: argparse.ArgumentParser) -> None:
    _json(sub)


def _inspect(sub: argparse.ArgumentParser) -> None:
    _file(sub)
    _json(sub)


def _audit(sub: argparse.ArgumentParser) -> None:
    _dataset(sub)
    text = "also save the report with photos as HTML"
    add_place(sub, "--html", kind="written", metavar="OUT", help=text)
    _json(sub)


def _train(sub: argparse.ArgumentParser) -> None:
    _dataset(sub)
    text = "the bundle (.shelf) to write"
    add_place(sub, "-o", "--output", kind="written", metavar="FILE", required=True, help=text)
    add_train_options(sub)


def _evaluate(sub: argparse.ArgumentParser) -> None:
    _file(sub)
    _dataset(sub)
    add_labelled_boxes(sub)
    sub.add_argument(
        "--unknown",
        choices=("raise", "reject"),
        default="raise",
        help="for photos of classes that the classifier does not know: stop (default), or score "
        "them apart: they should be sent to review",
    )
    text = "also save the report as HTML"
    add_place(sub, "--html", kind="written", metavar="OUT", help=text)
    _json(sub)


def _predict(sub: argparse.ArgumentParser) -> None:
    _file(sub)
    add_place(
        sub,
        "photos",
        kind="read",
        metavar="PHOTO",
        nargs="+",
        help="photos and folders of photos; - reads paths from standard input, one per line",
    )
    sub.add_argument(
        "--format",
        choices=("table", "jsonl", "csv"),
        default="table",
        help="output format (default: %(default)s)",
    )
    sub.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="for a photo that cannot be read: stop (default), or print a row with its error",
    )
    sub.add_argument(
        "--top",
        type=int,
        default=1,
        metavar="K",
        help="number of classes per photo in jsonl (default: %(default)s)",
    )


def _review(sub: argparse.ArgumentParser) -> None:
    _file(sub)
    add_place(
        sub,
        "photos",
        kind="local",
        metavar="PHOTO",
        nargs="+",
        help="photos and folders of photos; - reads paths from standard input, one per line",
    )
    text = "the page (.html) to write"
    add_place(sub, "-o", "--output", kind="written", metavar="OUT", required=True, help=text)
    add_box_options(
        sub,
        boxes="review the boxes of shelf photos: COCO JSON, a folder of PASCAL VOC XML, or YOLO "
        "(default: each photo shows one product)",
    )
    sub.add_argument(
        "--below",
        type=float,
        metavar="C",
        help="only predictions with a confidence below C, 0 to 1 (default: all)",
    )
    sub.add_argument(
        "--to-review",
        action="store_true",
        help="only predictions that the thresholds of FILE send to review",
    )
    sub.add_argument(
        "--top",
        type=int,
        default=5,
        metavar="K",
        help="number of classes to choose from for each photo (default: %(default)s)",
    )
    sub.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="for a photo of one product that cannot be read: stop (default), or list it with its "
        "error",
    )


def _calibrate(sub: argparse.ArgumentParser) -> None:
    _file(sub, "a bundle (.shelf)")
    _dataset(sub)
    add_calibrate_options(sub)
    _json(sub)


def _count(sub: argparse.ArgumentParser) -> None:
    _file(sub, "a bundle (.shelf) with validation scores")
    add_count_options(sub)


def _score(sub: argparse.ArgumentParser) -> None:
    _file(sub)
    add_score_options(sub)
    _rows(sub)
    _json(sub)


def _drift(sub: argparse.ArgumentParser) -> None:
    _file(sub)
    add_drift_options(sub)
    _json(sub)


def _compare(sub: argparse.ArgumentParser) -> None:
    text = f"the classifier in operation: {_FILE}"
    add_place(sub, "old", kind="read", metavar="OLD", help=text)
    text = "the classifier that may replace it"
    add_place(sub, "new", kind="read", metavar="NEW", help=text)
    _dataset(sub, metavar="DATA")
    add_labelled_boxes(sub)
    for name in ("old", "new"):
        sub.add_argument(
            f"--{name}-sha256",
            metavar="DIGEST",
            help=f"refuse {name.upper()} unless this is its SHA-256",
        )
    add_compare_options(sub)
    _json(sub)


def _regions(sub: argparse.ArgumentParser) -> None:
    _file(sub)
    add_regions_options(sub)


def _export(sub: argparse.ArgumentParser) -> None:
    _file(sub, "a bundle (.shelf)")
    add_place(sub, "output", kind="written", metavar="OUT", help="the file to write")
    sub.add_argument(
        "--format", help="onnx, litert, openvino or keras (default: from the suffix of OUT)"
    )
    sub.add_argument(
        "--quantize", choices=("dynamic", "int8"), help="quantize the weights (LiteRT only)"
    )
    add_place(
        sub,
        "--photos",
        kind="read",
        metavar="PHOTOS",
        dest="dataset",
        help=f"photos to verify the file on, which int8 requires: {_PHOTOS}",
    )
    sub.add_argument(
        "--tolerance",
        type=float,
        metavar="D",
        help="largest accepted difference from the classifier's probabilities",
    )
    _columns(sub)
    _json(sub)


def _file(sub: argparse.ArgumentParser, text: str = _FILE) -> None:
    add_place(sub, "file", kind="read", metavar="FILE", help=text)
    sub.add_argument("--sha256", metavar="DIGEST", help="refuse FILE unless this is its SHA-256")


def _dataset(sub: argparse.ArgumentParser, metavar: str = "PHOTOS") -> None:
    add_place(sub, "dataset", kind="read", metavar=metavar, help=_PHOTOS)
    sub.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="for a photo that cannot be read: stop (default), or leave it out and report it",
    )
    _columns(sub)


def _columns(sub: argparse.ArgumentParser) -> None:
    _rows(sub)
    sub.add_argument(
        "--label-column",
        default="label",
        metavar="C",
        help="manifest column with the labels (default: %(default)s)",
    )
    sub.add_argument(
        "--group-column",
        metavar="C",
        help="manifest column with the groups, which are never split between sets",
    )


def _rows(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--path-column",
        default="path",
        metavar="C",
        help="manifest column with the paths (default: %(default)s)",
    )
    sub.add_argument(
        "--encoding", metavar="E", help="encoding of the manifest, e.g. cp1252 (default: UTF-8)"
    )
    sub.add_argument(
        "--where",
        action="append",
        type=pair,
        default=[],
        metavar="COLUMN=VALUE",
        help="use only manifest rows with this value; can be repeated",
    )


def _json(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--json", action="store_true", help="print JSON")


_COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "doctor": ("show versions, backends and missing packages", _doctor),
    "inspect": ("show the content of a file without loading its model", _inspect),
    "audit": ("report problems of a dataset before training", _audit),
    "train": ("train a classifier on photos", _train),
    "evaluate": ("measure a classifier on labelled photos", _evaluate),
    "predict": ("predict the classes of photos", _predict),
    "score": ("score many photos into Parquet files, and continue after a crash", _score),
    "review": ("write a page on which people correct predictions", _review),
    "calibrate": ("fit calibration and thresholds to validation photos", _calibrate),
    "count": ("count the products on photos, and compare them with a stock list", _count),
    "drift": ("compare photos in operation with those of validation", _drift),
    "compare": ("decide whether a new classifier may replace the old one", _compare),
    "regions": ("classify the products in a shelf photo", _regions),
    "export": ("write a classifier to a file for another runtime", _export),
}
