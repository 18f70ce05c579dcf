"""What makes `shelf_cnn`: one thing changed at a time, judged on photos of other sessions.

Run ``python benchmarks/ablation.py --photos FOLDER [--configs "base;no norm"] [--seeds 3]
[--folds 2] [--folds-only] [--epochs 40]``. The folder has a ``manifest.csv`` as the Grocery Store
photos have it: columns path, label, product and split (``train`` or ``val``). Every row of the
table is a network and a recipe. It is trained on folds of the train part, with bursts kept
together, and judged on the fold left out and on the val part; and on all of the train part, judged
on the val part; each once for every seed.
Finished trainings are kept in ``--rows``, a file of JSON lines, so that the program can be stopped
and started again; ``--table`` prints what is there and trains nothing. Settings that were changed
meanwhile are trained anew.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from _places import drink_of_products, drinks
from _recipes import CONFIGS, Config, augmenter_of
from _rows import Row, read_rows

import shelfvision as shv
from shelfvision.models import ModelSpec
from shelfvision.models.architectures._shelf_cnn import build_by_plan
from shelfvision.training import CosineSchedule

if TYPE_CHECKING:
    import keras

N_FOLDS = 4
Round: TypeAlias = tuple[str, shv.Dataset, dict[str, shv.Dataset]]
"""A name, the photos to learn from, and those to judge by."""


@dataclass(frozen=True)
class Photos:
    """The photos of a folder, as a training wants them."""

    folder: Path

    def part(self, split: str, config: Config) -> shv.Dataset:
        """Return the drinks of one part of the manifest."""
        if config.labels == "label":
            return drinks(self.folder, split, config.side)
        return shv.Dataset.from_manifest(
            self.folder / "manifest.csv",
            label_column="product",
            where={"split": split},
            class_names=sorted(self.products()),
            image_size=(config.side, config.side),
        )

    def products(self) -> dict[str, str]:
        """Return the class of every product."""
        return drink_of_products(self.folder)

    def rounds(self, config: Config, folds: int, *, whole: bool) -> Iterator[Round]:
        """Yield name, photos to learn from and photos to judge by; the whole train part last."""
        train, other = (self.part(split, config) for split in ("train", "val"))
        other = other.cached()
        if folds:
            grouped = train.group_bursts().cached()
            parts = shv.SeededSplitter(seed=42).folds(grouped, n_folds=N_FOLDS)
            for number, part in zip(range(1, folds + 1), parts, strict=False):
                if part.test is not None:
                    yield f"fold {number}", part.train, {"fold": part.test, "val": other}
        if whole:
            yield "whole", train.cached(), {"val": other}


def network(config: Config, num_classes: int, seed: int) -> keras.Model:
    """Return the untrained network of a configuration."""
    size = (config.side, config.side)
    if config.network is None:
        return shv.build_model(num_classes, image_size=size, seed=seed)
    spec = ModelSpec(architecture="shelf_cnn", num_classes=num_classes, image_size=size, seed=seed)
    return build_by_plan(spec, config.network)


def trainer(config: Config, seed: int) -> shv.Trainer:
    """Return the recipe of a configuration."""
    cosine = CosineSchedule(warmup_epochs=config.epochs / 20)
    return shv.Trainer(
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.rate,
        schedule=cosine if config.schedule == "cosine" else None,
        weight_decay=config.decay,
        loss=f"{config.loss}_crossentropy",
        label_smoothing=config.smoothing,
        patience=None,
        augmenter=augmenter_of(config),
        monitor="loss",
        seed=seed,
        verbose=False,
    )


def trained(
    config: Config, train: shv.Dataset, tests: dict[str, shv.Dataset], seed: int, photos: Photos
) -> Row:
    """Train once and return how well and at what cost."""
    model = network(config, len(train.class_names), seed)
    start = time.process_time()
    result = trainer(config, seed).fit(model, train)
    seconds = time.process_time() - start
    classes = photos.products() if config.labels == "product" else {}
    names = np.array([classes.get(name, name) for name in train.class_names])
    right = {what: judged(result.classifier, test, names) for what, test in tests.items()}
    return {
        "right": right,
        "n": {what: len(test) for what, test in tests.items()},
        "train_accuracy": result.history["accuracy"][-1],
        "cpu_seconds": round(seconds, 1),
        "cpu_ms_per_image": round(1000 * seconds / config.epochs / len(train), 2),
        "parameters": model.count_params(),
    }


def judged(classifier: shv.Classifier, test: shv.Dataset, names: npt.NDArray[np.str_]) -> int:
    """Return how many photos are told rightly, where outputs of one name are one class."""
    scores = classifier.predict_proba(test)
    known = np.unique(names)
    summed = np.stack([scores[:, names == name].sum(axis=1) for name in known], axis=1)
    return int((known[summed.argmax(axis=1)] == names[test.labels]).sum())


def append(row: Row, path: Path) -> None:
    """Keep a row for good."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def known(key: Row, path: Path) -> bool:
    """Return whether a training is in the file."""
    return any(row.items() >= key.items() for row in read_rows(path))


def settings_of(config: Config) -> object:
    """Return a configuration as JSON has it, so that a changed one is trained anew."""
    return json.loads(json.dumps(dataclasses.asdict(config)))


def run(name: str, config: Config, options: argparse.Namespace) -> None:
    """Train what is not yet in the file."""
    photos, path = Photos(Path(options.photos)), options.rows
    for part, train, tests in photos.rounds(config, options.folds, whole=not options.folds_only):
        for seed in range(options.seeds):
            key = {"config": name, "part": part, "seed": seed, "settings": settings_of(config)}
            if not known(key, path):
                row = key | trained(config, train, tests, seed, photos)
                append(row, path)
                told = ("right", "n", "train_accuracy", "cpu_ms_per_image")
                print(name, part, seed, *(row[field] for field in told), flush=True)


def cost(config: Config) -> Row:
    """Return milliseconds of CPU an image in training, without augmenting, and the parameters."""
    images = np.random.default_rng(0).integers(
        0, 256, (320, config.side, config.side, 3), dtype=np.uint8
    )
    targets = np.eye(5, dtype=np.float32)[np.arange(len(images)) % 5]
    model = network(config, 5, 0)
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    laps = []
    for _ in range(4):
        start = time.process_time()
        model.fit(images, targets, batch_size=config.batch_size, verbose=0)
        laps.append(time.process_time() - start)
    # The first lap holds compiling; of the others, the quickest met the least of other programs.
    milliseconds = 1000 * min(laps[1:]) / len(images)
    return {"cpu_ms_per_image": round(milliseconds, 2), "parameters": model.count_params()}


def weigh(name: str, config: Config, path: Path) -> None:
    """Note what a configuration costs, unless that is known."""
    key = {"config": name, "part": "cost", "settings": settings_of(config)}
    if not known(key, path):
        append(key | cost(config), path)


def shares(rows: list[Row], part: str, judge: str) -> list[float]:
    """Return the share of photos told rightly in every training on a part."""
    found = []
    for row in rows:
        right, n = row.get("right"), row.get("n")
        if isinstance(right, dict) and isinstance(n, dict) and str(row["part"]).startswith(part):
            found.append(right[judge] / n[judge])
    return found


def shown(values: list[float]) -> str:
    """Return mean, spread and number of trainings."""
    if not values:
        return "-"
    spread = f" +- {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{spread} ({len(values)})"


def show_table(configs: dict[str, Config], rows: list[Row]) -> None:
    """Print what is known about every configuration, as a table of Markdown."""
    print("| | epochs | fold left out | val, of the same | val, all of train | parameters | cost |")
    print("|---|---|---|---|---|---|---|")
    of = {
        name: [
            row for row in rows if (row["config"], row["settings"]) == (name, settings_of(config))
        ]
        for name, config in configs.items()
    }
    article = milliseconds(of["article"])
    for name, found in of.items():
        judged_by = (("fold", "fold"), ("fold", "val"), ("whole", "val"))
        cells = [shown(shares(found, part, judge)) for part, judge in judged_by]
        if any(cell != "-" for cell in cells):
            parameters = max(int(str(row["parameters"])) for row in found)
            ratio = milliseconds(found) / article
            cost_told = "-" if math.isnan(ratio) else f"{ratio:.2f}"
            cells = [str(configs[name].epochs), *cells, f"{parameters:,}", cost_told]
            print(f"| {name} | " + " | ".join(cells) + " |")


def milliseconds(rows: list[Row]) -> float:
    """Return what an image costs in training; not a number where that was not measured."""
    found = [float(str(row["cpu_ms_per_image"])) for row in rows if row["part"] == "cost"]
    return found[-1] if found else math.nan


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", default=os.environ.get("SHELFVISION_PHOTOS", ""))
    parser.add_argument("--configs", default="all", help="names with semicolons between, or all")
    parser.add_argument("--epochs", type=int, help="instead of each configuration's own")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int, default=2, choices=range(N_FOLDS + 1))
    parser.add_argument("--folds-only", action="store_true", help="never train on the whole part")
    parser.add_argument("--rows", type=Path, default=Path("ablation.jsonl"))
    parser.add_argument("--table", action="store_true", help="print what is known, train nothing")
    options = parser.parse_args()
    configs = CONFIGS
    if options.epochs:
        configs = {
            name: dataclasses.replace(c, epochs=options.epochs) for name, c in CONFIGS.items()
        }
    if not options.table:
        names = list(configs) if options.configs == "all" else options.configs.split(";")
        for name in names:
            run(name, configs[name], options)
        for name in sorted({"article", *names}):
            weigh(name, configs[name], options.rows)
    show_table(configs, read_rows(options.rows))


if __name__ == "__main__":
    main()
