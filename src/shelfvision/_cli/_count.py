"""``count``: count the products on photos, and compare them with a stock list."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from unicodedata import normalize

from shelfvision._cli._photos import Model, model_of, require_place
from shelfvision._cli._predict import photo_paths, storage_of
from shelfvision._cli._say import complain, say
from shelfvision._csv import csv_text
from shelfvision._storage import write_atomically
from shelfvision._validation import as_path, counted, listed
from shelfvision.boxes import Boxes, read_boxes
from shelfvision.errors import DataError, InvalidParameterError
from shelfvision.export import Detector
from shelfvision.inference import Classifier
from shelfvision.inventory import Inventory, StockCheck, take_inventory
from shelfvision.regions import Regions

_COLUMNS = ("store", "code", "product", "status", "expected", "count", "low", "high", "confidence")


def run(chosen: argparse.Namespace) -> int:
    """Count, print the inventory and the comparison, and write the files that are asked for."""
    _require_arguments(chosen)
    paths = list(photo_paths(chosen.photos))
    model = model_of(chosen.file, chosen.sha256)
    if not isinstance(model, Classifier):
        raise InvalidParameterError(
            f"FILE must be a bundle (.shelf), got {chosen.file!r}, because only bundles contain "
            "the validation scores that correct counts; pass the bundle that was exported",
            code="wrong-type",
            parameter="FILE",
        )
    inventory = _counted(model, paths, chosen)
    say(inventory)
    for finding in inventory.double_counts:
        say(finding)
    if chosen.output is not None:
        inventory.save(chosen.output)
        complain(f"saved the inventory as {chosen.output!r}")
    if chosen.stock_list is not None:
        _compare(inventory, chosen)
    return 0


def _require_arguments(chosen: argparse.Namespace) -> None:
    """Raise for arguments that cannot be used, before a model is loaded."""
    for option in ("output", "checks"):
        read = (chosen.file, *chosen.photos, chosen.boxes, chosen.detector, chosen.stock_list)
        require_place(getattr(chosen, option), f"--{option}", *read)
    if chosen.boxes is not None or chosen.detector is not None:
        for photo in chosen.photos:
            as_path(photo, "PHOTO")
    if chosen.boxes is not None and chosen.detector is not None:
        raise InvalidParameterError(
            "--boxes and --detector must not both be given; leave one of them out",
            code="conflict",
            parameter="--boxes",
        )
    if chosen.stock_list is None and chosen.checks is not None:
        raise InvalidParameterError(
            "--checks needs a stock list, got none; name one with --stock-list",
            code="conflict",
            parameter="--checks",
        )


def _counted(model: Classifier, paths: list[str], chosen: argparse.Namespace) -> Inventory:
    if chosen.boxes is None and chosen.detector is None:
        found = model.predict(
            paths, on_error=chosen.on_error, storage_options=storage_of(chosen.photos)
        )
        return take_inventory(
            model,
            found,
            confidence_level=chosen.confidence_level,
            correction=chosen.correction,
            min_confidence=chosen.min_confidence,
        )
    shelves = _regions(model, paths, chosen)
    # A detector finds no box on an empty shelf; a file without boxes is rather of other photos.
    if chosen.detector is None and not any(map(len, shelves.values())):
        raise DataError(
            f"--boxes must give at least one box, got none in {counted(len(paths), 'photo')}; "
            "name the file of these photos",
            code="empty",
            parameter="--boxes",
        )
    return take_inventory(
        model,
        shelves,
        confidence_level=chosen.confidence_level,
        correction=chosen.correction,
        min_confidence=chosen.min_confidence,
    )


def _regions(model: Model, paths: Sequence[str], chosen: argparse.Namespace) -> dict[str, Regions]:
    if chosen.detector is not None:
        detector = Detector(chosen.detector)
        return {path: model.predict_regions(path, detector) for path in paths}
    boxes = boxes_of_photos(read_boxes(chosen.boxes), paths)
    return {path: model.predict_regions(path, boxes[path]) for path in paths}


def boxes_of_photos(annotated: Mapping[str, Boxes], paths: Sequence[str]) -> dict[str, Boxes]:
    """Return the boxes of each photo: those whose name is the end of the photo's path.

    ``a/1.jpg`` is the name of ``shop/a/1.jpg`` and not of ``shop/b/1.jpg``. Names are compared in
    Unicode NFC.
    """
    found: dict[str, Boxes] = {}
    taken: dict[str, str] = {}
    composed = {normalize("NFC", name): boxes for name, boxes in annotated.items()}
    for path in paths:
        parts = PurePath(normalize("NFC", path)).parts
        ends = ["/".join(parts[place:]) for place in range(len(parts))]
        name = next((end for end in ends if end in composed), None)
        if name is None:
            raise DataError(
                f"--boxes must have the photo {path!r}, got {listed(annotated)}; count photos that "
                "the annotations name",
                code="missing-photos",
                parameter="--boxes",
            )
        if taken.setdefault(name, path) != path:
            raise DataError(
                f"--boxes has one photo {name!r}, which fits {taken[name]!r} and {path!r}; count "
                "one of them, or annotate them with their folders",
                code="ambiguous",
                parameter="--boxes",
            )
        found[path] = composed[name]
    return found


def _compare(inventory: Inventory, chosen: argparse.Namespace) -> None:
    checks = inventory.against(
        chosen.stock_list,
        product_column=chosen.product_column,
        count_column=chosen.count_column,
        key_column=chosen.key_column,
        store_column=chosen.store_column,
        store=chosen.store,
        encoding=chosen.encoding,
    )
    say()
    for check in checks:
        say(check)
    if chosen.checks is not None:
        write_atomically(chosen.checks, _table(checks).encode("utf-8", "backslashreplace"))
        complain(f"saved the comparison as {chosen.checks!r}")


def _table(checks: Sequence[StockCheck]) -> str:
    rows: list[tuple[object, ...]] = [_COLUMNS]
    for one in checks:
        names = (one.part, one.code, one.product, one.status)
        counts = (None if value is None else round(value, 2) for value in (one.expected, one.count))
        rows.append((*names, *counts, *(one.interval or (None, None)), round(one.confidence, 4)))
    return csv_text(rows)
