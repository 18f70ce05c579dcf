"""What the room promises holds for any photos, names and numbers that come along."""

from __future__ import annotations

import io
import os
import pickle
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from random import Random
from unittest import mock

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

import shelfvision as shv
from shelfvision._photos.given import Photo
from shelfvision._photos.preprocessing import Preprocessing
from shelfvision.data.reading import Reader
from shelfvision.errors import (
    DataError,
    InvalidParameterError,
    LeakageError,
    LeakageWarning,
    ShelfVisionWarning,
    SplitError,
)
from shelfvision.protocols import Resize
from support import gives_warning, refuses
from support.datasets import different_images

Pixels = npt.NDArray[np.uint8]
PARTS = ("train", "validation", "test")

seeds = st.integers(0, 2**32 - 1)
sides = st.integers(1, 24)
names = st.text("ab1é", min_size=1, max_size=3)
randoms = st.randoms(use_true_random=False)
labels = st.lists(st.sampled_from("abcd"), min_size=1, max_size=12)
shares = st.sampled_from([(0.7, 0.2, 0.1), (0.8, 0.2, 0.0), (0.5, 0.25, 0.25), (1.0, 0.0, 0.0)])


def noise(seed: int, *shape: int) -> Pixels:
    """Return random pixels."""
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def png(pixels: Pixels) -> bytes:
    """Return pixels as a file that loses none."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def folder() -> Iterator[Callable[[dict[str, bytes]], Path]]:
    """Return what makes a new folder of files by name."""
    with tempfile.TemporaryDirectory() as place:
        number = iter(range(10**6))

        def make(files: dict[str, bytes]) -> Path:
            root = Path(place, str(next(number)))
            for name, content in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            return root

        yield make


MakeFolder = Callable[[dict[str, bytes]], Path]


@pytest.mark.slow
@settings(max_examples=40)
@given(sides, sides, sides, sides, st.sampled_from(["stretch", "pad", "crop"]), seeds)
def test_a_photo_has_the_same_pixels_whichever_way_it_comes_in(
    folder: MakeFolder,
    height: int,
    width: int,
    high: int,
    wide: int,
    resize: Resize,
    seed: int,
) -> None:
    pixels = noise(seed, height, width)
    listed = b"path,label\nmilk/a.png,milk\n"
    root = folder({"milk/a.png": png(pixels), "list.csv": listed})
    trained_on = shv.Dataset.from_directory(root, image_size=(high, wide), resize=resize)
    expected = trained_on[0][0]
    assert expected.dtype == np.uint8
    assert expected.shape == (high, wide, 3)
    by_list = shv.Dataset.from_manifest(root / "list.csv", image_size=(high, wide), resize=resize)
    reader = Reader(
        preprocessing=Preprocessing(image_size=(high, wide), resize=resize), on_error="raise"
    )
    served: list[Photo] = [root / "milk/a.png", (root / "milk/a.png").read_bytes(), pixels]
    for way in (by_list, trained_on.cached()):
        np.testing.assert_array_equal(way[0][0], expected)
    for batch in (*reader.batches(served, 3), *reader.batches(pixels[None], 3)):
        for image in batch.images:
            np.testing.assert_array_equal(image, expected)


class Shuffled:
    """Lists a folder in an order of chance."""

    def __init__(self, path: str, entries: list[os.DirEntry[str]], random: Random) -> None:
        random.shuffle(entries)
        self._entries = entries

    def __enter__(self) -> list[os.DirEntry[str]]:
        return self._entries

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.slow
@settings(max_examples=30)
@given(st.dictionaries(names, st.sets(names, min_size=1, max_size=4), min_size=1), randoms)
def test_classes_and_order_follow_from_names_however_the_file_system_lists_them(
    folder: MakeFolder, photos: dict[str, set[str]], random: Random
) -> None:
    # The files are empty: with on_error="raise" none is read before its photo is asked for.
    root = folder({f"{label}/{n}.jpg": b"" for label, found in photos.items() for n in found})
    scandir = os.scandir

    def shuffled(path: str) -> Shuffled:
        with scandir(path) as entries:
            return Shuffled(path, list(entries), random)

    straight = shv.Dataset.from_directory(root)
    with mock.patch.object(os, "scandir", shuffled):
        turned = shv.Dataset.from_directory(root)
    assert turned.ids.tolist() == straight.ids.tolist()
    assert straight.class_names == tuple(sorted(photos))
    assert straight.class_counts == {name: len(photos[name]) for name in sorted(photos)}


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(st.booleans(), min_size=1, max_size=8), seeds)
def test_skipping_leaves_out_just_what_cannot_be_read_and_tells_each(
    folder: MakeFolder, good: list[bool], seed: int
) -> None:
    contents = [png(noise(seed, 2, 2)), b"no photo"]
    root = folder({f"milk/{n}.png": contents[not whole] for n, whole in enumerate(good)})
    if not any(good):
        with refuses(DataError, "unreadable"):
            shv.Dataset.from_directory(root, on_error="skip")
        return
    photos = shv.Dataset.from_directory(root, on_error="skip")
    assert photos.ids.tolist() == [f"milk/{n}.png" for n, whole in enumerate(good) if whole]
    told = {file.path: file.reason for file in photos.skipped}
    assert set(told) == {f"milk/{n}.png" for n, whole in enumerate(good) if not whole}
    assert all(told.values())
    photos.to_arrays()


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(PARTS)), min_size=1, max_size=9),
    st.sampled_from(PARTS),
    st.booleans(),
    randoms,
)
def test_a_class_keeps_its_number_in_every_part_of_a_manifest(
    folder: MakeFolder, rows: list[tuple[str, str]], part: str, chosen: bool, random: Random
) -> None:
    lines = [f"{n}.jpg,{label},{split}" for n, (label, split) in enumerate(rows)]
    photos = {f"{n}.jpg": b"" for n in range(len(rows))}
    root = folder({**photos, "list.csv": "\n".join(["path,label,split", *lines]).encode()})
    there = sorted({label for label, _ in rows})
    wanted = random.sample(there, random.randint(1, len(there))) if chosen else there
    kept = [(n, label) for n, (label, split) in enumerate(rows) if split == part]
    kept = [(n, label) for n, label in kept if label in wanted]
    assume(kept)
    ds = shv.Dataset.from_manifest(
        root / "list.csv", where={"split": part}, class_names=wanted if chosen else None
    )
    assert ds.class_names == tuple(wanted)
    assert ds.ids.tolist() == [f"{n}.jpg" for n, _ in kept]
    assert ds.labels.tolist() == [wanted.index(label) for _, label in kept]
    counts = {name: sum(label == name for _, label in kept) for name in wanted}
    assert ds.class_counts == counts


@pytest.mark.slow
@given(labels, st.permutations("abcde"), st.integers(1, 5))
def test_select_keeps_what_is_named_and_refuses_only_what_is_no_class(
    given_labels: list[str], order: list[str], n: int
) -> None:
    numbers = ["abcd".index(label) for label in given_labels]
    ds = shv.Dataset.from_arrays(different_images(len(numbers)), numbers, class_names=list("abcd"))
    wanted = order[:n]
    if wanted == ["e"]:
        with refuses(InvalidParameterError, "unknown-name", "class_names"):
            ds.select(wanted)
        return
    with (
        gives_warning(ShelfVisionWarning, "missing-class", "class_names")
        if ("e" in wanted)
        else nullcontext()
    ):
        view = ds.select(wanted)
    assert view.class_names == tuple(wanted)
    rows = [row for row, label in enumerate(given_labels) if label in wanted]
    assert view.ids.tolist() == [str(row) for row in rows]
    assert [wanted[label] for label in view.labels] == [given_labels[row] for row in rows]


@given(labels, st.dictionaries(st.sampled_from("abcd"), names))
def test_relabelling_sorts_the_new_names_and_loses_no_photo(
    given_labels: list[str], renamed: dict[str, str]
) -> None:
    numbers = ["abcd".index(label) for label in given_labels]
    ds = shv.Dataset.from_arrays(different_images(len(numbers)), numbers, class_names=list("abcd"))
    view = ds.relabel(renamed)
    assert view.class_names == tuple(sorted({renamed.get(name, name) for name in "abcd"}))
    assert view.ids.tolist() == ds.ids.tolist()
    found = [view.class_names[label] for label in view.labels]
    assert found == [renamed.get(label, label) for label in given_labels]


VIEWS: dict[str, Callable[[shv.Dataset], shv.Dataset]] = {
    "turned": lambda ds: ds[::-1],
    "every other": lambda ds: ds[::2],
    "repeated": lambda ds: ds[[0, 0, *range(len(ds))]] if len(ds) else ds,
    "selected": lambda ds: ds.select(ds.class_names[::-1]),
    "relabelled": lambda ds: ds.relabel({ds.class_names[0]: "z"}),
    "cached": lambda ds: ds.cached(),
    "pickled": lambda ds: pickle.loads(pickle.dumps(ds)),
}


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(["", "x", "y"]), min_size=1, max_size=8),
    st.lists(st.sampled_from(sorted(VIEWS)), max_size=5),
    randoms,
)
def test_a_photo_keeps_pixels_and_group_in_any_view_and_no_view_changes_another(
    groups: list[str], ways: list[str], random: Random
) -> None:
    images = different_images(len(groups))
    ds = shv.Dataset.from_arrays(images, [random.choice("ab") for _ in groups], groups=groups)
    group_of = dict(zip(ds.ids, ds.groups, strict=True))
    before = ds.fingerprint
    view = ds
    for way in ways:
        view = VIEWS[way](view)
        for column in (view.ids, view.labels, view.copies, view.groups):
            assert not column.flags.writeable
    for row, name in enumerate(view.ids):
        assert view.groups[row] == group_of[name]
        np.testing.assert_array_equal(view[row][0], images[int(name)])
    assert ds.fingerprint == before


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "x", "y"])), min_size=1, max_size=10)
)
def test_a_group_is_the_name_that_was_given_or_else_the_content(
    rows: list[tuple[int, str]],
) -> None:
    images = different_images(4)[[number for number, _ in rows]]
    ds = shv.Dataset.from_arrays(images, ["milk"] * len(rows), groups=[name for _, name in rows])
    for group, (number, name) in zip(ds.groups, rows, strict=True):
        same = [
            (name == other_name if name else number == other and not other_name)
            for other, other_name in rows
        ]
        assert (ds.groups == group).tolist() == same
        assert group.startswith("user:" + name if name else "content:")


tables = st.lists(st.tuples(st.integers(0, 2), st.sampled_from("ab")), max_size=3)


@given(tables, tables)
def test_only_the_same_photos_in_the_same_order_have_the_same_fingerprint(
    one: list[tuple[int, str]], other: list[tuple[int, str]]
) -> None:
    prints = [
        shv.Dataset.from_arrays(
            different_images(3)[[number for number, _ in rows]],
            np.array(["ab".index(label) for _, label in rows], dtype=np.int64),
            class_names=["a", "b"],
        ).fingerprint
        for rows in (one, other)
    ]
    assert (prints[0] == prints[1]) == (one == other)


@st.composite
def parts_and_groups(draw: st.DrawFn) -> tuple[list[int], list[str]]:
    """Return the part and the group of every photo; every part has a photo."""
    n = draw(st.integers(3, 12))
    parts = draw(st.permutations([0, 1, 2, *(draw(st.integers(0, 2)) for _ in range(n - 3))]))
    return parts, [draw(st.sampled_from("abcdefgh")) for _ in range(n)]


@pytest.mark.slow
@settings(max_examples=80)
@given(parts_and_groups())
def test_a_group_in_two_parts_has_to_be_asked_for(table: tuple[list[int], list[str]]) -> None:
    parts, groups = table
    ds = shv.Dataset.from_arrays(different_images(len(parts)), ["milk"] * len(parts), groups=groups)
    given_parts = {name: ds[np.array(parts) == n] for n, name in enumerate(PARTS)}
    homes = {
        group: {p for p, g in zip(parts, groups, strict=True) if g == group} for group in groups
    }
    shared = sorted(f"user:{group}" for group, home in homes.items() if len(home) > 1)
    if not shared:
        assert shv.Splits(**given_parts).leaks == ()
        return
    with pytest.raises(LeakageError) as caught:
        shv.Splits(**given_parts)
    with pytest.warns(LeakageWarning):
        allowed = shv.Splits(**given_parts, on_leak="allow")
    assert [leak.group for leak in allowed.leaks] == shared
    assert all(str(leak) in str(caught.value) for leak in allowed.leaks[:3])
    assert [len(part) for part in allowed if part is not None] == [
        len(part) for part in given_parts.values()
    ]
    _require_dropped(given_parts, shared)


def _with_later_groups(parts: list[shv.Dataset]) -> Iterator[tuple[shv.Dataset, set[str]]]:
    """Yield each part with the groups of those that judge it."""
    for number, part in enumerate(parts):
        yield part, {group for other in parts[number + 1 :] for group in other.groups}


def _require_dropped(given_parts: dict[str, shv.Dataset], shared: list[str]) -> None:
    """Dropping parts the groups, and spares the part that judges."""
    left = [
        sum(group not in others for group in part.groups)
        for part, others in _with_later_groups(list(given_parts.values()))
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LeakageWarning)
        if 0 in left:
            emptied = [name for name, n in zip(given_parts, left, strict=True) if n == 0]
            with refuses(SplitError, "empty", emptied[0]):
                shv.Splits(**given_parts, on_leak="drop")
            return
        splits = shv.Splits(**given_parts, on_leak="drop")
    assert [len(part) for part in splits if part is not None] == left
    kept = [part for part in splits if part is not None]
    groups = [group for part in kept for group in set(part.groups)]
    assert len(groups) == len(set(groups))
    assert kept[-1].ids.tolist() == given_parts["test"].ids.tolist()
    together = sorted([*splits.dropped, *(name for part in kept for name in part.ids)])
    assert together == sorted(name for part in given_parts.values() for name in part.ids)
    assert {leak.group for leak in splits.leaks} == set(shared)


@given(st.permutations("abc"), st.permutations("abc"), st.integers(1, 3), st.integers(1, 3))
def test_parts_take_the_class_numbers_of_train_and_only_other_classes_are_refused(
    first: list[str], second: list[str], n: int, m: int
) -> None:
    train, test = (
        shv.Dataset.from_arrays(different_images(4)[rows], [0, 0], class_names=names)
        for rows, names in (([0, 1], first[:n]), ([2, 3], second[:m]))
    )
    if not set(second[:m]) <= set(first[:n]):
        with refuses(SplitError, "unknown-class", "test"):
            shv.Splits(train=train, test=test)
        return
    found = shv.Splits(train=train, test=test).test
    assert found is not None
    assert found.class_names == train.class_names
    assert {found.class_names[label] for label in found.labels} == {second[0]}
    assert (found is test) == (first[:n] == second[:m])


@settings(max_examples=50)
@given(st.sets(names, min_size=1), st.sets(names), shares, seeds)
def test_adding_photos_moves_none_when_hashed(
    few: set[str], more: set[str], share: tuple[float, float, float], seed: int
) -> None:
    splitter = shv.SeededSplitter(*share, seed=seed, method="hashed")

    def part_of(ids: list[str]) -> dict[str, int]:
        rows = splitter.split_indices([0] * len(ids), ids=ids)
        return {ids[row]: part for part, found in enumerate(rows) for row in found}

    before, after = part_of(sorted(few)), part_of(sorted(few | more, reverse=True))
    assert {name: after[name] for name in few} == before


@settings(max_examples=50)
@given(st.integers(1, 300), shares, seeds)
def test_shuffled_is_one_permutation_for_images_and_labels_cut_at_exact_decimals(
    n: int, share: tuple[float, float, float], seed: int
) -> None:
    rows = shv.SeededSplitter(*share, seed=seed, method="shuffled").split_indices([0] * n)
    images, numbers = different_images(n), np.arange(n)
    np.random.RandomState(seed).shuffle(images)
    np.random.RandomState(seed).shuffle(numbers)
    order = np.concatenate(rows)
    np.testing.assert_array_equal(different_images(n)[order], images)
    np.testing.assert_array_equal(order, numbers)
    train, validation, _ = (Fraction(str(one)) for one in share)
    assert len(rows[0]) == n * train // 1
    assert len(rows[0]) + len(rows[1]) == n * (train + validation) // 1


@settings(max_examples=50)
@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=20), shares, seeds)
def test_shuffled_says_so_exactly_where_it_parts_a_group(
    groups: list[str], share: tuple[float, float, float], seed: int
) -> None:
    splitter = shv.SeededSplitter(*share, seed=seed, method="shuffled")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        rows = splitter.split_indices([0] * len(groups), groups=groups)
    found = [{groups[row] for row in part} for part in rows]
    parted = sum(len(part) for part in found) > len(set().union(*found))
    assert [warning.category for warning in told] == [LeakageWarning] * parted


@settings(max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=10))
def test_predefined_lists_are_taken_as_they_are_and_the_rest_is_told(
    folder: MakeFolder, homes: list[int]
) -> None:
    assume(0 in homes)
    there = {
        name: [str(row) for row, home in enumerate(homes) if home == place]
        for place, name in enumerate(PARTS)
        if place in homes
    }
    root = folder({f"{name}.txt": "\n".join(rows).encode() for name, rows in there.items()})
    ds = shv.Dataset.from_arrays(different_images(len(homes)), ["milk"] * len(homes))
    lists = {name: root / f"{name}.txt" for name in there}
    splits = shv.Splits.from_files(ds, **lists)  # type: ignore[arg-type]  # by name
    for name, part in zip(PARTS, splits, strict=True):
        assert (part.ids.tolist() if part is not None else []) == there.get(name, [])
    assert splits.unlisted == tuple(str(row) for row, home in enumerate(homes) if home == 3)


@pytest.mark.slow
@settings(max_examples=30)
@given(parts_and_groups(), st.integers(0, 3))
def test_a_saved_split_is_loaded_part_by_part_with_its_copies(
    folder: MakeFolder, table: tuple[list[int], list[str]], n_copies: int
) -> None:
    parts = np.array(table[0])
    ds = shv.Dataset.from_arrays(different_images(len(parts)), ["milk"] * len(parts))
    train = ds[parts == 0]
    counts = {"milk": len(train) + n_copies}
    train = shv.BalancingAugmenter(sampling_strategy=counts).balance(train)
    splits = shv.Splits(train=train, validation=ds[parts == 1], test=ds[parts == 2])
    path = folder({}) / "split.csv"
    splits.save(path)
    whole = shv.Splits.load(path, _joined(splits))
    for before, after in zip(splits, whole, strict=True):
        assert before is not None
        assert after is not None
        assert after.ids.tolist() == before.ids.tolist()
        assert after.copies.tolist() == before.copies.tolist()
        assert after.groups.tolist() == before.groups.tolist()


def _joined(splits: shv.Splits) -> shv.Dataset:
    """Return one dataset with the rows of all parts."""
    found = [part for part in splits if part is not None]
    return shv.Dataset.from_source(
        _Pixels(np.concatenate([part.to_arrays()[0] for part in found])),
        ids=[name for part in found for name in part.ids],
        labels=[label for part in found for label in part.labels],
        class_names=found[0].class_names,
        groups=[group for part in found for group in part.groups],
        copies=[copy for part in found for copy in part.copies],
    )


class _Pixels:
    """Pixels in memory, as a source of one's own gives them."""

    def __init__(self, images: Pixels) -> None:
        self._images = images
        self.image_size = images.shape[1:3]

    def __len__(self) -> int:
        return len(self._images)

    def read(self, row: int) -> Pixels:
        return np.array(self._images[row])

    def digest(self, row: int) -> str:
        return str(self._images[row].tobytes().hex())
