"""`Dataset.concat`: several datasets as one."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

import shelfvision as shv
from shelfvision._photos.file_pixels import FilePixels
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from support import gives_warning, refuses

SIZE = (12, 12)


def arrays(*labels: str, seed: int, groups: list[str] | None = None) -> shv.Dataset:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (len(labels), *SIZE, 3), dtype=np.uint8)
    ids = [f"{seed}-{row}" for row in range(len(labels))]
    return shv.Dataset.from_arrays(images, labels, ids=ids, groups=groups)


@pytest.fixture
def stores(tmp_path: Path) -> tuple[Path, Path]:
    """Return two folders whose photos have the same names."""
    for seed, store in enumerate(("north", "south")):
        folder = tmp_path / store
        shv.samples.write_products(folder, n_per_class=2, class_names=["juice", "milk"], seed=seed)
    return tmp_path / "north", tmp_path / "south"


def opened(folder: Path) -> shv.Dataset:
    return shv.Dataset.from_directory(folder, image_size=SIZE)


def test_rows_follow_in_the_order_of_the_datasets() -> None:
    one, other = arrays("milk", "juice", seed=1), arrays("tea", "milk", seed=2)
    found = shv.Dataset.concat([one, other])
    assert found.ids.tolist() == ["1-0", "1-1", "2-0", "2-1"]
    assert [found.class_names[label] for label in found.labels] == ["milk", "juice", "tea", "milk"]
    expected = np.concatenate([one.read_batch(slice(None)), other.read_batch(slice(None))])
    np.testing.assert_array_equal(found.read_batch(slice(None)), expected)
    np.testing.assert_array_equal(found.read_batch([3, 0, 3]), expected[[3, 0, 3]])
    np.testing.assert_array_equal(found[2][0], expected[2])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(found))[3][0], expected[3])


def test_the_classes_of_the_first_dataset_keep_their_numbers() -> None:
    one, other = arrays("tea", "juice", seed=1), arrays("beer", "tea", seed=2)
    found = shv.Dataset.concat([one, other.select(["tea", "beer"])])
    assert found.class_names == ("juice", "tea", "beer")
    assert found.class_counts == {"juice": 1, "tea": 2, "beer": 1}


def test_views_of_files_caches_and_arrays_are_joined(
    stores: tuple[Path, Path], tmp_path: Path
) -> None:
    north, south = map(opened, stores)
    cached = south.cached(tmp_path / "cache")[1:3]
    found = shv.Dataset.concat({"n": north[[3, 0]], "s": cached, "a": arrays("tea", seed=3)})
    expected = [north[3], north[0], south[1], south[2], arrays("tea", seed=3)[0]]
    for (image, _), (wanted, _) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(image, wanted)
    assert found.ids[0] == f"n/{north.ids[3]}"
    smaller = found.resized((6, 6))
    np.testing.assert_array_equal(smaller[0][0], north.resized((6, 6))[3][0])
    np.testing.assert_array_equal(found.cached()[4][0], found[4][0])


@pytest.mark.remedy("duplicate")
def test_ids_of_two_folders_collide_and_the_remedy_works(stores: tuple[Path, Path]) -> None:
    one, other = map(opened, stores)
    with refuses(DataError, "duplicate", "datasets") as caught:
        shv.Dataset.concat([one, other])
    assert "'juice/" in str(caught.value)
    assert "Dataset.concat({'old': one, 'new': other})" in str(caught.value)
    found = shv.Dataset.concat({"old": one, "new": other})
    assert len(found) == 8
    assert f"new/{other.ids[0]}" in found


@pytest.mark.remedy("inconsistent")
def test_two_preprocessings_are_refused_and_the_remedy_works(stores: tuple[Path, Path]) -> None:
    datasets = [opened(stores[0]), arrays("milk", seed=1).resized((8, 8))]
    with refuses(DataError, "inconsistent", "datasets") as caught:
        shv.Dataset.concat(datasets)
    remedy = str(caught.value).rpartition("pass ")[2]
    assert remedy == "datasets[1].resized((12, 12), resize='stretch')"
    datasets[1] = eval(remedy, {"datasets": datasets})
    assert len(shv.Dataset.concat(datasets)) == 5
    padded = datasets[1].resized(SIZE, resize="pad")
    with refuses(DataError, "inconsistent", "datasets"):
        shv.Dataset.concat([datasets[0], padded])


@pytest.mark.remedy("conflict")
def test_the_same_photo_with_two_labels_is_refused_and_listed(stores: tuple[Path, Path]) -> None:
    north, south = stores
    twin = min((north / "milk").iterdir())
    shutil.copy(twin, south / "juice" / "copied.jpg")
    with refuses(DataError, "conflict", "datasets") as caught:
        shv.Dataset.concat({"n": opened(north), "s": opened(south)})
    message = str(caught.value)
    assert f"'n/milk/{twin.name}' is 'milk' in datasets['n']" in message
    assert "'s/juice/copied.jpg' is 'juice' in datasets['s']" in message
    assert "1 pair" in message
    corrected = opened(south).with_labels({"juice/copied.jpg": "milk"})
    assert len(shv.Dataset.concat({"n": opened(north), "s": corrected})) == 9


def test_the_same_photo_with_one_label_is_one_group(stores: tuple[Path, Path]) -> None:
    north, south = stores
    twin = min((north / "milk").iterdir())
    shutil.copy(twin, south / "milk" / "copied.jpg")
    found = shv.Dataset.concat({"n": opened(north), "s": opened(south)})
    group = dict(zip(found.ids.tolist(), found.groups.tolist(), strict=True))
    assert group[f"n/milk/{twin.name}"] == group["s/milk/copied.jpg"]
    assert len(set(group.values())) == len(group) - 1


def test_a_cached_photo_is_the_same_as_its_file(stores: tuple[Path, Path]) -> None:
    one = opened(stores[0])
    found = shv.Dataset.concat({"file": one, "cache": one.cached()})
    assert found.groups[:4].tolist() == found.groups[4:].tolist()
    with refuses(DataError, "conflict", "datasets"):
        shv.Dataset.concat({"file": one, "cache": one.cached().relabel({"milk": "juice"})})


@pytest.mark.parametrize("image_size", [(8, 8), (6, 4)])
@pytest.mark.parametrize("on_disk", [False, True])
def test_a_cached_photo_is_the_same_as_its_array(
    tmp_path: Path, image_size: tuple[int, int], *, on_disk: bool
) -> None:
    one = arrays("milk", "tea", seed=1).resized(image_size)
    cached = one.cached(tmp_path) if on_disk else one.cached()
    found = shv.Dataset.concat({"array": one, "cache": cached})
    assert found.groups[:2].tolist() == found.groups[2:].tolist()
    with refuses(DataError, "conflict", "datasets"):
        shv.Dataset.concat({"array": one, "cache": cached.relabel({"milk": "juice"})})


def test_a_named_group_takes_in_the_same_photo_elsewhere() -> None:
    one = arrays("milk", "milk", "tea", seed=1, groups=["shelf 1", "shelf 1", "shelf 2"])
    images, _ = one.to_arrays()
    other = shv.Dataset.from_arrays(images[:1], ["milk"], ids=["again"])
    found = shv.Dataset.concat([one, other])
    assert found.groups.tolist() == ["user:shelf 1", "user:shelf 1", "user:shelf 2", "user:shelf 1"]


def test_a_photo_in_two_named_groups_is_a_link_and_a_warning() -> None:
    one = arrays("milk", "tea", seed=1, groups=["shelf 1", "shelf 2"])
    images, _ = one.to_arrays()
    other = shv.Dataset.from_arrays(images[:1], ["milk"], ids=["again"], groups=["shelf 9"])
    with gives_warning(ShelfVisionWarning, "named-groups"):
        found = shv.Dataset.concat([one, other])
    assert found.groups.tolist() == ["user:shelf 1", "user:shelf 2", "user:shelf 9"]
    assert [link.ids for link in found.group_links] == [("1-0", "again")]


def test_bursts_and_links_of_the_parts_stay(stores: tuple[Path, Path]) -> None:
    one = arrays("milk", "tea", seed=1, groups=["a", "b"])
    images, _ = one.to_arrays()
    images[1] = images[0]
    twins = shv.Dataset.from_arrays(images, ["milk", "milk"], ids=["x", "y"], groups=["a", "b"])
    with pytest.warns(ShelfVisionWarning):
        linked = twins.group_near_duplicates()
    found = shv.Dataset.concat({"linked": linked, "other": opened(stores[0])})
    assert [link.ids for link in found.group_links] == [("linked/x", "linked/y")]


def test_only_files_of_equal_size_are_read(
    stores: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    north, south = stores
    paths = [path for folder in stores for path in sorted(folder.glob("*/*"))]
    for number, path in enumerate(paths):
        path.write_bytes(path.read_bytes() + b"\0" * number * 5000)
    (paths[-1]).write_bytes(paths[0].read_bytes())
    one, other = opened(north), opened(south)
    read: list[str] = []

    def digest(self: FilePixels, row: int) -> str:
        read.append(self.path(row))
        return real(self, row)

    real = FilePixels.digest
    monkeypatch.setattr(FilePixels, "digest", digest)
    with refuses(DataError, "conflict", "datasets"):
        shv.Dataset.concat({"n": one, "s": other})
    assert sorted(read) == sorted([str(paths[0]), str(paths[-1])])


def test_missing_files_are_no_obstacle_before_they_are_read(stores: tuple[Path, Path]) -> None:
    one, other = map(opened, stores)
    for path in stores[1].glob("milk/*"):
        path.unlink()
    assert len(shv.Dataset.concat({"n": one, "s": other})) == 8


@pytest.mark.remedy("twin-names")
def test_names_that_differ_in_case_are_a_warning_with_a_remedy() -> None:
    datasets = [arrays("Oat milk", seed=1), arrays("oat-milk", seed=2)]
    with gives_warning(ShelfVisionWarning, "twin-names", "datasets") as caught:
        assert len(shv.Dataset.concat(datasets).class_names) == 2
    remedy = str(caught[0]).rpartition("pass ")[2]
    assert remedy == "datasets[1].relabel({'oat-milk': 'Oat milk'})"
    datasets[1] = eval(remedy, {"datasets": datasets})
    assert shv.Dataset.concat(datasets).class_counts == {"Oat milk": 2}


def test_augmented_copies_are_made_after_joining() -> None:
    one = arrays("milk", "milk", "tea", seed=1)
    balanced = shv.BalancingAugmenter(seed=1).balance(one)
    with refuses(InvalidParameterError, "conflict", "datasets"):
        shv.Dataset.concat([balanced, arrays("tea", seed=2)])
    joined = shv.Dataset.concat([balanced[balanced.copies == 0], arrays("tea", seed=2)])
    again = shv.BalancingAugmenter(seed=1).balance(joined)
    copy = np.flatnonzero(again.copies > 0)[0] if (again.copies > 0).any() else 0
    assert again.groups[copy] in joined.groups.tolist()


def shelves(folder: Path, **corners: list[list[float]]) -> dict[Path, shv.Boxes]:
    """Return boxes labelled tea of photos with these names; all photos have the same content."""
    pixels = np.random.default_rng(5).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    folder.mkdir(exist_ok=True)
    found = {}
    for name, boxes in corners.items():
        PillowImage.fromarray(pixels).save(folder / f"{name}.png")
        found[folder / f"{name}.png"] = shv.Boxes(boxes, labels=["tea"] * len(boxes))
    return found


def test_crops_of_one_photo_in_two_datasets_are_one_group(tmp_path: Path) -> None:
    one = shelves(tmp_path / "one", a=[[0, 0, 20, 20], [20, 0, 40, 20]])
    other = shelves(tmp_path / "two", b=[[0, 0, 20, 20], [40, 20, 80, 60]])
    parts = {
        "one": shv.Dataset.from_boxes(one, image_size=SIZE),
        "two": shv.Dataset.from_boxes(other, image_size=SIZE),
    }
    found = shv.Dataset.concat(parts)
    assert len(set(found.groups.tolist())) == 1
    np.testing.assert_array_equal(found[3][0], parts["two"][1][0])
    twin = parts["two"].ids[0]
    both = [*found.class_names, "milk"]
    parts["two"] = parts["two"].with_labels({twin: "milk"}, class_names=both)
    with refuses(DataError, "conflict", "datasets") as caught:
        shv.Dataset.concat(parts)
    assert f"'two/{twin}' is 'milk'" in str(caught.value)


def test_skipped_files_stay_listed(stores: tuple[Path, Path]) -> None:
    (stores[1] / "milk" / "notes.txt").write_text("no photo")
    found = shv.Dataset.concat({"n": opened(stores[0]), "s": opened(stores[1])})
    assert [file.path for file in found.skipped] == ["s/milk/notes.txt"]


def test_joining_many_times_stays_flat_and_equal() -> None:
    parts = [arrays("milk", "tea", seed=seed) for seed in range(60)]
    found = parts[0]
    for part in parts[1:]:
        found = shv.Dataset.concat([found, part])
    assert found.fingerprint == shv.Dataset.concat(parts).fingerprint
    assert len(pickle.dumps(found)) < 2 * len(pickle.dumps(shv.Dataset.concat(parts)))


def test_a_joined_dataset_is_split_without_leaks(stores: tuple[Path, Path]) -> None:
    found = shv.Dataset.concat({"n": opened(stores[0]), "s": opened(stores[1])})
    splits = shv.SeededSplitter(train=0.5, validation=0.5, test=0.0).split(found)
    assert not splits.leaks
    assert found.group_near_duplicates().group_bursts().class_counts == {"juice": 4, "milk": 4}


@pytest.mark.parametrize(
    ("datasets", "code"), [([], "empty"), ({}, "empty"), (3, "wrong-type"), ([3], "wrong-type")]
)
def test_other_values_are_refused(datasets: object, code: str) -> None:
    with refuses(InvalidParameterError, code, "datasets"):
        shv.Dataset.concat(datasets)  # type: ignore[arg-type]
