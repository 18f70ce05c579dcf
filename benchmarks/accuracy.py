"""How often networks name photos rightly, and what learning that costs.

Run ``python benchmarks/accuracy.py --photos PLACE [--models tuned,frozen] [--seeds 3]``. PLACE is

- a folder with one sub-folder a class: a fifth of it, bursts kept whole, is kept apart to judge by;
- a CSV manifest, or a folder with ``manifest.csv``: ``--label-column`` has the classes,
  ``--split-column`` says what to learn from (``--train``) and what to judge by (``--test``);
- a tree with ``images/<CLASS>/`` and ``splits/train0.txt``, ``splits/test0.txt`` and so on, as
  Freiburg Groceries has it: each pair of lists is a round of its own (``--folds 0,1``).

``--task`` takes one of the Grocery Store photos' tasks: drinks, coarse, products. ``--judge`` names
another manifest with the same columns, all of whose photos are judged by, too; it may be repeated.
Every set is scored alone and all sets together, with intervals from a bootstrap over bursts.
``--suite`` runs the tasks and networks that the documentation reports. Photos to judge by never
choose an epoch. Finished trainings are kept in ``--rows``,
a file of JSON lines, so that the program can be stopped and started again; ``--table`` only prints
and draws what is there. ``--predictions`` keeps the probabilities of every photo, from which
``paired.py`` compares trainings photo by photo. ``--keep`` saves every classifier, with its scores
of the photos to judge by, for ``abstaining.py``; ``--leave-out`` keeps classes from it, to see what
it makes of them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from _judging import Judged, figures, judged_by, kinds_of, sets_to_judge
from _places import TASKS, Part, parts
from _rows import Row, draw_confusion, draw_costs, read_rows, show_sets, show_table

import shelfvision as shv
from shelfvision.models.tiers import TierName

if TYPE_CHECKING:
    import keras

Recipe: TypeAlias = "Callable[[keras.Model, shv.Dataset, int], shv.Trainer]"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A network and the recipe that it is trained by."""

    architecture: str
    recipe: Recipe
    side: int = 100
    """Of the photos, in pixels."""
    weights: str | None = None
    as_article: bool = False
    """Whether classes are balanced with copies, and a tenth of the photos chooses the epoch."""


def article(_model: keras.Model, _train: shv.Dataset, seed: int) -> shv.Trainer:
    """Return the article's recipe: up to 200 epochs, stopped early."""
    return shv.Trainer(seed=seed, verbose=False)


def recommended(model: keras.Model, train: shv.Dataset, seed: int) -> shv.Trainer:
    """Return what the library recommends, without photos that choose the epoch."""
    return shv.Trainer.recommended(model, train, seed=seed, monitor="loss", verbose=False)


def of_tier(name: TierName) -> Recipe:
    """Return the recipe of a tier, without photos that choose the epoch."""

    def recipe(model: keras.Model, train: shv.Dataset, seed: int) -> shv.Trainer:
        return shv.Trainer.recommended(
            model, train, tier=name, seed=seed, monitor="loss", verbose=False
        )

    return recipe


def frozen(model: keras.Model, train: shv.Dataset, seed: int) -> shv.Trainer:
    """Return the same for the last layer alone."""
    return shv.Trainer.recommended(
        model, train, fine_tune="head", seed=seed, monitor="loss", verbose=False
    )


CANDIDATES = {
    "article": Candidate(architecture="grocery_cnn", recipe=article, as_article=True),
    "shelf_cnn": Candidate(architecture="shelf_cnn", recipe=recommended),
    "frozen": Candidate(
        architecture="efficientnet_lite0", recipe=frozen, side=224, weights="imagenet"
    ),
    "tuned": Candidate(
        architecture="efficientnet_lite0", recipe=recommended, side=224, weights="imagenet"
    ),
    **{
        name: Candidate(
            architecture=tier.architecture,
            recipe=of_tier(name),
            side=tier.image_size[0],
            weights="imagenet",
        )
        for name, tier in shv.models.TIERS.items()
    },
}
SUITE = (("drinks", ("tuned", "shelf_cnn")), ("products", ("fast", "balanced", "accurate")))
"""The tasks and networks whose figures the documentation reports."""


def trained(
    candidate: Candidate, train: shv.Dataset, seed: int, cache: str | None
) -> tuple[shv.TrainingResult, Row]:
    """Train once; return the result and what it cost."""
    model = built(candidate, train, seed)
    trainer = replace(candidate.recipe(model, train, seed), cache_dir=cache)
    chooses = None
    if candidate.as_article:
        apart = shv.SeededSplitter(train=0.9, validation=0.1, test=0.0, seed=seed)
        splits = apart.split(train.group_bursts())
        train, chooses = shv.BalancingAugmenter(seed=seed).balance(splits.train), splits.validation
    start = time.perf_counter(), time.process_time()
    result = trainer.fit(model, train, chooses)
    return result, {
        "seconds": round(time.perf_counter() - start[0], 1),
        "cpu_seconds": round(time.process_time() - start[1], 1),
        "parameters": model.count_params(),
        "epochs": result.stopped_epoch,
        "train_accuracy": round(result.history["accuracy"][result.best_epoch - 1], 4),
    }


def built(candidate: Candidate, train: shv.Dataset, seed: int) -> keras.Model:
    """Return the untrained network of a candidate."""
    return shv.build_model(
        len(train.class_names),
        architecture=candidate.architecture,
        image_size=train.image_size,
        weights=candidate.weights,
        seed=seed,
    )


def served(classifier: shv.Classifier, judged: Judged, image: np.ndarray) -> Row:
    """Return the errors on the first set, the size of the file and the time of one photo."""
    laps = []
    for _ in range(30):
        start = time.perf_counter()
        classifier.predict_proba(image)
        laps.append(time.perf_counter() - start)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "classifier.shelf"
        classifier.save(path)
        size = path.stat().st_size
    first = judged.of(judged.names[0]).report()
    return {
        "confusion": np.asarray(first.confusion).tolist(),
        "class_names": list(judged.class_names),
        "bytes": size,
        "milliseconds_a_photo": round(1000 * statistics.median(laps), 2),
    }


def key_of(name: str, candidate: Candidate, part: Part, seed: int, task: str) -> Row:
    """Return what a training is known by: another recipe, or other photos, are another one."""
    label, train, test = part
    trainer = candidate.recipe(built(candidate, train, seed), train, seed)
    made_of = [
        candidate.architecture,
        candidate.weights,
        candidate.as_article,
        train.fingerprint,
        test.fingerprint,
        trainer.to_dict(),
    ]
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
    return {"task": task, "part": label, "model": name, "seed": seed, "made_of": digest}


def run(name: str, options: argparse.Namespace) -> None:
    """Train a candidate on every round with every seed, unless it is in the file."""
    candidate = CANDIDATES[name]
    task = options.task or Path(options.photos).name
    side = options.side or candidate.side
    for part in parts(options, (side, side)):
        label, train, test = part
        for seed in range(options.seeds):
            key = key_of(name, candidate, part, seed, task)
            if any(row.items() >= key.items() for row in read_rows(options.rows)):
                continue
            result, cost = trained(candidate, train, seed, options.cache)
            sets = sets_to_judge(options, test, train)
            judged = judged_by(result.classifier, sets)
            scores = figures(judged, kinds_of(options))
            row = key | {"side": side} | scores[judged.names[0]] | cost | {"sets": scores}
            row |= served(result.classifier, judged, train[0][0][None])
            if options.predictions:
                judged.save(options.predictions / f"{key['task']}-{name}-{seed}-{label}.npz")
            if options.keep:
                kept = result.classifier.with_validation(sets[judged.names[0]])
                kept.save(options.keep / f"{key['task']}-{name}-{seed}.shelf")
            with options.rows.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            told = ("accuracy", "macro_f1", "interval", "seconds", "cpu_seconds", "train_accuracy")
            print(name, label, seed, *(f"{field} {row[field]}" for field in told), flush=True)


def options_of(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Return what the caller asks for, a task's own options among it."""
    parser.add_argument("--photos", default=os.environ.get("SHELFVISION_PHOTOS", ""))
    parser.add_argument("--task", choices=TASKS, help="one of the Grocery Store photos' tasks")
    parser.add_argument("--models", default="tuned", help=f"with commas: {', '.join(CANDIDATES)}")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--side", type=int, help="of the photos, instead of each model's own")
    parser.add_argument("--folds", default="", help="numbers of lists with commas; default all")
    parser.add_argument("--path-column", default="path")
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--split-column", default="split")
    parser.add_argument("--train", default="train", help="value of the split column")
    parser.add_argument("--test", default="val", help="value of the split column")
    parser.add_argument("--summed-column", help="kinds whose classes' probabilities are added up")
    parser.add_argument("--relabel", action="append", metavar="OLD=NEW", help="only these classes")
    parser.add_argument("--leave-out", action="append", metavar="CLASS", help="not these classes")
    parser.add_argument("--keep", type=Path, help="folder for the classifiers")
    parser.add_argument("--rows", type=Path, default=Path("accuracy.jsonl"))
    parser.add_argument("--cache", help="folder for what frozen parts of networks give")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of confusion")
    parser.add_argument("--costs", type=Path, help="file for the picture of accuracy and time")
    parser.add_argument("--table", action="store_true", help="print what is known, train nothing")
    parser.add_argument("--judge", action="append", metavar="MANIFEST", help="more photos")
    parser.add_argument("--predictions", type=Path, help="folder for every photo's probabilities")
    parser.add_argument("--suite", action="store_true", help="the tasks and networks of the docs")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    return options


def main() -> None:
    """Train, print and draw."""
    options = options_of(argparse.ArgumentParser(description=__doc__))
    wanted = SUITE if options.suite else ((options.task, options.models.split(",")),)
    for task, names in wanted if not options.table else ():
        asked = argparse.Namespace(**vars(options) | {"task": task} | TASKS.get(task, {}))
        for name in names:
            run(name, asked)
    rows = read_rows(options.rows)
    show_table(rows)
    show_sets(rows)
    if options.pictures:
        draw_confusion(rows, options.pictures)
    if options.costs:
        draw_costs(rows, options.costs)


if __name__ == "__main__":
    main()
