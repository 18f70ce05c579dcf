"""What splits say: which error or warning, about what, and the tables and remarks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import shelfvision as shv
from shelfvision._photos.sources import ArrayPixels
from shelfvision.errors import (
    DataError,
    InvalidParameterError,
    LeakageError,
    LeakageWarning,
    SplitError,
)
from support import gives_warning, refuses
from support.datasets import different_images, two_classes


def test_a_table_lines_up_under_long_names() -> None:
    ds = shv.Dataset.from_arrays(different_images(4), ["oat milk drink", "tea"] * 2)
    assert shv.Splits(train=ds[:2], test=ds[2:]).describe().splitlines() == [
        "class           train  test  total",
        "oat milk drink      1     1      2",
        "tea                 1     1      2",
        "all                 2     2      4",
    ]


def test_a_leak_that_was_allowed_is_told_when_it_is_done_and_in_the_table() -> None:
    ds = two_classes(5, groups=["a", "b", "a", "b", "d"])
    leak = (
        "the sets of this split share 2 groups of photos (for example '0' in train and '2' in "
        "test; '1' in train and '3' in test)"
    )
    with gives_warning(LeakageWarning, "leakage") as told:
        splits = shv.Splits(train=ds[:2], test=ds[2:], on_leak="allow")
    assert str(told[0]).startswith(leak)
    assert splits.describe().splitlines()[-1] == f"on_leak='allow': {leak}."


def test_the_classes_that_one_part_lacks_are_named() -> None:
    other = shv.Dataset.from_arrays(different_images(2), ["milk", "oats"])
    with refuses(SplitError, "unknown-class", "test") as caught:
        shv.Splits(train=two_classes(2), test=other)
    assert "'oats'" in str(caught.value)


def test_a_class_of_one_hot_rows_is_called_by_its_number() -> None:
    with refuses(SplitError, "too-few-groups") as caught:
        shv.SeededSplitter().split_indices(np.eye(2)[[0] * 9 + [1] * 2])
    assert str(caught.value).startswith(
        "class '1' must have at least 3 groups for 3 sets, got 2 photos in 2"
    )


def test_groups_that_shuffling_parts_are_counted() -> None:
    splitter = shv.SeededSplitter(0.5, 0.5, 0, method="shuffled", seed=1)
    train, validation, _ = splitter.split_indices([0] * 20, groups=[str(row) for row in range(20)])
    pairs = dict(zip(train.tolist()[:2], validation.tolist()[:2], strict=True))
    groups = [str(row) for row in range(20)]
    for one, other in pairs.items():
        groups[one] = groups[other] = f"pair {min(one, other)}"
    first = min(f"pair {min(pair)}" for pair in pairs.items())
    with gives_warning(LeakageWarning, "groups-parted") as told:
        splitter.split_indices([0] * 20, groups=groups)
    assert "2 of 18" in str(told[0])
    assert repr(first) in str(told[0])


def test_groups_that_shuffling_leaves_whole_are_not_warned_of() -> None:
    splitter = shv.SeededSplitter(method="shuffled")
    assert sum(map(len, splitter.split_indices([0] * 20, groups=list(map(str, range(20)))))) == 20


def test_ids_decide_where_rows_go_when_there_are_no_groups() -> None:
    splitter = shv.SeededSplitter(method="hashed")
    ids = [f"photo {row}" for row in range(60)]
    by_id = [part.tolist() for part in splitter.split_indices([0] * 60, ids=ids)]
    assert by_id == [part.tolist() for part in splitter.split_indices([0] * 60, groups=ids)]
    assert by_id != [part.tolist() for part in splitter.split_indices([0] * 60)]


def hint(tmp_path: Path, line: str, ids: list[str]) -> str:
    """Return which photo is named where a list names one that is not there."""
    path = tmp_path / "train.txt"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with refuses(SplitError, "unknown-id", "train") as caught:
        shv.Splits.from_files(two_classes(len(ids), ids=ids), train=path)
    before, _, thought = str(caught.value).partition("; ")
    name = line.split(maxsplit=1)[0]
    assert before == f"line 2 of {str(path)!r} names {name!r}, which the dataset does not have"
    return thought.partition("? ")[0]


def test_the_photo_that_a_list_may_have_meant_is_named(tmp_path: Path) -> None:
    far = ["quite/another/folder/b7.png", "a/b8.png", "a/b9.png"]
    assert far[0] in hint(tmp_path, "a/b7.png 1 2", far)
    twins = ["shop/x/b7.png", "store/a/b7.png"]
    assert "'store/a/b7.png'" in hint(tmp_path, "stores/a/b7.png", twins)
    assert "did you mean 'milk/b7.png'" in hint(tmp_path, "milk/b7.pgn", ["milk/b7.png", "tea"])
    assert "its ids look like 'milk/b7.png'" in hint(tmp_path, "quartz", ["milk/b7.png", "tea"])


def test_lists_may_name_photos_with_spaces_and_tabs(tmp_path: Path) -> None:
    ids = ["my oat milk.png", "b", "a", "\t".join("xyz")]
    path = tmp_path / "train.txt"
    path.write_text("my oat milk.png\t3 4\nb \t1\nx\ty\tz 1\t2 3\n", encoding="utf-8")
    splits = shv.Splits.from_files(two_classes(4, ids=ids), train=path)
    assert splits.train.ids.tolist() == [ids[0], "b", ids[3]]
    assert splits.unlisted == ("a",)


def test_folds_say_which_they_are() -> None:
    ds = two_classes(12)
    remarks = [fold.describe().splitlines()[-1] for fold in shv.SeededSplitter().folds(ds, 2)]
    assert remarks == ["Fold 1 of 2.", "Fold 2 of 2."]


def test_groups_are_left_out_in_the_order_of_their_names() -> None:
    ds = two_classes(6, groups=["west", "north", "south"] * 2)
    told = [s.describe().splitlines()[-1] for s in shv.SeededSplitter().leave_one_group_out(ds)]
    assert told == [f"Tested on {name!r}." for name in ("north", "south", "west")]


def test_leaks_of_both_kinds_are_counted_together() -> None:
    images = different_images(5)[[0, 1, 2, 3, 0, 3, 3, 4]]
    ds = shv.Dataset.from_source(
        ArrayPixels(images),
        ids=["0", "1", "2", "3", "4", "3", "3", "5"],
        labels=[0] * 8,
        class_names=["milk"],
        copies=[0, 0, 0, 0, 0, 1, 2, 0],
    )
    with refuses(LeakageError, "leakage") as two:
        shv.Splits(train=ds[:3], test=ds[3:])
    assert "1 group of photos and 2 augmented copies outside training" in str(two.value)
    assert "'0' in train and '4' in test; a copy of '3' in test; a copy of" in str(two.value)
    with refuses(LeakageError, "leakage") as one:
        shv.Splits(train=ds[1:3], test=ds[3:6])
    assert "share 1 augmented copy outside training" in str(one.value)


def test_groups_alone_are_blamed_where_no_earlier_split_moved_the_quotas() -> None:
    groups = ["big"] * 8 + [str(row) for row in range(4)]
    milk = shv.Dataset.from_arrays(different_images(12), ["milk"] * 12, groups=groups)
    assert shv.SeededSplitter(0.5, 0.25, 0.25).split(milk).describe().splitlines()[-1] == (
        "Whole groups changed the quotas by at most 2 photos of a class: 'milk' has 8 instead of 6 "
        "in train."
    )


def test_new_photos_are_shuffled_into_the_parts_that_lack_most(tmp_path: Path) -> None:
    milk = shv.Dataset.from_arrays(different_images(30), ["milk"] * 30)
    path = tmp_path / "split.csv"
    shv.SeededSplitter(0.5, 0.5, 0, method="shuffled").split(milk[:20]).save(path)
    later = shv.SeededSplitter(0.2, 0.4, 0.4, method="shuffled").split(milk, path)
    # Training has 10 of its 6 already, so the 10 new ones go to the others as 2 to 12.
    assert [len(part) for part in later if part is not None] == [10, 11, 9]


def test_labels_of_several_kinds_are_classes_by_their_text() -> None:
    labels = np.array([9, "b", None] * 3, dtype=object)
    by_text = [str(label) for label in labels]
    splitter = shv.SeededSplitter()
    for one, other in zip(
        splitter.split_indices(labels), splitter.split_indices(by_text), strict=True
    ):
        assert one.tolist() == other.tolist()


def test_photos_that_a_saved_split_does_not_know_are_told_up_to_three(tmp_path: Path) -> None:
    ds, path = two_classes(8), tmp_path / "split.csv"
    shv.Splits(train=ds[:2], test=ds[2:4]).save(path)
    with refuses(SplitError, "incomplete", "path") as more:
        shv.Splits.load(path, ds)
    assert "'4', '5', '6' and 1 more" in str(more.value)
    with refuses(SplitError, "unknown-id", "path") as fewer:
        shv.Splits.load(path, ds[1:4])
    assert f"line 2 of {str(path)!r} has '0'" in str(fewer.value)


def test_what_is_no_dataset_is_refused() -> None:
    ds = two_classes(2)
    with refuses(InvalidParameterError, "wrong-type", "train"):
        shv.Splits(None, test=ds)  # type: ignore[arg-type]  # the mistake under test
    with refuses(InvalidParameterError, "wrong-type", "test"):
        shv.Splits(ds, test=3)  # type: ignore[arg-type]  # the mistake under test


def test_what_an_earlier_split_left_out_stays_out(tmp_path: Path) -> None:
    ds = shv.Dataset.from_arrays(different_images(4)[[0, 1, 0, 2, 3]], ["milk"] * 5)
    (tmp_path / "train.txt").write_text("0\n1\n")
    (tmp_path / "test.txt").write_text("2\n")
    train, test = tmp_path / "train.txt", tmp_path / "test.txt"
    with pytest.warns(LeakageWarning):
        parts = shv.Splits.from_files(ds[:4], train=train, test=test, on_leak="drop")
    parts.save(tmp_path / "split.csv")
    splits = shv.SeededSplitter(0.5, 0, 0.5).split(ds, tmp_path / "split.csv")
    assert (splits.dropped, splits.unlisted) == (("0",), ("3",))
    assert splits.describe().splitlines()[-2:] == [
        "1 photo dropped: '0'.",
        "1 photo unlisted: '3'.",
    ]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("method", "not-an-option"),
        ("on_leak", "not-an-option"),
        ("train", "not-in-range"),
        ("validation", "not-in-range"),
        ("test", "not-in-range"),
        ("seed", "not-in-range"),
    ],
)
def test_settings_of_a_splitter_are_called_by_their_names(name: str, code: str) -> None:
    wrong: dict[str, Any] = {name: -1}
    with refuses(InvalidParameterError, code, name):
        shv.SeededSplitter(**wrong)


def test_what_is_split_must_be_a_dataset() -> None:
    rows: Any = [1]
    splitter = shv.SeededSplitter()
    with refuses(InvalidParameterError, "wrong-type", "dataset"):
        splitter.split(rows)
    with refuses(InvalidParameterError, "wrong-type", "dataset"):
        splitter.folds(rows)


# -- remedies ------------------------------------------------------------------------------


@pytest.mark.remedy("sum-not-one")
def test_three_shares_that_sum_to_one_are_taken() -> None:
    with refuses(InvalidParameterError, "sum-not-one") as caught:
        shv.SeededSplitter(train=0.8)
    assert "train=0.7, validation=0.2, test=0.1" in str(caught.value)
    assert shv.SeededSplitter(train=0.7, validation=0.2, test=0.1).train == 0.7


@pytest.mark.remedy("unknown-id", "incomplete")
def test_a_saved_split_that_does_not_fit_is_carried_over_by_previous(tmp_path: Path) -> None:
    ds, path = two_classes(40), tmp_path / "split.csv"
    shv.SeededSplitter().split(ds[:30]).save(path)
    with refuses(SplitError, "incomplete", "path"):
        shv.Splits.load(path, ds)
    assert sum(len(part) for part in shv.SeededSplitter().split(ds, previous=path) if part) == 40
    with refuses(SplitError, "unknown-id", "path"):
        shv.Splits.load(path, ds[1:30])
    again = shv.SeededSplitter().split(ds[1:30], previous=path)
    assert again.gone == ("0",)


@pytest.mark.remedy("no-groups")
def test_groups_that_are_named_can_be_left_out_one_by_one(tmp_path: Path) -> None:
    leave = shv.SeededSplitter().leave_one_group_out
    with refuses(SplitError, "no-groups", "dataset"):
        leave(two_classes(4))
    assert len(list(leave(two_classes(4, groups=["a", "b"] * 2)))) == 2
    for name in "abcd":
        Image.new("RGB", (4, 4), (ord(name), 0, 0)).save(tmp_path / f"{name}.png")
    lines = [f"{name}.png,milk,shop {number % 2}" for number, name in enumerate("abcd")]
    (tmp_path / "photos.csv").write_text("\n".join(["path,label,shop", *lines]) + "\n")
    ds = shv.Dataset.from_manifest(tmp_path / "photos.csv", group_column="shop", image_size=(4, 4))
    assert len(list(leave(ds))) == 2


@pytest.mark.remedy("wrong-type")
def test_labels_that_are_whole_numbers_written_as_floats_can_be_converted() -> None:
    labels = np.array([0.0, 1.0] * 10)
    with refuses(DataError, "wrong-type", "labels"):
        shv.SeededSplitter().split_indices(labels)
    assert sum(map(len, shv.SeededSplitter().split_indices(labels.astype(int)))) == 20


@pytest.mark.remedy("leakage")
def test_leaks_can_be_dropped_or_allowed_as_told() -> None:
    ds = two_classes(5, groups=["a", "b", "c", "a", "d"])
    with refuses(LeakageError, "leakage"):
        shv.Splits(train=ds[:3], test=ds[3:])
    with gives_warning(LeakageWarning, "leakage"):
        assert len(shv.Splits(train=ds[:3], test=ds[3:], on_leak="drop").train) == 2
    with gives_warning(LeakageWarning, "leakage"):
        assert len(shv.Splits(train=ds[:3], test=ds[3:], on_leak="allow").train) == 3


@pytest.mark.remedy("empty")
def test_a_part_may_be_left_out() -> None:
    ds = two_classes(4)
    with refuses(SplitError, "empty", "test"):
        shv.Splits(train=ds, test=ds[:0])
    assert shv.Splits(train=ds, test=None).test is None
