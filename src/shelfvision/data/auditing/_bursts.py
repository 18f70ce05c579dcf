"""Finds bursts: one product photographed several times in a row, in the same light and place."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from shelfvision._random import rng_for
from shelfvision.data.auditing._finding import Finding
from shelfvision.data.auditing._look import Looks, Photos
from shelfvision.data.auditing._quality import blank_photos, listed_rows

# Photos at most this far apart in the order of their names may be of one burst, which has at
# least so many.
_REACH = 3
_SMALLEST = 3
# Two photos are alike when their colours overlap more than those of all but one in 200 pairs of
# photos of other series, and at least this much.
_LEAST = 0.75
_UNLIKELY = 0.995
_PAIRS = 8192
_BINS = 4

_Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]


def about_bursts(photos: Photos, looks: Looks) -> Iterator[Finding]:
    """Find runs of photos that follow each other by name and share their colours.

    Colours are compared by histogram intersection: M. Swain and D. Ballard, "Color indexing",
    International Journal of Computer Vision 7 (1991) 11-32.
    """
    order, series = _sequence(photos, looks)
    if len(order) < _SMALLEST:
        return
    colours = _colours(looks.tiny)
    least = _threshold(colours, order, series)
    bursts = _runs(colours, order, series, least)
    if not bursts:
        return
    bursts.sort(key=lambda burst: (-len(burst[0]), burst[0]))
    rows = tuple(members for members, _ in bursts)
    split = sum(len(set(photos.parts[list(members)].tolist())) > 1 for members in rows)
    total = sum(map(len, rows))
    across = f", {split} of them in several parts of the split" if split else ""
    yield Finding(
        code="burst",
        severity="warning",
        message=f"{total:,} photos were probably taken in {len(rows):,} bursts{across}, and a "
        "random split deals a burst to both sides; name sessions in a group column, or judge on "
        "photos of another day",
        sets=listed_rows(photos, rows),
        values=tuple(value for _, value in bursts),
        details=tuple(
            f"{len(members)} photos of {photos.label(members[0])}, colours overlap {value:.2f}"
            for members, value in bursts
        ),
        _rows=rows,
    )


def _sequence(photos: Photos, looks: Looks) -> tuple[_Ints, _Ints]:
    """Return the photos in the order of their names, and the series that each of them is in."""
    seen = np.flatnonzero(looks.readable & ~blank_photos(looks)).tolist()
    keys = {photo: (photos.label(photo), *_series_and_number(photos.ids[photo])) for photo in seen}
    order = sorted(seen, key=lambda photo: (*keys[photo], photo))
    numbers: dict[tuple[str, str], int] = {}
    series = [numbers.setdefault(keys[photo][:2], len(numbers)) for photo in order]
    return np.array(order, dtype=np.int64), np.array(series, dtype=np.int64)


def _series_and_number(name: str) -> tuple[str, int, str]:
    """Return a name up to its last number, that number, and the name; a folder without one."""
    stem = name.rpartition(".")[0] if re.search(r"\.[A-Za-z]+$", name) else name
    match = re.fullmatch(r"(.*?)(\d+)", stem, re.DOTALL | re.ASCII)
    if match is None:
        return name.rpartition("/")[0], 0, name
    return match[1], int(match[2][-18:]), name


def _colours(tiny: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the share of each of 64 colours in every photo."""
    shares = np.empty((len(tiny), _BINS**3), dtype=np.float32)
    for photo, image in enumerate(tiny):
        steps = image.reshape(-1, 3).astype(np.int64) * _BINS // 256
        bins = steps @ (_BINS**2, _BINS, 1)
        shares[photo] = np.bincount(bins, minlength=_BINS**3) / len(bins)
    return shares


def _overlap(colours: npt.NDArray[np.float32], one: _Ints, other: _Ints) -> _Floats:
    return np.asarray(np.minimum(colours[one], colours[other]).sum(axis=1), dtype=np.float64)


def _threshold(colours: npt.NDArray[np.float32], order: _Ints, series: _Ints) -> float:
    """Return the overlap that photos of different series hardly ever reach."""
    pairs = rng_for(0, "audit", "bursts").integers(0, len(order), (2, _PAIRS))
    one, other = pairs[:, series[pairs[0]] != series[pairs[1]]]
    if len(one) < _PAIRS // 64:
        # All photos are of one series: those far apart in it stand for others.
        one, other = pairs[:, np.abs(pairs[0] - pairs[1]) > 16 * _REACH]
    if len(one) < _PAIRS // 64:
        return (1 + _LEAST) / 2
    usual = np.quantile(_overlap(colours, order[one], order[other]), _UNLIKELY)
    return max(_LEAST, float(usual))


def _runs(
    colours: npt.NDArray[np.float32], order: _Ints, series: _Ints, least: float
) -> list[tuple[tuple[int, ...], float]]:
    """Return runs of photos in which each is like one shortly before, and their mean overlap."""
    n = len(order)
    best, before = np.zeros(n), np.arange(n)
    for step in range(1, min(_REACH, n - 1) + 1):
        overlap = np.zeros(n)
        overlap[step:] = _overlap(colours, order[:-step], order[step:])
        overlap[step:][series[:-step] != series[step:]] = 0.0
        better = (overlap >= least) & (overlap > best)
        best[better], before[better] = overlap[better], np.flatnonzero(better) - step
    runs: dict[int, list[int]] = {}
    home: list[int] = []
    for place, earlier in enumerate(before.tolist()):
        home.append(place if earlier == place else home[earlier])
        runs.setdefault(home[-1], []).append(place)
    return [
        (tuple(order[places].tolist()), float(best[places[1:]].mean()))
        for places in runs.values()
        if len(places) >= _SMALLEST
    ]
