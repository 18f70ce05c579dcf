"""Writes the golden bundle of the newest format from that of format 2; its answers stay."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from shelfvision._photos.preprocessing import Preprocessing
from shelfvision.inference._bundle import read_contents, save_bundle
from shelfvision.inference._manifest import VERSION

HERE = Path(__file__).parent


def main() -> None:
    """Write ``version-3.shelf``: the weights of format 2, with a crop rule of its own."""
    found = read_contents(HERE / "version-2.shelf")
    weights = {name: found.tensors[name] for name in found.manifest.weights}
    size = found.manifest.spec.image_size
    rule = Preprocessing(image_size=size, context=0.1, shape="image")
    manifest = dataclasses.replace(found.manifest, preprocessing=rule)
    save_bundle(manifest, weights, HERE / f"version-{VERSION}.shelf", found.scores)


if __name__ == "__main__":
    main()
