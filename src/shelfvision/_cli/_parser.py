"""The commands and their options; nothing heavy is imported to know them."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from typing import NoReturn

import shelfvision
from shelfvision.errors import InvalidParameterError

_FILE = "a bundle (.shelf) or an exported file (.onnx, .tflite, .xml)"
_PHOTOS = "a folder with one sub-folder a class, or a CSV manifest"


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are ours."""

    def error(self, message: str) -> NoReturn:
        """Show how the command is used, and raise."""
        self.print_usage(sys.stderr)
        named = re.match(r"argument ([^ :]+)", message)
        raise InvalidParameterError(
            f"{message}; see {self.prog} --help",
            code="wrong-usage",
            parameter=named[1].rpartition("/")[2] if named else None,
        )


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = _Parser(
        prog="shelfvision",
        description="Turn photos of groceries into a classifier, and use it.",
        epilog="Exit status: 0 if all went well, 1 for a failure, 2 for wrong usage, 130 after "
        "Ctrl-C.",
    )
    top.add_argument(
        "--version", action="version", version=f"shelfvision {shelfvision.__version__}"
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (text, fill) in _COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        fill(sub)
        sub.add_argument("--debug", action="store_true", help="show tracebacks and native logs")
    return top


def _doctor(sub: argparse.ArgumentParser) -> None:
    _json(sub)


def _inspect(sub: argparse.ArgumentParser) -> None:
    _file(sub)
    _json(sub)


def _audit(sub: argparse.ArgumentParser) -> None:
    _dataset(sub)
    sub.add_argument("--html", metavar="OUT", help="also write a page with pictures")
    _json(sub)


def _train(sub: argparse.ArgumentParser) -> None:
    _dataset(sub)
    sub.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="the file of the classifier"
    )
    sub.add_argument(
        "--architecture", default="grocery_cnn", help="the network (default: %(default)s)"
    )
    sub.add_argument("--weights", metavar="W", help="'imagenet', or a file of weights")
    sub.add_argument("--image-size", type=_size, metavar="H[xW]", help="in pixels")
    sub.add_argument("--resize", default="stretch", help="stretch (default), pad or crop")
    sub.add_argument(
        "--validation", type=float, default=0.2, metavar="SHARE",
        help="of the photos, to choose the best epoch (default: %(default)s)",
    )  # fmt: skip
    sub.add_argument(
        "--test", type=float, default=0.0, metavar="SHARE",
        help="of the photos, kept apart to judge by at the end (default: %(default)s)",
    )  # fmt: skip
    sub.add_argument(
        "--split-column", metavar="COLUMN",
        help="column of the manifest with the values train, validation (or val) and test",
    )  # fmt: skip
    sub.add_argument("--epochs", type=int, metavar="N", help="default: the recipe's own")
    sub.add_argument("--batch-size", type=int, metavar="N", help="default: the recipe's own")
    sub.add_argument("--seed", type=int, default=42, metavar="N", help="default: %(default)s")
    sub.add_argument(
        "--balance", action="store_true", help="add varied copies to classes with few photos"
    )
    sub.add_argument(
        "--run", metavar="FOLDER",
        help="where the state of the run is kept; the same command resumes from there "
        "(default: OUTPUT with .run at its end)",
    )  # fmt: skip
    sub.add_argument("--fresh", action="store_true", help="start over, whatever the run's state")


def _evaluate(sub: argparse.ArgumentParser) -> None:
    _file(sub)
    _dataset(sub)
    sub.add_argument("--html", metavar="OUT", help="also write a report as one page")
    _json(sub)


def _predict(sub: argparse.ArgumentParser) -> None:
    _file(sub)
    sub.add_argument(
        "photos", metavar="PHOTO", nargs="+",
        help="photos and folders of photos; - reads paths from the standard input, one a line",
    )  # fmt: skip
    sub.add_argument("--format", choices=("table", "jsonl", "csv"), default="table")
    sub.add_argument(
        "--on-error", choices=("raise", "skip"), default="raise",
        help="what to do about a photo that cannot be read: stop, or give it a row with its error",
    )  # fmt: skip
    sub.add_argument("--top", type=int, default=1, metavar="K", help="classes a photo, in jsonl")


def _export(sub: argparse.ArgumentParser) -> None:
    _file(sub, "a bundle (.shelf)")
    sub.add_argument("output", metavar="OUT", help="the exported file")
    sub.add_argument("--format", help="onnx, litert and others; default: by OUT's ending")
    sub.add_argument("--quantize", choices=("dynamic", "int8"), help="for LiteRT")
    sub.add_argument(
        "--photos", metavar="PHOTOS", dest="dataset",
        help=f"photos to measure on and to hold the file against: {_PHOTOS}",
    )  # fmt: skip
    sub.add_argument("--tolerance", type=float, metavar="D", help="how far the file may be off")
    _columns(sub)
    _json(sub)


def _file(sub: argparse.ArgumentParser, text: str = _FILE) -> None:
    sub.add_argument("file", metavar="FILE", help=text)
    sub.add_argument("--sha256", metavar="DIGEST", help="refuse FILE unless this is its SHA-256")


def _dataset(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("dataset", metavar="PHOTOS", help=_PHOTOS)
    sub.add_argument(
        "--on-error", choices=("raise", "skip"), default="raise",
        help="what to do about a photo that cannot be read: stop, or leave it out and say so",
    )  # fmt: skip
    _columns(sub)


def _columns(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--path-column", default="path", metavar="C", help="default: %(default)s")
    sub.add_argument("--label-column", default="label", metavar="C", help="default: %(default)s")
    sub.add_argument("--group-column", metavar="C", help="what photos taken together share")
    sub.add_argument(
        "--encoding", metavar="E", help="of the manifest, such as cp1252 (default: UTF-8)"
    )
    sub.add_argument(
        "--where", action="append", type=_pair, default=[], metavar="COLUMN=VALUE",
        help="take only these rows of the manifest; may be repeated",
    )  # fmt: skip


def _json(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--json", action="store_true", help="answer as JSON")


def _size(text: str) -> tuple[int, int]:
    """Read ``100`` or ``100x120``."""
    try:
        sides = [int(side) for side in text.lower().split("x")]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2):
        raise argparse.ArgumentTypeError(
            f"must be pixels as H or HxW, such as 100 or 100x120, got {text!r}"
        )
    return sides[0], sides[-1]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form COLUMN=VALUE")
    return name, value


_COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "doctor": ("show versions, backends, and what is missing", _doctor),
    "inspect": ("show what a file contains, without loading its model", _inspect),
    "audit": ("report faults of photos before you train", _audit),
    "train": ("train a classifier on photos", _train),
    "evaluate": ("judge a classifier on labelled photos", _evaluate),
    "predict": ("predict the classes of photos", _predict),
    "export": ("write a classifier for another runtime", _export),
}
