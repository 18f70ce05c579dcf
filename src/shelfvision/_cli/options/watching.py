"""The options of ``drift`` and ``compare``."""

from __future__ import annotations

import argparse

from shelfvision._cli.options.pairs import pair
from shelfvision._cli.options.places import add_place


def add_drift_options(sub: argparse.ArgumentParser) -> None:
    """Add the options of ``drift``."""
    add_place(
        sub,
        "photos",
        kind="read",
        metavar="DATA",
        nargs="+",
        help="photos, folders of photos, or a CSV manifest with a column of paths; or the scores "
        "that predict or score wrote: a CSV or Parquet file, or a folder of Parquet files",
    )
    sub.add_argument(
        "--by",
        action="append",
        default=[],
        metavar="COLUMN",
        help="compare each value of a column, such as store; can be repeated for combinations",
    )
    sub.add_argument(
        "--group-column", metavar="C", help="column with the groups, such as bursts of photos"
    )
    add_place(
        sub,
        "--metadata",
        kind="read",
        metavar="CSV",
        help="a CSV file with the column id and the columns of --by and --group-column",
    )
    sub.add_argument(
        "--path-column",
        default="path",
        metavar="C",
        help="manifest column with the paths (default: %(default)s)",
    )
    sub.add_argument(
        "--encoding", metavar="E", help="encoding of CSV files, e.g. cp1252 (default: UTF-8)"
    )
    _add_rules(sub)
    text = "also save the checks as .html, .json or .csv"
    add_place(sub, "-o", "--output", kind="written", metavar="OUT", help=text)


def _add_rules(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--check",
        action="append",
        metavar="MEASURE",
        help="compare only this measure, e.g. sharpness or confidence; can be repeated",
    )
    sub.add_argument(
        "--alpha",
        type=float,
        default=0.01,
        metavar="P",
        help="probability of a false alarm in the whole result (default: %(default)s)",
    )
    sub.add_argument(
        "--min-effect",
        type=float,
        metavar="E",
        help="smallest effect that is drift, as a share of photos (default: 0.1, for coverage "
        "0.05, for unreadable photos 0.02)",
    )
    sub.add_argument(
        "--min-photos",
        type=int,
        default=30,
        metavar="N",
        help="smallest number of groups of photos for a check (default: %(default)s)",
    )
    sub.add_argument(
        "--correction",
        choices=("holm", "benjamini-hochberg"),
        default="holm",
        help="correction of p-values for many checks (default: %(default)s)",
    )


def add_compare_options(sub: argparse.ArgumentParser) -> None:
    """Add the options of ``compare``, without those of the photos."""
    _add_training(sub)
    sub.add_argument(
        "--margin",
        type=float,
        default=0.01,
        metavar="M",
        help="largest loss of accuracy that is accepted (default: %(default)s)",
    )
    sub.add_argument(
        "--class-margin",
        type=float,
        default=0.05,
        metavar="M",
        help="largest loss of recall that is accepted for one class; 1 switches the check of "
        "classes off (default: %(default)s)",
    )
    sub.add_argument(
        "--min-groups",
        type=int,
        default=30,
        metavar="N",
        help="smallest number of groups of photos for a verdict (default: %(default)s)",
    )
    sub.add_argument(
        "--confidence-level",
        type=float,
        default=0.95,
        metavar="L",
        help="confidence level of the intervals (default: %(default)s)",
    )
    text = "also save the result as .html, .json or .csv"
    add_place(sub, "-o", "--output", kind="written", metavar="OUT", help=text)


def _add_training(sub: argparse.ArgumentParser) -> None:
    add_place(
        sub,
        "--training",
        kind="read",
        action="append",
        default=[],
        metavar="PHOTOS",
        help="training photos of OLD or NEW, to check DATA for data leakage: a folder or a CSV "
        "manifest, or with --boxes annotations of shelf photos in DATA; can be repeated",
    )
    sub.add_argument(
        "--training-where",
        action="append",
        type=pair,
        default=[],
        metavar="COLUMN=VALUE",
        help="use only rows with this value of the manifests of --training; can be repeated",
    )
    sub.add_argument(
        "--on-leak",
        choices=("raise", "drop", "allow"),
        default="raise",
        help="for training photos in DATA: stop (default), leave them out, or only warn",
    )
