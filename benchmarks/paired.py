"""Compare trainings photo by photo, from the predictions that `accuracy.py` keeps.

Run ``python benchmarks/paired.py FIRST.npz SECOND.npz ...``. Every file is compared with the first,
on each set of photos and on all sets together: accuracies, their difference with its 95 % interval
and p-value, which count bursts, as `shelfvision.compare` computes them. ``--photos`` and
``--summed-column`` add the same for kinds, whose classes' probabilities are added up. No network
runs.

A file named ``A.npz+B.npz`` is the mean of several, an ensemble.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from _judging import Judged, kinds_of

import shelfvision as shv


def averaged(name: str) -> Judged:
    """Return the predictions of a file, or the mean of several joined by ``+``."""
    parts = [Judged.read(Path(one)) for one in name.split("+")]
    mean = np.mean([part.probabilities for part in parts], axis=0)
    return replace(parts[0], probabilities=mean)


def cells(first: Judged, second: Judged) -> str:
    """Return accuracies, difference, interval and p-value as cells of a table."""
    found = shv.compare(first.report(), second.report())
    low, high = found.interval
    before, after = found.accuracies
    return (
        f"{before:.3f} | {after:.3f} | {found.difference:+.3f} | {low:+.3f} to {high:+.3f} | "
        f"{found.p_value:.3f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="what accuracy.py --predictions wrote")
    parser.add_argument("--photos", help="manifest with the kind of each class")
    parser.add_argument("--label-column", default="product")
    parser.add_argument("--summed-column", help="column of the kinds")
    options = parser.parse_args()
    if not options.files:
        print("nothing to compare; name files of accuracy.py --predictions")
        return
    first = averaged(options.files[0])
    kinds = kinds_of(options)
    print("| training | photos | first | second | difference | 95 % interval | p |")
    print("|---|---|---|---|---|---|---|")
    for name in options.files[1:]:
        second = averaged(name)
        said = "+".join(Path(one).stem for one in name.split("+"))
        for part in first.names:
            a, b = first.of(part), second.of(part)
            print(f"| {said} | {part} | {cells(a, b)} |")
            if kinds:
                print(f"| {said} | {part}, kinds | {cells(a.summed(kinds), b.summed(kinds))} |")


if __name__ == "__main__":
    main()
