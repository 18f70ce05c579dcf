"""False alarms and power of `shelfvision.drift`, by simulation.

Run ``python benchmarks/drift.py``; ``--repeats`` sets the number of simulated weeks. Photos come in
bursts of 1 to 8. The photos of a burst share their product and most of their light and confidence.
Each repeat simulates a validation set and one week in operation.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np
import numpy.typing as npt

import shelfvision as shv

NAMES = tuple("abcdefgh")
ALPHA = 0.05


def photos(
    rng: np.random.Generator,
    bursts: int,
    *,
    dim: float = 0.0,
    unsure: float = 0.0,
    other: float = 0.0,
) -> tuple[shv.Predictions, npt.NDArray[np.int64]]:
    """Return the predictions for photos in bursts, and their groups.

    `dim` darkens photos by standard deviations, `unsure` lowers the confidence, and `other` is the
    share of bursts whose product becomes the first one.
    """
    groups = np.repeat(np.arange(bursts), rng.integers(1, 9, bursts))
    n = len(groups)

    def shared(within: float) -> npt.NDArray[np.float64]:
        return rng.normal(0, 1, bursts)[groups] * (1 - within**2) ** 0.5 + rng.normal(0, within, n)

    products = rng.integers(0, len(NAMES), bursts)
    products[rng.random(bursts) < other] = 0
    products = np.where(rng.random(n) < 0.9, products[groups], rng.integers(0, len(NAMES), n))
    confidence = 0.3 + 0.69 / (1 + np.exp(-1.5 - shared(0.5) + unsure))
    rows = np.repeat((1 - confidence)[:, None] / (len(NAMES) - 1), len(NAMES), axis=1)
    rows[np.arange(n), products] = confidence
    found = shv.Predictions(
        rows,
        NAMES,
        [str(row) for row in range(n)],
        decisions=["accept" if one >= 0.75 else "review" for one in confidence],
        quality={
            "brightness": 120 + 25 * (shared(0.4) - dim),
            "contrast": 150 + 20 * shared(0.4),
            "sharpness": 0.5 + 0.08 * shared(0.4),
            "warmth": 10 * shared(0.4),
        },
    )
    return found, groups


def alarms(
    repeats: int, validation: int, bursts: int, *, seed: int, known: bool = True, **options: float
) -> tuple[float, float]:
    """Return the share of weeks with an alarm, with and without a smallest effect."""
    rng, found = np.random.default_rng(seed), np.zeros(2)
    shift = {name: options.pop(name) for name in ("dim", "unsure", "other") if name in options}
    for _ in range(repeats):
        reference, groups = photos(rng, validation)
        profile = shv.Profile.from_predictions(reference, groups=groups)
        week, week_groups = photos(rng, bursts, **shift)
        for place, least in enumerate((None, 0.0)):
            result = shv.drift(
                week,
                profile=profile,
                groups=week_groups.tolist() if known else None,
                alpha=ALPHA,
                min_effect=least,
            )
            found[place] += result.drifted
    return float(found[0] / repeats), float(found[1] / repeats)


def ignoring_bursts(repeats: int, validation: int, bursts: int, *, seed: int) -> float:
    """Return the share of weeks with an alarm if each photo counts as independent."""
    rng, found = np.random.default_rng(seed), 0
    for _ in range(repeats):
        profile = shv.Profile.from_predictions(photos(rng, validation)[0])
        week = photos(rng, bursts)[0]
        found += shv.drift(week, profile=profile, alpha=ALPHA, min_effect=0.0).drifted
    return found / repeats


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=400)
    repeats = parser.parse_args().repeats
    print(f"alpha {ALPHA}, {repeats} weeks a row, bursts of 1 to 8 photos\n")
    print("no drift: weeks with an alarm             default   no smallest effect")
    for validation, bursts in ((60, 60), (200, 60), (200, 500), (1000, 2000)):
        for known in (True, False):
            some = max(50, repeats // 4) if bursts > 1000 else repeats
            default, bare = alarms(some, validation, bursts, seed=1, known=known)
            groups = "groups" if known else "no groups"
            row = f"{validation:5} and {bursts:5} bursts, {groups:9}"
            print(f"{row}    {default:13.3f} {bare:20.3f}")
    bare = ignoring_bursts(repeats, 200, 200, seed=2)
    print(f"  200 and   200 bursts, as if independent {bare:30.3f}\n")
    print("drift: weeks with an alarm, 200 bursts in validation")
    print("                   40 bursts   100 bursts   400 bursts")
    for name, value in product(("dim", "unsure", "other"), (0.25, 0.5, 1.0)):
        found = [
            alarms(repeats, 200, bursts, seed=3, **{name: value})[0] for bursts in (40, 100, 400)
        ]
        print(f"{name:8} {value:5.2f}" + "".join(f"{share:13.2f}" for share in found))


if __name__ == "__main__":
    main()
