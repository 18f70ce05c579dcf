"""Exporting: how far every kind of file says the same as the classifier, and what it costs.

Run ``python benchmarks/exporting.py [--photos FOLDER] [--classifier FILE]``. FOLDER holds
``manifest.csv`` with the columns path, split and label (or ``--label-column``), as the Grocery
Store photos have it; by default rendered photos serve. Without a classifier, the article's network
is trained on the training photos first; `accuracy.py` with ``--keep`` makes better ones. All files
are held against the classifier on the photos of the split ``val`` with its classes, and int8 files
are measured on training photos. ``--kinds onnx,openvino`` writes only some.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

import shelfvision as shv
from shelfvision.export import ExportFormat, ExportReport, Quantize
from shelfvision.export.exporting import SUFFIXES

KINDS: tuple[tuple[str, ExportFormat, Quantize | None], ...] = (
    ("onnx", "onnx", None),
    ("openvino", "openvino", None),
    ("litert, float32", "litert", None),
    ("litert, dynamic int8", "litert", "dynamic"),
    ("litert, full int8", "litert", "int8"),
    ("keras", "keras", None),
)


def parts(options: argparse.Namespace, known: shv.Classifier | None) -> list[shv.Dataset]:
    """Return photos to train on and photos to judge by, at the size that a classifier takes."""
    size = (100, 100) if known is None else known.image_size
    if options.photos is None:
        photos = shv.samples.render_products(60, image_size=size)
        splits = shv.SeededSplitter(train=0.7, validation=0.3, test=0).split(photos)
        assert splits.validation is not None
        return [splits.train, splits.validation]
    return [
        shv.Dataset.from_manifest(
            Path(options.photos) / "manifest.csv",
            label_column=options.label_column,
            where={"split": part},
            class_names=None if known is None else known.class_names,
            image_size=size,
            resize="stretch" if known is None else known.resize,
        )
        for part in ("train", "val")
    ]


def trained(train: shv.Dataset, epochs: int) -> shv.Classifier:
    """Return the article's network, trained."""
    model = shv.build_model(len(train.class_names))
    trainer = shv.Trainer(
        epochs=epochs, loss="categorical_crossentropy", learning_rate=2e-3, monitor="loss",
        patience=None,
    )  # fmt: skip
    return trainer.fit(model, train).classifier


def judged(
    classifier: shv.Classifier, train: shv.Dataset, test: shv.Dataset, folder: Path, kinds: set[str]
) -> Iterator[tuple[str, ExportReport]]:
    """Export in every way and hold each file against the classifier on the photos to judge by."""
    few = train[:: max(1, len(train) // 256)]
    meant = classifier.predict_proba(test)
    for number, (name, kind, quantize) in enumerate(KINDS):
        if kind not in kinds:
            continue
        path = folder / f"{number}{SUFFIXES[kind]}"
        photos = few if quantize == "int8" else test
        report = classifier.export(
            path, format=kind, quantize=quantize, photos=photos, tolerance=1 if quantize else None
        )
        if quantize == "int8":
            report = again(report, path, test, meant)
        yield name, report


def again(
    report: ExportReport, path: Path, test: shv.Dataset, meant: npt.NDArray[np.float32]
) -> ExportReport:
    """Return the report of a file whose ranges were measured on other photos, on these."""
    said = shv.export.Predictor(path).predict_proba(test)
    winners = said.argmax(axis=1)
    return dataclasses.replace(
        report,
        n_photos=len(test),
        max_difference=float(np.abs(said - meant).max()),
        mean_shift=float(np.abs(said - meant).sum(axis=1).mean() / 2),
        top1_agreement=float((winners == meant.argmax(axis=1)).mean()),
        accuracy=float((winners == test.labels).mean()),
        accuracy_before=float((meant.argmax(axis=1) == test.labels).mean()),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", help="a folder with manifest.csv; by default rendered photos")
    parser.add_argument("--label-column", default="label", help="of the manifest")
    parser.add_argument("--classifier", help="a bundle; by default one is trained")
    parser.add_argument("--epochs", type=int, default=14, help="of the training")
    parser.add_argument("--kinds", default=",".join(SUFFIXES), help="with commas; by default all")
    options = parser.parse_args()
    known = shv.Classifier.load(options.classifier) if options.classifier else None
    train, test = parts(options, known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier = known or trained(train, options.epochs)
    print(f"{classifier}: {len(test)} photos, {len(test.class_names)} classes")
    print("| file | same label | largest difference | mean shift | accuracy | size | one image |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        kinds = set(options.kinds.split(","))
        for name, found in judged(classifier, train, test, Path(folder), kinds):
            print(
                f"| {name} | {found.top1_agreement:.2%} | {found.max_difference:.1e} "
                f"| {found.mean_shift:.1e} | {found.accuracy:.4f} (before "
                f"{found.accuracy_before:.4f}) | {found.size_bytes / 1000:,.0f} kB "
                f"| {found.latency_ms:.2f} ms |",
                flush=True,
            )


if __name__ == "__main__":
    main()
