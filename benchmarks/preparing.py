"""Measure what it costs to measure, compare and group photos at scale, and what is found.

Three tables: the cost of the features of real photos; the pairs that buckets find among real photos
and changed copies, against the search in one process; the cost of the search for more and more
photos, which are random crops of the real ones, and what follows for 10 million.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from duplicates import CHANGES, copy_of
from PIL import Image, ImageEnhance

from shelfvision.scale import NearBuckets, NearPairs, PhotoFeatures, audit_features, near_groups

MORE: dict[str, tuple[Callable[[Image.Image], Image.Image], int]] = {
    "2 % brighter": (lambda photo: ImageEnhance.Brightness(photo).enhance(1.02), 85),
    "10 % brighter": (lambda photo: ImageEnhance.Brightness(photo).enhance(1.1), 85),
}
REACHES = ((0.5, 1.0), (1.0, 2.0), (1.0, 4.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0))
"""The reach and the side of a cell of each row, in grey levels."""
TEN_MILLION = 10_000_000


def peak() -> int:
    """Return the largest resident memory since `forget_peak`, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def forget_peak() -> int:
    """Set the largest resident memory to the present one, and return it."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak()


def measured(work: Callable[[], Any]) -> tuple[Any, float, int]:
    """Return the result of a call, its CPU seconds and its additional memory in bytes."""
    before, start = forget_peak(), time.process_time()
    result = work()
    return result, time.process_time() - start, max(0, peak() - before)


def cost_of_features(photos: list[tuple[str, bytes]], scratch: Path) -> None:
    """Print CPU time and size of the features of real photos."""
    measure = PhotoFeatures()
    table = pa.table({"path": [name for name, _ in photos], "bytes": [data for _, data in photos]})
    measure(table.slice(0, 8))  # imports
    features, seconds, _ = measured(lambda: measure(table))
    pq.write_table(features, scratch / "features.parquet")
    each = seconds / len(photos)
    size = (scratch / "features.parquet").stat().st_size / len(photos)
    mean = sum(len(data) for _, data in photos) / len(photos)
    print(f"features of {len(photos):,} JPEGs of {mean / 1024:.0f} KB:", end=" ")
    print(f"{1000 * each:.1f} ms CPU and {size:,.0f} bytes of Parquet a photo")


def recall(photos: list[tuple[str, bytes]]) -> None:
    """Print the share of pairs that buckets find, against one bucket for all photos."""
    kinds = {**CHANGES, **MORE}
    kinds.pop("exact")
    rows = list(photos)
    for number, (name, data) in enumerate(photos):
        kind = list(kinds)[number % len(kinds)]
        rows.append((f"{kind}|{name}", copy_of(data, *kinds[kind])))
    features = PhotoFeatures()(
        pa.table({"path": [r[0] for r in rows], "bytes": [r[1] for r in rows]})
    )
    whole = pairs_of(NearBuckets(reach=64, cell=1024)(features))
    print(
        f"\n{len(rows):,} photos, {len(whole):,} pairs in one process; share found in buckets, in %"
    )
    names = [*kinds, "of the photos"]
    print(f"{'reach':>6}{'cell':>6}{'rows':>6}{'largest':>9}", *(f"{n:>15}" for n in names), sep="")
    for reach, cell in REACHES:
        entries = NearBuckets(reach=reach, cell=cell)(features)
        found = pairs_of(entries)
        largest = np.unique(entries["bucket"].to_numpy(), return_counts=True)[1].max() / len(rows)
        shares = [share(whole, found, name, kinds) for name in names]
        print(
            f"{reach:6.1f}{cell:6.0f}{len(entries) / len(rows):6.1f}{100 * largest:8.1f}%", end=""
        )
        print("".join(f"{value:>15}" for value in shares))


def pairs_of(entries: pa.Table) -> set[tuple[str, str]]:
    """Return the ids of all pairs."""
    found = NearPairs()(entries)
    return set(zip(found["id"].to_pylist(), found["other_id"].to_pylist(), strict=True))


def share(
    whole: set[tuple[str, str]], found: set[tuple[str, str]], name: str, kinds: dict[str, Any]
) -> str:
    """Return how many pairs of a kind were found: of photos and copies, or of photos alone."""

    def is_of_kind(pair: tuple[str, str]) -> bool:
        made = [one.partition("|")[0] for one in pair if "|" in one]
        if name not in kinds:
            return not made
        return (
            made == [name]
            and pair[0].partition("|")[2] in ("", pair[1])
            and (pair[1].partition("|")[2] in ("", pair[0]))
        )

    there = {pair for pair in whole if is_of_kind(pair)}
    return f"{100 * len(there & found) / max(1, len(there)):.1f} of {len(there)}"


def crops(photos: list[tuple[str, bytes]], count: int) -> pa.Table:
    """Return the features of random crops of real photos; only what the search needs."""
    rng = np.random.default_rng(0)
    opened = [Image.open(io.BytesIO(data)).convert("RGB").resize((96, 96)) for _, data in photos]
    thumbnails, sides = [], rng.uniform(32, 80, count)
    for number in range(count):
        left, top = rng.uniform(0, 96 - sides[number], 2)
        box = (left, top, left + sides[number], top + sides[number])
        image = opened[int(rng.integers(len(opened)))]
        thumbnails.append(image.resize((32, 32), Image.Resampling.BILINEAR, box=box).tobytes())
    names = [f"store-{n % 2000:04}/{n:08}.jpg" for n in range(count)]
    numbers = {name: rng.uniform(50, 60, count) for name in ("mean", "dark", "bright", "spread")}
    return pa.table(
        {
            "path": names,
            "label": [f"class {n % 80}" for n in range(count)],
            "digest": [f"{n:064x}" for n in range(count)],
            "height": np.full(count, 480, np.int32),
            "width": np.full(count, 640, np.int32),
            "blur": rng.uniform(0.3, 0.4, count),
            **numbers,
            "thumbnail": pa.array(thumbnails, pa.binary()),
            "error": pa.nulls(count, pa.string()),
            "error_code": pa.nulls(count, pa.string()),
        }
    )


def cost_of_search(features: pa.Table, reach: float, cell: float) -> tuple[float, float]:
    """Print the cost of one search; return CPU seconds and rows per photo."""
    count = len(features)
    entries, spent, _ = measured(lambda: NearBuckets(reach=reach, cell=cell)(features))
    sizes = np.sort(np.unique(entries["bucket"].to_numpy(), return_counts=True)[1])
    # Whole buckets together, as a partition of Dask holds them.
    pairs, seconds, memory = measured(lambda: NearPairs()(entries))
    _, joining, _ = measured(lambda: near_groups(pairs))
    print(
        f"{count:>9,}{reach:6.1f}{cell:6.0f}{len(entries) / count:6.1f}{len(sizes):9,}"
        f"{sizes[-1]:9,}{1e6 * spent / count:11.0f}{1e6 * seconds / len(entries):11.0f}"
        f"{memory / 2**20:9.0f}{len(pairs):9,}{1e6 * joining / max(1, len(pairs)):11.1f}"
    )
    return spent + seconds + joining, len(entries) / count


def cost_of_audit(count: int) -> None:
    """Print CPU time and additional memory of an audit without thumbnails."""
    rng = np.random.default_rng(0)
    levels = {name: rng.uniform(50, 60, count) for name in ("mean", "dark", "bright", "spread")}
    table = pa.table(
        {
            "path": [f"store-{n % 2000:04}/{n:08}.jpg" for n in range(count)],
            "label": [f"class {n % 80}" for n in range(count)],
            "digest": [f"{n:064x}" for n in range(count)],
            "height": np.full(count, 480, np.int32),
            "width": np.full(count, 640, np.int32),
            "blur": rng.uniform(0.3, 0.4, count),
            **levels,
            "error": pa.nulls(count, pa.string()),
            "error_code": pa.nulls(count, pa.string()),
        }
    )
    empty = NearPairs().schema.empty_table()
    audit_features(table.slice(0, 100), near_pairs=empty)  # imports
    _, seconds, memory = measured(lambda: audit_features(table, near_pairs=empty))
    print(f"audit of {count:,} rows without thumbnails: {1e6 * seconds / count:.1f} us", end=" ")
    print(f"CPU and {memory / count:,.0f} bytes a photo, besides the table")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", default=os.environ.get("SHELFVISION_PHOTOS", ""))
    parser.add_argument("--every", type=int, default=3, help="take one photo of so many")
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000, 50_000, 100_000])
    parser.add_argument("--audited", type=int, default=300_000, help="rows of the audit")
    parser.add_argument("--skip-recall", action="store_true", help="measure costs only")
    parser.add_argument("--scratch", type=Path, default=Path())
    options = parser.parse_args()
    folder = Path(options.photos)
    if not options.photos or not (folder / "manifest.csv").is_file():
        sys.exit("set SHELFVISION_PHOTOS, or pass --photos, to the Grocery Store photos")
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        names = [row["path"] for row in csv.DictReader(file)][:: options.every]
    photos = [(name, (folder / name).read_bytes()) for name in names]
    cost_of_features(photos, options.scratch)
    cost_of_audit(options.audited)
    if not options.skip_recall:
        recall(photos)
    print(f"\n{'photos':>9}{'reach':>6}{'cell':>6}{'rows':>6}{'buckets':>9}{'largest':>9}", end="")
    print(f"{'us a photo':>11}{'us a row':>11}{'MiB':>9}{'pairs':>9}{'us a pair':>11}")
    for count in options.counts:
        features = crops(photos, count)
        for reach, cell in ((1.0, 2.0), (4.0, 8.0), (64.0, 1024.0)):
            seconds, rows = cost_of_search(features, reach, cell)
            if count == options.counts[-1] and cell < 1024:
                growth = math.log2(TEN_MILLION) / math.log2(count)
                hours = seconds / count * TEN_MILLION * growth / 3600
                print(f"{'':9}10 million: {hours:.1f} CPU hours, ", end="")
                print(f"{rows * TEN_MILLION * 1.0e-6 * 950 / 1000:.0f} GB to shuffle")


if __name__ == "__main__":
    main()
