"""The options of ``train``."""

from __future__ import annotations

import argparse

from shelfvision._cli.options.places import add_place


def add_train_options(sub: argparse.ArgumentParser) -> None:
    """Add the options of the network, the split, the training and the checkpoints."""
    _boxes(sub)
    _model(sub)
    _split(sub)
    _training(sub)
    _checkpoints(sub)


def _boxes(sub: argparse.ArgumentParser) -> None:
    add_place(
        sub,
        "--boxes",
        kind="local",
        metavar="ANNOTATIONS",
        help="train on the annotated boxes of shelf photos: COCO JSON, a folder of PASCAL VOC XML, "
        "or YOLO; PHOTOS is then the folder of the shelf photos",
    )
    sub.add_argument(
        "--context",
        type=float,
        default=0.0,
        metavar="C",
        help="with --boxes: context margin of crops, a share of the box (default: %(default)s)",
    )
    sub.add_argument(
        "--shape", default="box", help="with --boxes: shape of crops, box (default) or image"
    )


def _model(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--tier",
        help="a recommended pretrained network and image size: fast, balanced (default, if its "
        "weights are installed) or accurate",
    )
    sub.add_argument(
        "--architecture",
        help="the network, instead of a tier (default without installed weights: grocery_cnn from "
        "scratch)",
    )
    text = "pretrained weights: 'imagenet', or a weights file"
    add_place(sub, "--weights", kind="local", metavar="W", help=text)
    sub.add_argument(
        "--image-size",
        type=_size,
        metavar="H[xW]",
        help="size of the model input in pixels (default: that of the tier or architecture)",
    )
    sub.add_argument("--resize", default="stretch", help="stretch (default), pad or crop")


def _split(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--validation",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="share of the validation set, which selects the best epoch (default: %(default)s)",
    )
    sub.add_argument(
        "--test",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of the test set, which is evaluated at the end (default: %(default)s)",
    )
    sub.add_argument(
        "--split-column",
        metavar="COLUMN",
        help="manifest column with the set of each photo: train, validation (or val) or test",
    )
    sub.add_argument(
        "--seed",
        type=int,
        default=42,
        metavar="N",
        help="seed of all random choices (default: %(default)s)",
    )


def _training(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--epochs",
        type=int,
        metavar="N",
        help="largest number of epochs (default: recommended for the dataset)",
    )
    sub.add_argument(
        "--batch-size",
        type=int,
        metavar="N",
        help="photos per training step (default: recommended for the dataset)",
    )
    sub.add_argument(
        "--balance",
        action="store_true",
        help="oversample classes with few photos by augmented copies",
    )


def _checkpoints(sub: argparse.ArgumentParser) -> None:
    add_place(
        sub,
        "--run",
        kind="folder",
        metavar="FOLDER",
        help="folder of the checkpoints, from which the same command resumes "
        "(default: OUTPUT plus .run)",
    )
    sub.add_argument(
        "--fresh", action="store_true", help="ignore existing checkpoints and start over"
    )


def _size(text: str) -> tuple[int, int]:
    """Parse ``100`` or ``100x120``."""
    try:
        sides = [int(side) for side in text.lower().split("x")]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2):
        raise argparse.ArgumentTypeError(
            f"must be pixels as H or HxW, such as 100 or 100x120, got {text!r}"
        )
    return sides[0], sides[-1]
