"""`Dataset.group_bursts`: photos taken in a row stay together, other photos do not join them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision.errors import InvalidParameterError, ShelfVisionWarning
from support import gives_warning, refuses


def shelf(place: int, shot: int, side: int = 32) -> npt.NDArray[np.uint8]:
    """Return a photo of a place: its colours, moved about from shot to shot."""
    colours = np.random.default_rng(place).integers(0, 256, (6, 3))
    order = np.random.default_rng(1000 * place + shot).integers(0, 6, (8, 8))
    order.flat[:48] = np.random.default_rng(shot).permutation(np.arange(48) % 6)
    noise = np.random.default_rng(shot).integers(-4, 5, (side, side, 3))
    blocks = colours[order].repeat(side // 8, axis=0).repeat(side // 8, axis=1)
    shot_of_it: npt.NDArray[np.uint8] = np.clip(blocks + noise, 0, 255).astype(np.uint8)
    return shot_of_it


def photos_of(
    places: dict[str, int], label: str = "milk", groups: list[str] | None = None
) -> shv.Dataset:
    """Return photos by name, each of a place that is numbered."""
    images = np.stack([shelf(place, shot) for shot, place in enumerate(places.values())])
    return shv.Dataset.from_arrays(images, [label] * len(places), ids=[*places], groups=groups)


def sets_of(ds: shv.Dataset) -> set[frozenset[str]]:
    """Return the ids of every group."""
    sets: dict[str, set[str]] = {}
    for name, group in zip(ds.ids, ds.groups, strict=True):
        sets.setdefault(group, set()).add(name)
    return {frozenset(names) for names in sets.values()}


def test_photos_of_one_place_join_and_those_of_another_do_not() -> None:
    ds = photos_of({f"milk_{shot:03}.jpg": shot // 5 for shot in range(15)})
    bursts = ds.group_bursts()
    assert sets_of(bursts) == {
        frozenset(f"milk_{shot:03}.jpg" for shot in range(start, start + 5)) for start in (0, 5, 10)
    }
    smallest = min(group.removeprefix("content:") for group in ds.groups[:5])
    assert bursts.groups[0] == f"burst:{smallest}"


def test_the_order_of_rows_does_not_matter() -> None:
    ds = photos_of({f"milk_{shot}.jpg": shot % 3 for shot in range(15)})
    turned = ds[::-1].group_bursts()
    assert turned.groups[::-1].tolist() == ds.group_bursts().groups.tolist()


def test_another_series_or_label_is_another_burst() -> None:
    ds = photos_of({"a/1.jpg": 0, "a/2.jpg": 0, "b/1.jpg": 0, "b/2.jpg": 0})
    assert len(sets_of(ds.group_bursts())) == 2
    images, _ = ds.to_arrays()
    mixed = shv.Dataset.from_arrays(images, [0, 1, 0, 1], ids=[f"{n}.jpg" for n in range(4)])
    assert sets_of(mixed.group_bursts()) == {
        frozenset(("0.jpg", "2.jpg")),
        frozenset(("1.jpg", "3.jpg")),
    }


def test_photos_without_a_number_stay_as_they_are() -> None:
    ds = photos_of({"front.jpg": 0, "back.jpg": 0, "side.jpg": 0})
    assert ds.group_bursts().groups.tolist() == ds.groups.tolist()


def test_numbers_of_any_length_and_with_brackets_count() -> None:
    names = {f"Milk ({'9' * 5000}{shot}).jpg": 0 for shot in range(3)}
    assert len(sets_of(photos_of(names).group_bursts())) == 1


def test_a_burst_longer_than_the_window_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelfvision.data.duplicates.bursts._WINDOW", 4)
    ds = photos_of({f"{shot}.jpg": 0 for shot in range(15)})
    assert len(sets_of(ds.group_bursts())) == 1


def test_near_duplicates_and_bursts_add_up() -> None:
    ds = photos_of({"m1.jpg": 0, "m2.jpg": 0, "other.jpg": 1})
    images, labels = ds.to_arrays()
    images[2] = images[0][:, ::-1]
    ds = shv.Dataset.from_arrays(images, labels, ids=ds.ids.tolist())
    assert len(sets_of(ds.group_near_duplicates().group_bursts())) == 1
    assert len(sets_of(ds.group_bursts().group_near_duplicates())) == 1


def test_groups_that_the_user_named_are_reported_and_not_joined() -> None:
    ds = photos_of({f"{n}.jpg": 0 for n in range(4)}, groups=["mon", "mon", "tue", "tue"])
    with gives_warning(ShelfVisionWarning, "named-groups"):
        bursts = ds.group_bursts()
    assert bursts.groups.tolist() == ds.groups.tolist()
    assert [link.ids for link in bursts.group_links] == [("1.jpg", "2.jpg")]


def test_the_threshold_decides_how_much_is_joined() -> None:
    ds = photos_of({f"{n}.jpg": 0 for n in range(6)})
    assert len(sets_of(ds.group_bursts(threshold=1.0))) == 6
    for threshold in (0, 1.5, "high"):
        with refuses(InvalidParameterError, "not-in-range", "threshold"):
            ds.group_bursts(threshold=threshold)  # type: ignore[arg-type]  # on purpose


def test_empty_views_and_augmented_copies_are_fine() -> None:
    ds = photos_of({f"{n}.jpg": 0 for n in range(4)})
    assert len(ds[:0].group_bursts().groups) == 0
    images, _ = ds.to_arrays()
    labelled = shv.Dataset.from_arrays(images, [0, 0, 0, 1], ids=ds.ids.tolist())
    copies = shv.BalancingAugmenter().balance(labelled).group_bursts()
    assert len(sets_of(copies)) == 2
    assert len(set(copies.groups)) == 2


def test_a_split_keeps_bursts_whole() -> None:
    ds = photos_of({f"milk_{shot:03}.jpg": shot // 5 for shot in range(40)}).group_bursts()
    splits = shv.SeededSplitter(train=0.5, validation=0.25, test=0.25, seed=0).split(ds)
    for part in (splits.train, splits.validation, splits.test):
        assert part is not None
        assert all(len(names) == 5 for names in sets_of(part))


@pytest.mark.photos
def test_bursts_of_real_photos_are_joined_within_sessions_and_rarely_across(photos: Path) -> None:
    with (photos / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    # The names of one product, numbered through all sessions: train and val are different ones.
    chosen = sorted({row["product"] for row in rows})[1::4]
    rows = [row for row in rows if row["product"] in chosen]
    full = shv.Dataset.from_manifest(photos / "manifest.csv", image_size=(32, 32))
    place = {name: row for row, name in enumerate(full.ids)}
    images = full.read_batch([place[row["path"]] for row in rows])
    ds = shv.Dataset.from_arrays(
        images,
        [row["product"] for row in rows],
        ids=[f"{row['product']}_{number}.jpg" for number, row in enumerate(rows)],
    ).group_bursts()
    sessions: dict[str, list[str]] = {}
    for row, group in zip(rows, ds.groups, strict=True):
        sessions.setdefault(group, []).append(row["split"])
    judged = [
        sessions[group] for row, group in zip(rows, ds.groups, strict=True) if row["split"] == "val"
    ]
    assert sum(group.count("val") > 1 for group in judged) > 0.7 * len(judged)
    assert sum("train" in group for group in judged) < 0.25 * len(judged)
