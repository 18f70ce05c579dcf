"""What answering with a label buys where a product is unsure.

Run ``python benchmarks/hierarchy.py --photos PLACE [--cache FILE] [--picture FILE]`` on the Grocery
Store photos: 81 products of 43 labels. A linear classifier on frozen EfficientNet-Lite0 learns from
``train``. Each half of the bursts of ``val`` is judged with a temperature, and with thresholds,
that were learned on the other half.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from _embedded import Embedded, Photos, add_options, embedded

import shelfvision as shv

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Curve = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]

PRECISIONS = (0.8, 0.9)


def said_of(found: Embedded) -> Floats:
    """Return what a linear classifier of the products says of val."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=10, max_iter=500).fit(found.train.seen, found.train.labels)
    return np.asarray(model.predict_proba(found.val.seen), np.float32)


def halves(groups: npt.NDArray[np.int64], seed: int) -> Iterator[tuple[Mask, Mask]]:
    """Yield which photos to learn on and which to judge: one half of the bursts, and swapped."""
    n = int(groups.max()) + 1
    first = np.isin(groups, np.random.RandomState(seed).permutation(n)[: n // 2])
    yield first, ~first
    yield ~first, first


def calibrated(said: Floats, val: Photos, seed: int) -> Floats:
    """Return probabilities, each calibrated by the half that its burst is not in."""
    rows = np.empty_like(said)
    for learn, judge in halves(val.groups, seed):
        rows[judge] = shv.Calibration.fit(said[learn], val.labels[learn]).apply(said[judge])
    return rows


def predictions(rows: Floats, names: Sequence[str]) -> shv.Predictions:
    """Return rows of probabilities as a classifier gives them."""
    return shv.Predictions(rows, names, [str(row) for row in range(len(rows))])


def scored(taxonomy: shv.Taxonomy, rows: Floats, val: Photos, names: list[str]) -> None:
    """Print accuracy and macro F1 on each level."""
    images = np.zeros((len(rows), 1, 1, 3), np.uint8)
    groups = [str(group) for group in val.groups]
    photos = shv.Dataset.from_arrays(images, val.labels, class_names=names, groups=groups)
    for level, report in taxonomy.evaluate(_Said(predictions(rows, names)), photos).items():
        low, high = report.intervals.accuracy
        print(f"{level:8} accuracy {report.accuracy:.3f} ({low:.3f} to {high:.3f})", end="  ")
        print(f"macro F1 {report.macro_f1:.3f}")


class _Said:
    def __init__(self, found: shv.Predictions) -> None:
        self.found = found
        self.class_names = found.class_names

    def predict(self, photos: shv.Dataset, /) -> shv.Predictions:
        """Return what was said, under the names of the dataset."""
        return shv.Predictions(self.found.probabilities, self.class_names, photos.ids)


def curve(answer: Callable[[float], tuple[Mask, Mask]], limits: Floats) -> Curve:
    """Return the share answered and the share of right ones among these, by falling limits."""
    points = []
    for limit in limits:
        taken, right = answer(float(limit))
        if taken.sum() >= 20:
            points.append((taken.mean(), right[taken].mean()))
    shares, accuracies = np.array(points).T
    return shares, accuracies


def curves(taxonomy: shv.Taxonomy, rows: Floats, val: Photos, names: list[str]) -> dict[str, Curve]:
    """Return what answering with products only, labels only, or the finest sure one comes to."""
    found = predictions(rows, names)
    truth = [names[label] for label in val.labels]
    labels = taxonomy.roll_up(found)
    kinds = np.array([taxonomy.mapping()[name] for name in truth], dtype=object)
    limits = np.unique(np.concatenate([found.confidences, labels.confidences]))[::-1]

    def both(limit: float) -> tuple[Mask, Mask]:
        answers = taxonomy.answer(found, limit)
        return answers.decisions == "accept", taxonomy.correct(answers, truth)

    return {
        "products only": curve(
            lambda x: (found.confidences >= x, found.labels == np.array(truth, object)), limits
        ),
        "labels only": curve(lambda x: (labels.confidences >= x, labels.labels == kinds), limits),
        "product, else label": curve(both, limits),
    }


def promised(
    taxonomy: shv.Taxonomy, said: Floats, val: Photos, names: list[str], halvings: int
) -> None:
    """Print what thresholds for a precision come to on the half that they were not chosen on."""
    # The network of this classifier is not asked: it holds names and validation scores.
    model = shv.build_model(len(names), image_size=(88, 88))
    classifier = shv.Classifier.from_model(model, class_names=names)
    for precision in PRECISIONS:
        told: list[tuple[float, ...]] = []
        for seed in range(halvings):
            rows = calibrated(said, val, seed)
            for learn, judge in halves(val.groups, seed):
                told.append(_half(taxonomy, classifier, (rows, val), (learn, judge), precision))
        columns = np.array(told)
        means = [f"{np.nanmean(column):.3f}" for column in columns.T]
        print(
            f"precision {precision}: products only answered {means[0]}, right {means[1]}; ", end=""
        )
        print(f"with labels answered {means[2]} (products {means[3]}), right {means[4]}", end="; ")
        print(f"right of the labels {means[5]}")


def _half(
    taxonomy: shv.Taxonomy,
    classifier: shv.Classifier,
    photos: tuple[Floats, Photos],
    parts: tuple[Mask, Mask],
    precision: float,
) -> tuple[float, ...]:
    (rows, val), names = photos, classifier.class_names
    learn, judge = parts
    groups = np.unique(val.groups[learn], return_inverse=True)[1].reshape(-1)
    alone = shv.Thresholds.for_precision(
        rows[learn], val.labels[learn], groups, precision=precision, confidence_level=0.9
    )
    scores = shv.ValidationScores.of(rows[learn], val.labels[learn], groups)
    knowing = classifier.with_validation(scores)
    both = taxonomy.thresholds_for(knowing, precision, confidence_level=0.9)
    truth = [names[label] for label in val.labels[judge]]
    only = alone.decide(rows[judge]) == "accept"
    right = rows[judge].argmax(axis=1) == val.labels[judge]
    answers = taxonomy.answer(predictions(rows[judge], names), both)
    taken, good = answers.decisions == "accept", taxonomy.correct(answers, truth)
    product = taken & (answers.levels == "product")
    return (
        float(only.mean()), _share(right[only]), float(taken.mean()), float(product.mean()),
        _share(good[taken]), _share(good[taken & ~product]),
    )  # fmt: skip


def _share(right: Mask) -> float:
    return float(right.mean()) if len(right) else np.nan


def draw(found: dict[str, Curve], counts: Curve, path: Path) -> None:
    """Draw accuracies over the share answered, and what is answered on which level."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    styles = zip(found.items(), ("#b45309", "#6b7280", "#0f766e"), (1.6, 1.6, 2.6), strict=True)
    for (name, (shares, accuracies)), colour, width in styles:
        left.plot(100 * shares, 100 * accuracies, color=colour, linewidth=width, label=name)
    left.set(xlabel="photos answered (%)", ylabel="of these right (%)", xlim=(0, 100))
    left.grid(alpha=0.3)
    left.legend(loc="lower left", frameon=False)
    left.set_title("How often answers are right", loc="left", fontsize=11)
    limits, shares = counts
    names, colours = ("product", "label", "to review"), ("#0f766e", "#99d5cf", "#e5e7eb")
    right.stackplot(limits, *(100 * row for row in shares), labels=names, colors=colours)
    right.set(xlabel="confidence asked for", ylabel="photos (%)", xlim=(0.3, 1), ylim=(0, 100))
    right.legend(loc="lower left")
    right.set_title("What photos are answered with", loc="left", fontsize=11)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def shares_by_limit(taxonomy: shv.Taxonomy, rows: Floats, names: list[str]) -> Curve:
    """Return limits, and the shares of photos answered on each level and to review, by limit."""
    found, limits = predictions(rows, names), np.linspace(0.3, 1, 141)
    counts = [list(taxonomy.answer(found, limit).counts.values()) for limit in limits]
    return limits, np.array(counts).T / len(rows)


def main() -> None:
    """Print the figures, and draw them where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--halvings", type=int, default=20)
    parser.add_argument("--picture", type=Path, help="a file to draw into")
    options = parser.parse_args()
    found = embedded(options)
    taxonomy = shv.Taxonomy.from_manifest(Path(options.photos) / "manifest.csv")
    val, names = found.val, found.names
    said = said_of(found)
    rows = calibrated(said, val, 0)
    print(f"{taxonomy}, {len(val.labels)} photos of {val.groups.max() + 1} bursts")
    scored(taxonomy, rows, val, names)
    drawn = curves(taxonomy, rows, val, names)
    print("of photos answered, right:")
    for name, (shares, accuracies) in drawn.items():
        at = [accuracies[np.searchsorted(shares, share)] for share in (0.25, 0.5, 0.75, 0.9)]
        told = "  ".join(
            f"{share:.0%} {x:.3f}" for share, x in zip((0.25, 0.5, 0.75, 0.9), at, strict=True)
        )
        print(f"{name:20} {told}")
    promised(taxonomy, said, val, names, options.halvings)
    if options.picture:
        draw(drawn, shares_by_limit(taxonomy, rows, names), options.picture)


if __name__ == "__main__":
    main()
