"""Follow the article's recipe, step by step, on a folder of photos.

The article is "Inventory Classification for Retail Management using Deep Learning". Its recipe
balances the classes first and splits afterwards, so most validation photos have an augmented copy
in the training set (data leakage). ``--honest`` splits first and balances the training set only.
``--train-split`` and ``--test-split`` use the sets in the column ``split`` of ``manifest.csv``, and
evaluate on photos of other sessions. The folder has one subfolder per class, or a folder ``images``
with these subfolders, as in Freiburg Groceries.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np

import shelfvision as shv

SEED = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The training, validation and test sets."""

    train: shv.Dataset
    validation: shv.Dataset
    test: shv.Dataset


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the recipe and print the scores."""
    options = parse(arguments)
    mpl.use("Agg")
    options.output.mkdir(parents=True, exist_ok=True)

    parts = parts_for(options)
    print(parts.test.class_names)
    print(
        f"{len(parts.train)} training, {len(parts.validation)} validation, {len(parts.test)} test"
    )

    result = train(options, parts)
    print(result)
    result.classifier.save(options.output / "article.shelf")
    report = shv.evaluate(result.classifier, parts.test)
    print(f"\nEvaluated on the test set:\n\n{report}")
    draw(options.output, result, report, parts.test)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, help="folder of photos")
    parser.add_argument("--classes", nargs="+", help="use these classes only")
    parser.add_argument(
        "--relabel", nargs="+", default=[], metavar="NAME=NEW", help="rename classes"
    )
    parser.add_argument("--honest", action="store_true", help="split first, then balance")
    parser.add_argument("--train-split", help="train on the manifest's rows of this split")
    parser.add_argument("--test-split", help="evaluate on the manifest's rows of this split")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--patience", type=int, default=20)
    parser.add_argument("--output", type=Path, default=Path("article-output"))
    options = parser.parse_args(arguments)
    if bool(options.train_split) != bool(options.test_split):
        parser.error("pass --train-split and --test-split together")
    return options


def parts_for(options: argparse.Namespace) -> Parts:
    """Return the sets for the options of the command line."""
    if options.train_split:
        return session_parts(
            *(load(options, split) for split in (options.train_split, options.test_split))
        )
    photos = load(options)
    return honest_parts(photos) if options.honest else article_parts(photos)


def load(options: argparse.Namespace, split: str | None = None) -> shv.Dataset:
    """Load every photo of each class, 100 x 100 RGB, labelled by folder or manifest: step 1."""
    if split is not None:
        photos = shv.Dataset.from_manifest(options.photos / "manifest.csv", where={"split": split})
    else:
        inner = options.photos / "images"
        photos = shv.Dataset.from_directory(inner if inner.is_dir() else options.photos)
    photos = photos.relabel(dict(pair.split("=", 1) for pair in options.relabel))
    return photos.select(options.classes) if options.classes else photos


def article_parts(photos: shv.Dataset) -> Parts:
    """Run steps 2 to 5 in the article's order: balance, one-hot, shuffle with seed 42, split."""
    images, labels = shv.BalancingAugmenter(seed=SEED).fit_resample(*photos.to_arrays())
    one_hot = np.eye(len(photos.class_names), dtype=np.float32)[labels]
    splitter = shv.SeededSplitter(train=0.7, validation=0.2, test=0.1, seed=SEED, method="shuffled")
    # Arrays do not record originals, so the leakage of augmented copies cannot be detected.
    train, validation, test = (
        shv.Dataset.from_arrays(
            images[rows], one_hot[rows].argmax(axis=1), class_names=photos.class_names
        )
        for rows in splitter.split_indices(one_hot)
    )
    return Parts(train=train, validation=validation, test=test)


def honest_parts(photos: shv.Dataset) -> Parts:
    """Split first, with near-duplicates in one set, then balance the training set."""
    grouped = photos.group_near_duplicates()
    splits = shv.SeededSplitter(train=0.7, validation=0.2, test=0.1, seed=SEED).split(grouped)
    if splits.validation is None or splits.test is None:
        raise SystemExit("there are too few photos for three sets")
    balanced = shv.BalancingAugmenter(seed=SEED).balance(splits.train)
    return Parts(
        train=balanced.cached(), validation=splits.validation.cached(), test=splits.test.cached()
    )


def session_parts(train: shv.Dataset, other: shv.Dataset) -> Parts:
    """Evaluate on other sessions; an eighth of the training photos chooses the best epoch."""
    splitter = shv.SeededSplitter(train=0.875, validation=0.125, test=0, seed=SEED)
    splits = splitter.split(train.group_near_duplicates())
    if splits.validation is None:
        raise SystemExit("there are too few photos for a validation set")
    balanced = shv.BalancingAugmenter(seed=SEED).balance(splits.train)
    checked = shv.Splits(train=balanced, validation=splits.validation, test=other)
    return Parts(
        train=checked.train.cached(), validation=splits.validation.cached(), test=other.cached()
    )


def train(options: argparse.Namespace, parts: Parts) -> shv.TrainingResult:
    """Train as in step 6: with Adam, binary cross-entropy, checkpoints and early stopping."""
    model = shv.build_model(len(parts.train.class_names), image_size=(100, 100), seed=SEED)
    # Import Keras after build_model, which chooses an installed backend.
    import keras

    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss=keras.losses.BinaryCrossentropy(),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
    )
    model.summary()
    trainer = shv.Trainer(
        epochs=options.epochs,
        patience=options.patience,
        checkpoint_dir=options.output / "checkpoints",
        seed=SEED,
        # In the split of the article, identical photos are in several sets.
        on_leak="raise" if options.honest or options.train_split else "allow",
    )
    return trainer.fit(model, parts.train, parts.validation, resume="never")


def draw(
    output: Path, result: shv.TrainingResult, report: shv.EvaluationReport, photos: shv.Dataset
) -> None:
    """Draw loss and accuracy per epoch, the confusion matrix and predictions on test photos."""
    images, labels = photos[:18].to_arrays()
    found = result.classifier.predict(images)
    true = [photos.class_names[label] for label in labels]
    save(shv.plot.history(result), output / "history.png")
    save(shv.plot.confusion_matrix(report), output / "confusion.png")
    save(
        shv.plot.predictions(images, found.labels, found.confidences, true),
        output / "predictions.png",
    )


def save(axes: object, path: Path) -> None:
    """Save the figure of one or several axes."""
    np.ravel(np.asarray(axes, dtype=object))[0].figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
