"""What splits say, word for word: errors, warnings, tables and remarks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as sv
from shelfvision.data._sources import ArrayPixels
from shelfvision.errors import DataError, LeakageError, LeakageWarning, SplitError


def pixels(n: int) -> npt.NDArray[np.uint8]:
    """Return n different tiny images."""
    return np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1).repeat(3, axis=3)


def dataset(n: int, **columns: list[str]) -> sv.Dataset:
    """Return n different images of two classes."""
    return sv.Dataset.from_arrays(pixels(n), (["milk", "juice"] * n)[:n], **columns)


def said(kind: type[Exception], act: Callable[[], object]) -> str:
    """Return the sentence with which something is refused."""
    with pytest.raises(kind) as caught:
        act()
    return str(caught.value)


def warned(act: Callable[[], object]) -> list[str]:
    """Return the sentences that an act warns with."""
    with pytest.warns(LeakageWarning) as caught:
        act()
    return [str(warning.message) for warning in caught]


def test_a_table_lines_up_under_long_names() -> None:
    ds = sv.Dataset.from_arrays(pixels(4), ["oat milk drink", "tea"] * 2)
    assert sv.Splits(train=ds[:2], test=ds[2:]).describe().splitlines() == [
        "class           train  test  total",
        "oat milk drink      1     1      2",
        "tea                 1     1      2",
        "all                 2     2      4",
    ]


def test_a_leak_is_refused_in_one_sentence() -> None:
    ds = dataset(5, groups=["a", "b", "c", "a", "d"])
    assert said(LeakageError, lambda: sv.Splits(train=ds[:3], test=ds[3:])) == (
        "the parts of this split share 1 group of photos (for example '0' in train and '3' in "
        "test); divide them anew with SeededSplitter, which keeps groups whole, and augment the "
        "training part only, or pass on_leak='drop' to take them out or on_leak='allow' to keep "
        "them"
    )


def test_a_leak_that_was_allowed_is_told_when_it_is_done_and_in_the_table() -> None:
    ds = dataset(5, groups=["a", "b", "a", "b", "d"])
    leak = (
        "the parts of this split share 2 groups of photos (for example '0' in train and '2' in "
        "test; '1' in train and '3' in test)"
    )
    made: list[sv.Splits] = []
    kept = "they were kept, so scores on the later parts flatter the model"
    assert warned(lambda: made.append(sv.Splits(train=ds[:2], test=ds[2:], on_leak="allow"))) == [
        f"{leak}; {kept}"
    ]
    assert made[0].describe().splitlines()[-1] == f"on_leak='allow': {leak}."


def test_parts_that_do_not_fit_each_other_are_told_apart() -> None:
    other = sv.Dataset.from_arrays(pixels(2), ["milk", "oats"])
    assert said(SplitError, lambda: sv.Splits(train=dataset(2), test=other)) == (
        "train and test number their classes differently: only the first has 'juice' and only the "
        "second has 'oats'; open both with the same class_names, or use select on both"
    )
    fewer = sv.Dataset.from_arrays(pixels(1), ["milk"])
    assert "differently: only the first has 'juice'; open" in said(
        SplitError, lambda: sv.Splits(train=dataset(2), test=fewer)
    )
    large = sv.Dataset.from_arrays(np.zeros((2, 4, 5, 3), np.uint8), ["milk", "juice"])
    assert said(SplitError, lambda: sv.Splits(train=dataset(2), test=large)) == (
        "train has images of (1, 1) and test of (4, 5), height and width; open both with the same "
        "image_size"
    )
    assert said(SplitError, lambda: sv.Splits(train=dataset(2)[:0])) == (
        "the train part has no photos; add photos or choose other shares"
    )
    assert said(SplitError, lambda: sv.Splits(train=dataset(2), test=dataset(2)[:0])) == (
        "the test part has no photos; add photos or choose other shares, or pass test=None to do "
        "without"
    )


def test_labels_and_columns_that_do_not_fit_are_told() -> None:
    split = sv.SeededSplitter().split_indices
    assert said(DataError, lambda: split(np.full((4, 2), 0.5))) == (
        "labels of shape (4, 2) must be one-hot, one 1 a row and otherwise 0; give class numbers "
        "or names, shape (n,)"
    )
    assert said(DataError, lambda: split(np.ones((2, 2)))).startswith("labels of shape (2, 2)")
    assert said(DataError, lambda: split(np.zeros((2, 2, 2)))) == (
        "labels must have shape (n,), or (n, classes) for one-hot rows, not (2, 2, 2); give one "
        "class a row"
    )
    assert said(DataError, lambda: split(np.array([0.5, 1.0]))) == (
        "labels must be whole numbers, names or one-hot rows, not float64; convert them with "
        ".astype(int)"
    )
    assert said(DataError, lambda: split([0, 0, 0], groups=["a", "b"])) == (
        "groups has 2 entries for 3 labels; give one for each"
    )


def test_a_class_of_one_hot_rows_is_called_by_its_number() -> None:
    rows = np.eye(2)[[0] * 9 + [1] * 2]
    assert said(SplitError, lambda: sv.SeededSplitter().split_indices(rows)) == (
        "class '1' has 2 photos in 2 groups, too few for 3 parts; add photos, put it together with "
        "another class by relabel, leave it out by select, or ask for fewer parts"
    )


def test_groups_that_shuffling_parts_are_counted() -> None:
    splitter = sv.SeededSplitter(0.5, 0.5, 0, method="shuffled", seed=1)
    train, validation, _ = splitter.split_indices([0] * 20, groups=[str(row) for row in range(20)])
    pairs = dict(zip(train.tolist()[:2], validation.tolist()[:2], strict=True))
    groups = [str(row) for row in range(20)]
    for one, other in pairs.items():
        groups[one] = groups[other] = f"pair {min(one, other)}"
    first = min(f"pair {min(pair)}" for pair in pairs.items())
    (told,) = warned(lambda: splitter.split_indices([0] * 20, groups=groups))
    assert told == (
        f"method 'shuffled' ignores groups: 2 of 18 stand in several parts (for example {first!r})"
        ", so scores will flatter the model; use method 'stratified' or 'hashed' to keep them whole"
    )


def test_groups_that_shuffling_leaves_whole_are_not_warned_of() -> None:
    splitter = sv.SeededSplitter(method="shuffled")
    assert sum(map(len, splitter.split_indices([0] * 20, groups=list(map(str, range(20)))))) == 20


def test_ids_decide_where_rows_go_when_there_are_no_groups() -> None:
    splitter = sv.SeededSplitter(method="hashed")
    ids = [f"photo {row}" for row in range(60)]
    by_id = [part.tolist() for part in splitter.split_indices([0] * 60, ids=ids)]
    assert by_id == [part.tolist() for part in splitter.split_indices([0] * 60, groups=ids)]
    assert by_id != [part.tolist() for part in splitter.split_indices([0] * 60)]


def listed(tmp_path: Path, line: str, ids: list[str]) -> str:
    """Return what is said of a list that names a photo which is not there."""
    path = tmp_path / "train.txt"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    ds = dataset(len(ids), ids=ids)
    sentence = said(SplitError, lambda: sv.Splits.from_files(ds, train=path))
    before, hint, after = sentence.partition("; ")
    name = line.split(maxsplit=1)[0]
    assert before == f"line 2 of {str(path)!r} names {name!r}, which the dataset does not have"
    hint, mark, after = after.partition("? ")
    assert (mark, after) == (
        "? ",
        "Correct the list, or open the dataset at the folder that the list's names start from",
    )
    return hint


def test_the_photo_that_a_list_may_have_meant_is_named(tmp_path: Path) -> None:
    far = ["quite/another/folder/b7.png", "a/b8.png", "a/b9.png"]
    assert listed(tmp_path, "a/b7.png 1 2", far) == f"did you mean {far[0]!r}"
    twins = ["shop/x/b7.png", "store/a/b7.png"]
    assert listed(tmp_path, "stores/a/b7.png", twins) == "did you mean 'store/a/b7.png'"
    assert listed(tmp_path, "milk/b7.pgn", ["milk/b7.png", "tea"]) == "did you mean 'milk/b7.png'"
    assert listed(tmp_path, "quartz", ["milk/b7.png", "tea"]) == "its ids look like 'milk/b7.png'"


def test_lists_may_name_photos_with_spaces_and_tabs(tmp_path: Path) -> None:
    ids = ["my oat milk.png", "b", "a", "\t".join("xyz")]
    path = tmp_path / "train.txt"
    path.write_text("my oat milk.png\t3 4\nb \t1\nx\ty\tz 1\t2 3\n", encoding="utf-8")
    splits = sv.Splits.from_files(dataset(4, ids=ids), train=path)
    assert splits.train.ids.tolist() == [ids[0], "b", ids[3]]
    assert splits.unlisted == ("a",)


def test_files_that_cannot_be_read_are_called_what_they_should_be(tmp_path: Path) -> None:
    place = str(tmp_path / "none")
    assert said(OSError, lambda: sv.Splits.from_files(dataset(2), train=place)) == (
        f"the list {place!r} does not exist; check the path"
    )
    assert said(OSError, lambda: sv.Splits.load(place, dataset(2))) == (
        f"the saved split {place!r} does not exist; check the path"
    )
    (tmp_path / "empty").write_text("\n")
    empty = str(tmp_path / "empty")
    assert said(SplitError, lambda: sv.Splits.from_files(dataset(2), train=empty)) == (
        f"the list {empty!r} names no photo; give one with an id on every line"
    )


def test_a_photo_on_two_lines_of_a_saved_split_is_told(tmp_path: Path) -> None:
    ds, path = dataset(40), tmp_path / "split.csv"
    sv.SeededSplitter().split(ds).save(path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1].replace("train", "test")]) + "\n")
    photo = lines[1].split(",")[0]
    assert said(SplitError, lambda: sv.SeededSplitter().split(ds, path)) == (
        f"{str(path)!r} has {photo!r} (line 2) in two parts; remove one of the lines"
    )


def test_folds_say_which_they_are() -> None:
    ds = dataset(12)
    remarks = [fold.describe().splitlines()[-1] for fold in sv.SeededSplitter().folds(ds, 2)]
    assert remarks == ["Fold 1 of 2.", "Fold 2 of 2."]
    few = dataset(3).relabel({"juice": "milk"})
    assert said(SplitError, lambda: sv.SeededSplitter().folds(few, 5)) == (
        "3 photos in 3 groups do not fill 5 folds; ask for fewer folds or add photos"
    )


def test_groups_are_left_out_in_the_order_of_their_names() -> None:
    ds = dataset(6, groups=["west", "north", "south"] * 2)
    told = [s.describe().splitlines()[-1] for s in sv.SeededSplitter().leave_one_group_out(ds)]
    assert told == [f"Tested on {name!r}." for name in ("north", "south", "west")]


def test_groups_that_nobody_named_cannot_be_left_out() -> None:
    advice = "; name them with groups= (from_arrays) or group_column= (from_manifest)"
    leave = sv.SeededSplitter().leave_one_group_out
    start = "leave_one_group_out needs photos from at least two named groups, but "
    assert said(SplitError, lambda: leave(dataset(4))) == (
        f"{start}4 of the 4 groups are photos{advice}"
    )
    assert said(SplitError, lambda: leave(dataset(4, groups=["a"] * 4))) == (
        f"{start}there is one{advice}"
    )


def test_leaks_of_both_kinds_are_counted_together() -> None:
    images = pixels(5)[[0, 1, 2, 3, 0, 3, 3, 4]]
    ds = sv.Dataset.from_source(
        ArrayPixels(images),
        ids=["0", "1", "2", "3", "4", "3", "3", "5"],
        labels=[0] * 8,
        class_names=["milk"],
        copies=[0, 0, 0, 0, 0, 1, 2, 0],
    )
    two = said(LeakageError, lambda: sv.Splits(train=ds[:3], test=ds[3:]))
    assert two.partition(" (for")[0] == (
        "the parts of this split share 1 group of photos and 2 augmented copies outside training"
    )
    assert "(for example '0' in train and '4' in test; a copy of '3' in test; a copy of" in two
    one = said(LeakageError, lambda: sv.Splits(train=ds[1:3], test=ds[3:6]))
    assert one.partition(" (for")[0] == (
        "the parts of this split share 1 augmented copy outside training"
    )


def test_groups_alone_are_blamed_where_no_earlier_split_moved_the_quotas() -> None:
    groups = ["big"] * 8 + [str(row) for row in range(4)]
    milk = sv.Dataset.from_arrays(pixels(12), ["milk"] * 12, groups=groups)
    assert sv.SeededSplitter(0.5, 0.25, 0.25).split(milk).describe().splitlines()[-1] == (
        "Whole groups moved the quotas by at most 2 photos of a class: 'milk' has 8 instead of 6 "
        "in train."
    )


def test_new_photos_are_shuffled_into_the_parts_that_lack_most(tmp_path: Path) -> None:
    milk = sv.Dataset.from_arrays(pixels(30), ["milk"] * 30)
    path = tmp_path / "split.csv"
    sv.SeededSplitter(0.5, 0.5, 0, method="shuffled").split(milk[:20]).save(path)
    later = sv.SeededSplitter(0.2, 0.4, 0.4, method="shuffled").split(milk, path)
    # Training has 10 of its 6 already, so the 10 new ones go to the others as 2 to 12.
    assert [len(part) for part in later if part is not None] == [10, 11, 9]


def test_labels_of_several_kinds_are_classes_by_their_text() -> None:
    labels = np.array([9, "b", None] * 3, dtype=object)
    by_text = [str(label) for label in labels]
    splitter = sv.SeededSplitter()
    for one, other in zip(
        splitter.split_indices(labels), splitter.split_indices(by_text), strict=True
    ):
        assert one.tolist() == other.tolist()


def test_photos_that_a_saved_split_does_not_know_are_told_up_to_three(tmp_path: Path) -> None:
    ds, path = dataset(8), tmp_path / "split.csv"
    sv.Splits(train=ds[:2], test=ds[2:4]).save(path)
    assert said(SplitError, lambda: sv.Splits.load(path, ds)) == (
        f"{str(path)!r} does not say where '4', '5', '6' and 1 more belong; give the dataset that "
        "was split, or place the new photos with SeededSplitter.split(ds, previous=path)"
    )
    assert said(SplitError, lambda: sv.Splits.load(path, ds[1:4])) == (
        f"line 2 of {str(path)!r} has '0', which the dataset does not have (1 of its 4 rows are "
        "missing); give the dataset that was split, or split this one again with "
        "SeededSplitter.split(ds, previous=path)"
    )


def test_what_is_no_dataset_is_told_how_to_make_one() -> None:
    advice = (
        "; make one with Dataset.from_directory(...), or of arrays with Dataset.from_arrays(images,"
        " labels)"
    )
    start, ds = "must be a shelfvision.Dataset, not", dataset(2)
    assert said(ValueError, lambda: sv.Splits(None, test=ds)) == (  # type: ignore[arg-type]  # wrong
        f"train {start} NoneType{advice}"
    )
    assert said(ValueError, lambda: sv.Splits(ds, test=3)) == (  # type: ignore[arg-type]  # wrong
        f"test {start} int{advice}"
    )


def test_what_an_earlier_split_left_out_stays_out(tmp_path: Path) -> None:
    ds = sv.Dataset.from_arrays(pixels(4)[[0, 1, 0, 2, 3]], ["milk"] * 5)
    (tmp_path / "train.txt").write_text("0\n1\n")
    (tmp_path / "test.txt").write_text("2\n")
    lists = {"train": tmp_path / "train.txt", "test": tmp_path / "test.txt"}
    with pytest.warns(LeakageWarning):
        sv.Splits.from_files(ds[:4], **lists, on_leak="drop").save(tmp_path / "split.csv")
    splits = sv.SeededSplitter(0.5, 0, 0.5).split(ds, tmp_path / "split.csv")
    assert (splits.dropped, splits.unlisted) == (("0",), ("3",))
    assert splits.describe().splitlines()[-2:] == [
        "1 photos dropped: '0'.",
        "1 photos unlisted: '3'.",
    ]


@pytest.mark.parametrize("name", ["method", "on_leak", "train", "validation", "test", "seed"])
def test_settings_of_a_splitter_are_called_by_their_names(name: str) -> None:
    wrong: dict[str, Any] = {name: -1}
    assert said(ValueError, lambda: sv.SeededSplitter(**wrong)).startswith(f"{name} must be ")


def test_what_is_split_must_be_a_dataset() -> None:
    rows: Any = [1]
    splitter = sv.SeededSplitter()
    assert said(ValueError, lambda: splitter.split(rows)).startswith("ds must be ")
    assert said(ValueError, lambda: splitter.folds(rows)).startswith("ds must be ")
