"""Find planted copies among real photos; tell what is found, missed and falsely joined."""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageOps

import shelfvision as shv

Change = Callable[[Image.Image], Image.Image]
CHANGES: dict[str, tuple[Change, int]] = {
    "exact": (lambda photo: photo, 0),
    "re-encoded": (lambda photo: photo, 40),
    "half the size": (lambda photo: photo.resize((photo.width // 2, photo.height // 2)), 75),
    "stretched": (lambda photo: photo.resize((photo.width * 3 // 4, photo.height)), 90),
    "mirrored": (ImageOps.mirror, 70),
    "turned": (lambda photo: photo.rotate(90, expand=True), 70),
    "cropped by 2 %": (lambda photo: ImageOps.crop(photo, photo.width // 50), 85),
}
"""How a copy is made, and at which JPEG quality it is saved; 0 copies the bytes."""


def copy_of(data: bytes, change: Change, quality: int) -> bytes:
    """Return a changed copy of a photo."""
    if not quality:
        return data
    file = io.BytesIO()
    with Image.open(io.BytesIO(data)) as photo:
        change(photo.convert("RGB")).save(file, "JPEG", quality=quality)
    return file.getvalue()


def plant(folder: Path, rows: list[dict[str, str]], target: Path) -> list[tuple[str, str, str]]:
    """Write all photos and one changed copy of every other one; return (change, photo, copy)."""
    planted = []
    for number, row in enumerate(rows):
        data = (folder / row["path"]).read_bytes()
        name = f"{row['label']}/{number}-{row['product']}"
        (target / row["label"]).mkdir(exist_ok=True)
        (target / f"{name}.jpg").write_bytes(data)
        if number % 2:
            kind = list(CHANGES)[number // 2 % len(CHANGES)]
            (target / f"{name}-copy.jpg").write_bytes(copy_of(data, *CHANGES[kind]))
            planted.append((kind, f"{name}.jpg", f"{name}-copy.jpg"))
    return planted


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", default=os.environ.get("SHELFVISION_PHOTOS", ""))
    parser.add_argument("--every", type=int, default=1, help="take one photo of so many")
    options = parser.parse_args()
    folder = Path(options.photos)
    if not options.photos or not (folder / "manifest.csv").is_file():
        sys.exit("set SHELFVISION_PHOTOS, or pass --photos, to the Grocery Store photos")
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:: options.every]
    with tempfile.TemporaryDirectory() as scratch:
        planted = plant(folder, rows, Path(scratch))
        start = time.perf_counter()
        ds = shv.Dataset.from_directory(scratch).group_near_duplicates()
        group = dict(zip(ds.ids.tolist(), ds.groups.tolist(), strict=True))
        print(f"{len(ds):,} photos, {len(planted):,} of them planted, ", end="")
        print(f"{time.perf_counter() - start:.1f} s\n")
    for kind in CHANGES:
        pairs = [(photo, copy) for change, photo, copy in planted if change == kind]
        found = sum(group[photo] == group[copy] for photo, copy in pairs)
        print(f"{kind:20}{found:5} of {len(pairs):4} found   {100 * found / len(pairs):6.2f} %")
    products: dict[str, set[str]] = {}
    for name, of in group.items():
        product = name.split("/")[1].split("-", 1)[1].removesuffix(".jpg").removesuffix("-copy")
        products.setdefault(of, set()).add(product)
    false = sum(len(products[of]) > 1 for of in group.values())
    share = 100 * false / len(group)
    print(f"{'in a false group':20}{false:5} of {len(group):4}         {share:6.2f} %")


if __name__ == "__main__":
    main()
