"""Run all steps on photos: group, split, balance, train, evaluate, save, load and predict.

Without arguments, the demo renders photos. ``--photos DIR`` uses a folder with one subfolder per
class, or with a ``manifest.csv`` that has the columns path and label. If the manifest also has a
column split, ``--train-split`` and ``--validation-split`` select its values.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

import shelfvision as shv

LOAD_AND_PREDICT = """
import sys
import numpy as np
import shelfvision as shv

bundle, pixels, output = sys.argv[1:]
np.save(output, shv.Classifier.load(bundle).predict_proba(np.load(pixels)))
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo and print a short report."""
    options = parse(arguments)
    started = time.perf_counter()
    mpl.use("Agg")
    options.output.mkdir(parents=True, exist_ok=True)

    splits = split_photos(options)
    train = shv.BalancingAugmenter(seed=options.seed).balance(splits.train)
    print_parts(splits, train)
    result = fit(options, train, splits.validation)
    print(f"\n{result}")

    part, photos = judging_part(splits)
    report = shv.evaluate(result.classifier, photos)
    print(f"\nEvaluated on the {part} set:\n\n{report}")

    bundle = options.output / "groceries.shelf"
    result.classifier.save(bundle)
    check_in_fresh_process(result.classifier, bundle, photos)
    draw(options.output, result, report, photos)
    draw_balancing(options.output, splits.train, train, seed=options.seed)
    seconds = time.perf_counter() - started
    print(f"\n{seconds:.0f} s; pictures and {bundle.name} are in {options.output}{os.sep}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="folder of photos; rendered ones by default")
    parser.add_argument("--train-split", help="value of the manifest's column split to train on")
    parser.add_argument("--validation-split", help="value of the column split to evaluate on")
    parser.add_argument(
        "--keep-bursts", action="store_true", help="keep photos of one burst in one set"
    )
    parser.add_argument("--classes", nargs="+", help="use these classes only")
    parser.add_argument(
        "--relabel", nargs="+", default=[], metavar="NAME=NEW", help="rename classes"
    )
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--patience", type=int, default=10)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--output", type=Path, default=Path("demo-output"))
    options = parser.parse_args(arguments)
    if bool(options.train_split) != bool(options.validation_split):
        parser.error("pass --train-split and --validation-split together")
    if options.train_split and options.photos is None:
        parser.error("--train-split selects rows of a manifest; pass its folder with --photos")
    return options


def split_photos(options: argparse.Namespace) -> shv.Splits:
    """Return the sets of the manifest, or a new split by groups of near-duplicates."""
    if options.train_split:
        train, validation = (
            named(options, manifest_part(options.photos, split))
            for split in (options.train_split, options.validation_split)
        )
        return shv.Splits(train=train, validation=validation)
    photos = named(options, all_photos(options)).group_near_duplicates()
    if options.keep_bursts:
        photos = photos.group_bursts()
    splitter = shv.SeededSplitter(train=0.7, validation=0.2, test=0.1, seed=options.seed)
    return splitter.split(photos)


def manifest_part(folder: Path, split: str) -> shv.Dataset:
    """Return the rows of a manifest whose column split has this value."""
    return shv.Dataset.from_manifest(folder / "manifest.csv", where={"split": split})


def all_photos(options: argparse.Namespace) -> shv.Dataset:
    """Return all photos of the folder, or rendered photos."""
    if options.photos is None:
        return shv.samples.render_products(shv.samples.UNEVEN_COUNTS, seed=options.seed).cached()
    if (options.photos / "manifest.csv").is_file():
        return shv.Dataset.from_manifest(options.photos / "manifest.csv")
    return shv.Dataset.from_directory(options.photos)


def named(options: argparse.Namespace, photos: shv.Dataset) -> shv.Dataset:
    """Return the photos with the class names of the command line."""
    photos = photos.relabel(dict(pair.split("=", 1) for pair in options.relabel))
    return photos.select(options.classes) if options.classes else photos


def fit(
    options: argparse.Namespace, train: shv.Dataset, validation: shv.Dataset | None
) -> shv.TrainingResult:
    """Train the article's network, with the pixels of both sets cached in memory."""
    model = shv.build_model(
        num_classes=len(train.class_names), image_size=train.image_size, seed=options.seed
    )
    trainer = shv.Trainer(
        epochs=options.epochs,
        patience=options.patience,
        checkpoint_dir=options.output / "run",
        seed=options.seed,
    )
    kept = None if validation is None else validation.cached()
    return trainer.fit(model, train.cached(), kept, resume="never")


def judging_part(splits: shv.Splits) -> tuple[str, shv.Dataset]:
    """Return the name of the set to evaluate on, and the set."""
    if splits.test is not None:
        return "test", splits.test
    if splits.validation is not None:
        return "validation", splits.validation
    sys.exit("there is no set to evaluate on; pass --validation-split")


def print_parts(splits: shv.Splits, train: shv.Dataset) -> None:
    """Print the number of photos of each class in each set."""
    parts = {"train": splits.train, "balanced": train}
    parts |= {"validation": splits.validation} if splits.validation is not None else {}
    parts |= {"test": splits.test} if splits.test is not None else {}
    width = max(map(len, train.class_names))
    print(f"{'':{width}}", *(f"{part:>10}" for part in parts))
    for name in train.class_names:
        print(f"{name:{width}}", *(f"{ds.class_counts[name]:>10}" for ds in parts.values()))


def check_in_fresh_process(classifier: shv.Classifier, bundle: Path, photos: shv.Dataset) -> None:
    """Load the saved classifier in another process and compare its predictions."""
    pixels, output = bundle.with_name("pixels.npy"), bundle.with_name("probabilities.npy")
    images, _ = photos[:64].to_arrays()
    np.save(pixels, images)
    command = [sys.executable, "-c", LOAD_AND_PREDICT, str(bundle), str(pixels), str(output)]
    subprocess.run(command, check=True)
    here, there = classifier.predict_proba(images), np.load(output)
    pixels.unlink()
    output.unlink()
    same = np.array_equal(here.argmax(axis=1), there.argmax(axis=1))
    if not same or not np.allclose(here, there, atol=1e-6):
        sys.exit("the loaded classifier does not give the predictions of the saved one")
    print(
        f"\nSaved to {bundle} ({bundle.stat().st_size / 1000:.0f} kB); loaded in another process, "
        f"it predicts the same {len(images)} labels, and probabilities within "
        f"{np.abs(here - there).max():.1g}."
    )


def draw(
    output: Path, result: shv.TrainingResult, report: shv.EvaluationReport, photos: shv.Dataset
) -> None:
    """Draw loss and accuracy per epoch, the confusion matrix and some predictions."""
    chosen = photos[np.random.RandomState(0).permutation(len(photos))[:18]]
    images, labels = chosen.to_arrays()
    found = result.classifier.predict(images)
    true = [photos.class_names[label] for label in labels]
    save(shv.plot.history(result), output / "history.png")
    save(shv.plot.confusion_matrix(report), output / "confusion.png")
    save(
        shv.plot.predictions(images, found.labels, found.confidences, true),
        output / "predictions.png",
    )


def draw_balancing(output: Path, before: shv.Dataset, after: shv.Dataset, *, seed: int) -> None:
    """Draw the classes before and after balancing, and augmented copies of some photos."""
    save(shv.plot.class_balance(before.class_counts, after.class_counts), output / "balance.png")
    images, _ = before[np.linspace(0, len(before) - 1, 5).astype(int)].to_arrays()
    augmenter = shv.augment.default_augmenter()
    save(shv.augment.preview(augmenter, images, seed=seed), output / "copies.png")


def save(axes: object, path: Path) -> None:
    """Save the figure of one or several axes."""
    np.ravel(np.asarray(axes, dtype=object))[0].figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
