"""What `Splits` promises: parts that share nothing, in memory and on disk."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision.data import Leak
from shelfvision.data.splitting.leaks import OnLeak
from shelfvision.errors import (
    DatasetNotFoundError,
    InvalidParameterError,
    LeakageError,
    LeakageWarning,
    SplitError,
)
from support import gives_warning, refuses
from support.datasets import different_images, two_classes, with_copies

# The file that saving `named()` writes; it must be readable for ever.
GOLDEN = """path,label,group,split,copy
b.png,milk,user:s1,train,0
a.png,juice,user:s1,train,0
"c, ""d"".png",milk,user:s2,validation,0
"two
lines.png",juice,user:s2,validation,0
e.png,milk,user:s3,test,0
"""


def named() -> shv.Dataset:
    """Return five photos with names that are hard on a CSV file."""
    return two_classes(
        5,
        ids=["b.png", "a.png", 'c, "d".png', "two\nlines.png", "e.png"],
        groups=["s1", "s1", "s2", "s2", "s3"],
    )


def three(ds: shv.Dataset) -> shv.Splits:
    """Return the first two photos, the next two and the rest."""
    return shv.Splits(train=ds[:2], validation=ds[2:4], test=ds[4:])


def rows_of(splits: shv.Splits) -> list[list[tuple[str, int]]]:
    """Return the photos and copies of every part, in order."""
    return [
        [] if part is None else list(zip(part.ids.tolist(), part.copies.tolist(), strict=True))
        for part in splits
    ]


# -- parts ---------------------------------------------------------------------------------


def test_splits_unpack_into_three_parts() -> None:
    ds = two_classes(6)
    splits = shv.Splits(train=ds[:3], test=ds[3:])
    train, validation, test = splits
    assert train is splits.train
    assert validation is splits.validation is None
    assert test is splits.test
    assert splits.on_leak == "raise"
    assert splits.leaks == ()
    assert splits.dropped == splits.unlisted == splits.unplaced == splits.gone == ()


def test_splits_cannot_be_changed_and_survive_pickling() -> None:
    splits = three(two_classes(6))
    with pytest.raises(AttributeError):
        splits.train = splits.test  # type: ignore[misc,assignment]  # refused: that is tested
    assert rows_of(pickle.loads(pickle.dumps(splits))) == rows_of(splits)


def test_the_table_counts_every_class_in_every_part() -> None:
    assert three(two_classes(6)).describe().splitlines() == [
        "class  train  validation  test  total",
        "juice      1           1     1      3",
        "milk       1           1     1      3",
        "all        2           2     2      6",
    ]
    assert repr(three(two_classes(6))).startswith("<Splits: 1 x 1 photos>\nclass  train")


def test_parts_with_other_classes_are_refused_by_name() -> None:
    milk = shv.Dataset.from_arrays(different_images(2), ["milk", "oats"])
    with refuses(SplitError, "unknown-class", "test"):
        shv.Splits(train=two_classes(2), test=milk)


def test_parts_take_the_class_numbers_of_train() -> None:
    turned = shv.Dataset.from_arrays(255 - different_images(3), ["milk", "juice", "milk"])
    turned = turned.select(class_names=["milk", "juice"])
    fewer = shv.Dataset.from_arrays(99 - different_images(1), ["milk"])
    train = two_classes(2)
    _, validation, test = shv.Splits(train=train, validation=fewer, test=turned)
    assert validation is not None
    assert test is not None
    assert validation.class_counts == {"juice": 0, "milk": 1}
    assert test.class_counts == {"juice": 1, "milk": 2}
    assert [train.class_names[label] for label in test.labels] == ["milk", "juice", "milk"]


@pytest.mark.remedy("sizes-differ")
def test_parts_with_another_image_size_are_refused() -> None:
    large = shv.Dataset.from_arrays(np.zeros((2, 4, 5, 3), np.uint8), ["milk", "juice"])
    train, test = two_classes(2), large
    with refuses(SplitError, "sizes-differ", "test") as caught:
        shv.Splits(train=train, test=test)
    assert str(caught.value).endswith("test.resized(train.image_size, resize=train.resize)")
    test = test.resized(train.image_size, resize=train.resize)
    assert shv.Splits(train=train[:1], test=test[1:], on_leak="raise").test is not None


def test_empty_parts_and_things_that_are_no_dataset_are_refused() -> None:
    ds = two_classes(4)
    with refuses(SplitError, "empty", "train"):
        shv.Splits(train=ds[:0], test=ds)
    with refuses(SplitError, "empty", "test"):
        shv.Splits(train=ds, test=ds[:0])
    with refuses(InvalidParameterError, "wrong-type", "test"):
        shv.Splits(train=ds, test=[1])  # type: ignore[arg-type]  # the mistake under test
    with refuses(InvalidParameterError, "not-an-option", "on_leak"):
        shv.Splits(train=ds, on_leak="ignore")  # type: ignore[arg-type]  # the mistake under test


# -- leaks ---------------------------------------------------------------------------------


def leaky(on_leak: OnLeak = "raise") -> shv.Splits:
    """Share group a among all parts, b between train and test, c between validation and test."""
    groups = ["a", "b", "x", "a", "c", "y", "a", "b", "c", "z"]
    ds = two_classes(10, groups=groups)
    return shv.Splits(train=ds[:3], validation=ds[3:6], test=ds[6:], on_leak=on_leak)


def test_shared_groups_are_refused_with_three_offenders() -> None:
    with refuses(LeakageError, "leakage") as caught:
        leaky()
    message = str(caught.value)
    assert "share 3 groups of photos" in message
    assert "'0' in train and '3' in validation and '6' in test" in message
    assert "'1' in train and '7' in test" in message
    assert "on_leak='drop'" in message


def test_more_than_three_offenders_are_counted() -> None:
    ds = two_classes(8)
    with refuses(LeakageError, "leakage") as caught:
        shv.Splits(train=ds, test=ds)
    assert str(caught.value).count("in train and") == 3


def test_dropping_spares_the_part_that_judges() -> None:
    with gives_warning(LeakageWarning, "leakage"):
        splits = leaky("drop")
    ids = [[photo for photo, _ in rows] for rows in rows_of(splits)]
    assert ids == [["2"], ["5"], ["6", "7", "8", "9"]]
    assert splits.dropped == ("0", "1", "3", "4")
    assert splits.on_leak == "drop"
    assert [leak.group for leak in splits.leaks] == ["user:a", "user:b", "user:c"]
    assert "4 photos dropped: '0', '1', '3' and 1 more." in splits.describe()


def test_allowed_leaks_are_recorded_with_a_warning() -> None:
    with gives_warning(LeakageWarning, "leakage"):
        splits = leaky("allow")
    assert [len(part) for part in splits if part is not None] == [3, 3, 4]
    assert splits.leaks[1] == Leak(
        group="user:b", parts=("train", "test"), ids=("1", "7"), reason="group"
    )


def test_warnings_of_leaks_point_at_the_line_that_asked(tmp_path: Path) -> None:
    with pytest.warns(LeakageWarning) as made:
        leaky("drop")
    ds = shv.Dataset.from_arrays(different_images(2)[[0, 1, 0]], ["milk"] * 3)
    train, test = write(tmp_path / "train.txt", "0\n1\n"), write(tmp_path / "test.txt", "2\n")
    with pytest.warns(LeakageWarning) as read:
        splits = shv.Splits.from_files(ds, train=train, test=test, on_leak="allow")
    splits.save(tmp_path / "split.csv")
    with pytest.warns(LeakageWarning) as loaded:
        shv.Splits.load(tmp_path / "split.csv", ds, on_leak="allow")
    assert {caught[0].filename for caught in (made, read, loaded)} == {__file__}


def test_dropping_everything_from_training_is_refused() -> None:
    ds = two_classes(4)
    with refuses(SplitError, "empty", "train"):
        shv.Splits(train=ds, test=ds, on_leak="drop")


def test_identical_pixels_are_a_leak_even_under_other_names() -> None:
    first = two_classes(4, ids=["a", "b", "c", "d"])
    second = two_classes(4, ids=["e", "f", "g", "h"])
    with refuses(LeakageError, "leakage"):
        shv.Splits(train=first, test=second)


def test_copies_belong_into_training_only() -> None:
    ds = two_classes(6)
    assert len(shv.Splits(train=with_copies(ds[:3]), test=ds[3:]).train) == 6
    with refuses(LeakageError, "leakage"):
        shv.Splits(train=ds[:3], test=with_copies(ds[3:]))
    with gives_warning(LeakageWarning, "leakage"):
        splits = shv.Splits(train=ds[:3], test=with_copies(ds[3:]), on_leak="drop")
    assert rows_of(splits)[2] == [("3", 0), ("4", 0), ("5", 0)]
    assert [(leak.reason, leak.parts, leak.ids) for leak in splits.leaks] == [
        ("copy", ("test",), (photo,)) for photo in "345"
    ]
    assert [leak.group for leak in splits.leaks] == ds[3:].groups.tolist()


# -- lists ---------------------------------------------------------------------------------


def write(path: Path, text: str) -> Path:
    """Write a list."""
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def test_lists_name_photos_by_their_first_word(tmp_path: Path) -> None:
    ds = two_classes(5, ids=["BEANS/B0.png", "BEANS/B1.png", "TEA/T0.png", "my tea.png", "x.png"])
    train = write(tmp_path / "train.txt", "TEA/T0.png 15\n\nBEANS/B0.png 3\r\nBEANS/B0.png 3\n")
    test = write(tmp_path / "test.txt", "\ufeffmy tea.png 15")
    splits = shv.Splits.from_files(ds, train=train, test=test)
    assert [[photo for photo, _ in rows] for rows in rows_of(splits)] == [
        ["BEANS/B0.png", "TEA/T0.png"],
        [],
        ["my tea.png"],
    ]
    assert splits.unlisted == ("BEANS/B1.png", "x.png")


def test_an_unknown_photo_is_named_with_its_line_and_the_nearest(tmp_path: Path) -> None:
    ds = two_classes(3, ids=["images/BEANS/B0.png", "images/BEANS/B1.png", "images/TEA/T0.png"])
    train = write(tmp_path / "train.txt", "\nBEANS/B0.png 15\n")
    with refuses(SplitError, "unknown-id", "train") as caught:
        shv.Splits.from_files(ds, train=train)
    message = str(caught.value)
    assert f"line 2 of {str(train)!r} names 'BEANS/B0.png'" in message
    assert "did you mean 'images/BEANS/B0.png'?" in message


def test_lists_that_are_missing_or_empty_are_refused(tmp_path: Path) -> None:
    ds = two_classes(3)
    with refuses(DatasetNotFoundError, "not-found", "train"):
        shv.Splits.from_files(ds, train=tmp_path / "none.txt")
    with refuses(SplitError, "empty", "train"):
        shv.Splits.from_files(ds, train=write(tmp_path / "empty.txt", "\n\n"))
    with refuses(SplitError, "not-a-file", "train"):
        shv.Splits.from_files(ds, train=tmp_path)


def test_twins_in_published_lists_can_be_dropped(tmp_path: Path) -> None:
    ds = shv.Dataset.from_arrays(different_images(2)[[0, 1, 0]], ["milk"] * 3)
    train = write(tmp_path / "train.txt", "0\n1\n")
    test = write(tmp_path / "test.txt", "2\n")
    with refuses(LeakageError, "leakage"):
        shv.Splits.from_files(ds, train=train, test=test)
    with gives_warning(LeakageWarning, "leakage"):
        splits = shv.Splits.from_files(ds, train=train, test=test, on_leak="drop")
    assert splits.dropped == ("0",)


# -- manifests -----------------------------------------------------------------------------


def test_the_manifest_has_the_format_it_always_had(tmp_path: Path) -> None:
    three(named()).save(tmp_path / "split.csv")
    assert (tmp_path / "split.csv").read_bytes() == GOLDEN.encode()
    assert [path.name for path in tmp_path.iterdir()] == ["split.csv"]


def test_a_manifest_of_old_loads(tmp_path: Path) -> None:
    path = write(tmp_path / "split.csv", GOLDEN)
    assert rows_of(shv.Splits.load(path, named()[::-1])) == rows_of(three(named()))


names = st.text(
    st.one_of(
        st.sampled_from('a,"\r\n; \t\u2028\x0b\udcff'),
        st.characters(exclude_categories=["Cs"]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(names, min_size=3, max_size=8, unique=True), st.randoms(use_true_random=False))
def test_any_names_come_back_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], random: object
) -> None:
    path = tmp_path_factory.mktemp("split") / "split.csv"
    # Ids are exact, groups are not: they lose white space at their ends.
    ds = two_classes(len(ids), ids=ids, groups=[str(row) for row in range(len(ids))])
    splits = shv.Splits(train=ds[[1, 0]], test=ds[2:])
    splits.save(path)
    assert rows_of(shv.Splits.load(path, ds)) == rows_of(splits)


def test_names_are_no_formulas_in_a_saved_split_and_come_back(tmp_path: Path) -> None:
    ids = ["=1+1", "'=1+1", "\x1b[2J", "a\\x1b", "\u202eb"]
    ds = two_classes(5, ids=ids, groups=ids)
    splits = shv.Splits(train=ds[:3], test=ds[3:])
    splits.save(tmp_path / "split.csv")
    text = (tmp_path / "split.csv").read_text(encoding="utf-8")
    assert "\n'=1+1," in text
    assert "\x1b" not in text
    assert rows_of(shv.Splits.load(tmp_path / "split.csv", ds)) == rows_of(splits)


def test_names_that_are_no_text_or_begin_with_a_space_are_saved_and_loaded(
    tmp_path: Path,
) -> None:
    ds = two_classes(3, ids=["rosti\udce9.png", " b.png", "c.png"])
    splits = shv.Splits(train=ds[:2], test=ds[2:])
    splits.save(tmp_path / "split.csv")
    saved = (tmp_path / "split.csv").read_bytes()
    assert b"\nrosti\\udce9.png,milk," in saved
    assert b'\n" b.png",juice,' in saved
    assert rows_of(shv.Splits.load(tmp_path / "split.csv", ds)) == rows_of(splits)
    train = write(tmp_path / "train.txt", "rosti\udce9.png 1\n")
    assert shv.Splits.from_files(ds, train=train).train.ids.tolist() == ["rosti\udce9.png"]


@pytest.mark.parametrize("method", ["stratified", "hashed", "shuffled"])
def test_a_split_is_loaded_as_it_was_saved(method: str, tmp_path: Path) -> None:
    ds = two_classes(60)
    splits = shv.SeededSplitter(method=method).split(ds)  # type: ignore[arg-type]  # plain str
    splits.save(tmp_path / "split.csv")
    loaded = shv.Splits.load(tmp_path / "split.csv", ds)
    assert rows_of(loaded) == rows_of(splits)
    assert loaded.train.fingerprint == splits.train.fingerprint


def test_copies_in_training_are_saved_and_loaded(tmp_path: Path) -> None:
    ds = two_classes(6)
    splits = shv.Splits(train=with_copies(ds)[[0, 6, 1]], test=ds[2:])
    splits.save(tmp_path / "split.csv")
    loaded = shv.Splits.load(tmp_path / "split.csv", with_copies(ds)[[0, 1, 2, 3, 4, 5, 6]])
    assert rows_of(loaded) == rows_of(splits)
    with refuses(SplitError, "unknown-id", "path"):
        shv.Splits.load(tmp_path / "split.csv", ds)


def test_what_was_left_out_is_saved_too(tmp_path: Path) -> None:
    ds = shv.Dataset.from_arrays(different_images(3)[[0, 1, 0, 2]], ["milk"] * 4)
    train = write(tmp_path / "train.txt", "0\n1\n")
    test = write(tmp_path / "test.txt", "2\n")
    with pytest.warns(LeakageWarning):
        splits = shv.Splits.from_files(ds, train=train, test=test, on_leak="drop")
    splits.save(tmp_path / "split.csv")
    loaded = shv.Splits.load(tmp_path / "split.csv", ds)
    assert (loaded.dropped, loaded.unlisted) == (("0",), ("3",))
    assert rows_of(loaded) == rows_of(splits)


def test_a_split_that_leaks_is_loaded_when_allowed(tmp_path: Path) -> None:
    ds = two_classes(4, groups=["a", "b", "a", "c"])
    with pytest.warns(LeakageWarning):
        shv.Splits(train=ds[:2], test=ds[2:], on_leak="allow").save(tmp_path / "split.csv")
    with refuses(LeakageError, "leakage"):
        shv.Splits.load(tmp_path / "split.csv", ds)
    with pytest.warns(LeakageWarning):
        assert len(shv.Splits.load(tmp_path / "split.csv", ds, on_leak="allow").leaks) == 1


def refusal_of(text: str, code: str, ds: shv.Dataset, tmp_path: Path) -> str:
    """Return why a manifest is refused."""
    path = write(tmp_path / "split.csv", text)
    with refuses(SplitError, code, "path") as caught:
        shv.Splits.load(path, ds)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_manifest_that_does_not_fit_the_dataset_is_refused(tmp_path: Path) -> None:
    ds = named()
    cut = GOLDEN[: GOLDEN.index("e.png")]
    assert "'e.png'" in refusal_of(cut, "incomplete", ds, tmp_path)
    lost = refusal_of(GOLDEN, "unknown-id", ds[:4], tmp_path)
    assert "line 7 of" in lost
    assert "'e.png'" in lost
    relabelled = GOLDEN.replace("e.png,milk", "e.png,oats")
    told = refusal_of(relabelled, "labels-differ", ds, tmp_path)
    assert all(fact in told for fact in ("'e.png' (line 7)", "'oats'", "'milk'"))
    first = refusal_of(GOLDEN.replace("b.png,milk", "b.png,juice"), "labels-differ", ds, tmp_path)
    assert all(fact in first for fact in ("'b.png' (line 2)", "'juice'", "'milk'"))


@pytest.mark.parametrize(
    ("old", "new", "code", "fact"),
    [
        ("user:s3,test", "user:s3,tset", "unknown-name", "line 7 of"),
        ("test,0", "test,x", "not-in-range", "line 7 of"),
        ("test,0", "test,0,9", "not-csv", "line 7 of"),
        ("path,label", "file,label", "missing-column", "'path'"),
        ("b.png", '"b".png', "not-csv", "line 2 "),
    ],
)
def test_a_damaged_manifest_is_refused_with_its_line(
    old: str, new: str, code: str, fact: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "split.csv", GOLDEN.replace(old, new, 1))
    with refuses(SplitError, code, "path") as caught:
        shv.Splits.load(path, named())
    assert fact in str(caught.value)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "missing-column"),
        (b"\x89PNG\r\n\x1a\n\x00\x01", "wrong-encoding"),
        (b"[1, 2]", "missing-column"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused(content: bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_bytes(content)
    with refuses(SplitError, code, "path"):
        shv.Splits.load(path, named())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_saved_split_that_a_spreadsheet_saved_again_loads(encoding: str, tmp_path: Path) -> None:
    whole = three(named())
    whole.save(tmp_path / "split.csv")
    with (tmp_path / "split.csv").open(encoding="utf-8", newline="") as file:
        rows = [[*row, ""] for row in csv.reader(file)]
    path = tmp_path / "again.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=";").writerows([*rows, [""] * 6])
    assert rows_of(shv.Splits.load(path, named())) == rows_of(whole)


def test_lists_of_other_tools_name_photos_in_their_ways(tmp_path: Path) -> None:
    cheese = "K\u00e4se"
    ids = [f"{cheese}/1.png", "TEA/T 0.png", "TEA/T1.png", "x,y.png", "z.png"]
    ds = two_classes(5, ids=ids)
    text = 'Ka\u0308se\\1.png, 0, 0\r./TEA/T 0.png;3\r"TEA/T1.png"\t1\rx,y.png, 2\r'
    for encoding in ("utf-8", "utf-16", "utf-8-sig"):
        (tmp_path / "train.txt").write_text(text, encoding=encoding, newline="")
        splits = shv.Splits.from_files(ds, train=tmp_path / "train.txt")
        assert splits.train.ids.tolist() == ids[:4]
    (tmp_path / "train.txt").write_text(f"{cheese}/1.png 0\n", encoding="cp1252")
    with refuses(SplitError, "unknown-id", "train"):
        shv.Splits.from_files(ds, train=tmp_path / "train.txt")
    again = shv.Splits.from_files(ds, train=tmp_path / "train.txt", encoding="cp1252")
    assert again.train.ids.tolist() == ids[:1]


def test_a_list_that_may_mean_two_photos_is_refused(tmp_path: Path) -> None:
    ds = two_classes(2, ids=["K\u00e4se.png", "Ka\u0308se.png"])
    (tmp_path / "train.txt").write_text("./K\u00e4se.png\n", encoding="utf-8")
    with refuses(SplitError, "unknown-id", "train"):
        shv.Splits.from_files(ds, train=tmp_path / "train.txt")
    (tmp_path / "train.txt").write_text("Ka\u0308se.png\n", encoding="utf-8")
    assert len(shv.Splits.from_files(ds, train=tmp_path / "train.txt").train) == 1


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with refuses(DatasetNotFoundError, "not-found", "path"):
        shv.Splits.load(tmp_path / "none.csv", named())


def test_one_part_of_a_manifest_opens_as_a_dataset(tmp_path: Path) -> None:
    from PIL import Image

    for number, name in enumerate(["milk/a.png", "milk/b.png", "juice/ c.png", "juice/d,e.png"]):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (number, 0, 0)).save(path)
    ds = shv.Dataset.from_directory(tmp_path / "photos", image_size=(4, 4))
    splits = shv.Splits(train=ds[[3, 0]], test=ds[[1, 2]])
    splits.save(tmp_path / "split.csv")
    train = shv.Dataset.from_manifest(
        tmp_path / "split.csv",
        root=tmp_path / "photos",
        where={"split": "train"},
        image_size=(4, 4),
    )
    assert sorted(train.ids) == sorted(splits.train.ids)
    assert train.class_names == ds.class_names


@pytest.mark.parametrize("change", ["NFD", "backslash"])
def test_a_saved_split_finds_photos_whose_paths_another_system_changed(
    tmp_path: Path, change: str
) -> None:
    ids = [f"K\u00e4se/{row}.jpg" for row in range(20)]
    ds = shv.Dataset.from_arrays(different_images(20), ["K\u00e4se"] * 20, ids=ids)
    first = shv.SeededSplitter(seed=1).split(ds)
    first.save(tmp_path / "split.csv")
    text = (tmp_path / "split.csv").read_text(encoding="utf-8")
    text = text.replace("/", "\\") if change == "backslash" else normalize("NFD", text)
    (tmp_path / "other.csv").write_text(text, encoding="utf-8")
    again = shv.SeededSplitter(seed=2).split(ds, previous=tmp_path / "other.csv")
    loaded = shv.Splits.load(tmp_path / "other.csv", ds)
    for splits in (again, loaded):
        assert splits.gone == ()
        assert rows_of(splits) == rows_of(first)


def test_an_earlier_split_of_other_photos_is_refused(tmp_path: Path) -> None:
    named = [f"shop/{row}.jpg" for row in range(20)]
    ds = shv.Dataset.from_arrays(different_images(20), ["a"] * 20, ids=named)
    shv.SeededSplitter().split(ds).save(tmp_path / "split.csv")
    moved = shv.Dataset.from_arrays(
        different_images(20), ["a"] * 20, ids=[one[5:] for one in named]
    )
    with refuses(SplitError, "unknown-id", "previous"):
        shv.SeededSplitter().split(moved, previous=tmp_path / "split.csv")


def test_a_saved_split_finds_photos_by_meaning_only_where_no_id_is_the_same(tmp_path: Path) -> None:
    ids = ["milk/Käse 1.jpg", "milk/2.jpg", "tea/3.jpg", "tea/4.jpg"]
    images = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1).repeat(3, axis=3)
    photos = shv.Dataset.from_arrays(images, ["milk", "milk", "tea", "tea"], ids=ids)
    path = tmp_path / "split.csv"
    rows = [
        (normalize("NFD", ids[0]).replace("/", "\\"), "milk", "train"),
        (ids[1], "milk", "test"),
        (f"./{ids[2]}", "tea", "train"),
        ("tea/gone.jpg", "tea", "test"),
        (ids[3], "tea", "test"),
    ]
    lines = [f"{photo},{label},g,{split},0" for photo, label, split in rows]
    path.write_text("\n".join(["path,label,group,split,copy", *lines]), encoding="utf-8")
    splits = shv.SeededSplitter(train=0.5, validation=0, test=0.5).split(photos, previous=path)
    assert splits.train.ids.tolist() == [ids[0], ids[2]]
    assert splits.gone == ("tea/gone.jpg",)
