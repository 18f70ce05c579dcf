"""`Dataset`: an immutable, lazy sequence with columns."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shelfvision as shv
from shelfvision.errors import DataError, InvalidParameterError, ShelfVisionWarning
from support import gives_warning, refuses

IMAGES = np.arange(6 * 4 * 5 * 3, dtype=np.uint8).reshape(6, 4, 5, 3)
NAMES = ["milk", "juice", "milk", "eggs", "juice", "milk"]


@pytest.fixture
def ds() -> shv.Dataset:
    return shv.Dataset.from_arrays(IMAGES, NAMES)


def test_class_names_are_sorted_and_counted(ds: shv.Dataset) -> None:
    assert ds.class_names == ("eggs", "juice", "milk")
    assert ds.class_counts == {"eggs": 1, "juice": 2, "milk": 3}
    assert ds.labels.tolist() == [2, 1, 2, 0, 1, 2]
    assert ds.ids.tolist() == ["0", "1", "2", "3", "4", "5"]
    assert ds.copies.tolist() == [0] * 6
    assert repr(ds) == "<Dataset: 6 photos of 3 classes, 4 x 5>"


@pytest.mark.parametrize("index", [0, -1, np.int64(3), np.uint8(2)])
def test_one_row_is_an_image_and_a_label(ds: shv.Dataset, index: int) -> None:
    image, label = ds[index]
    np.testing.assert_array_equal(image, IMAGES[int(index)])
    assert type(label) is int
    assert label == ds.labels[int(index)]
    image[:] = 0
    np.testing.assert_array_equal(ds[index][0], IMAGES[int(index)])


@pytest.mark.parametrize("index", [6, -7, np.int64(6)])
def test_rows_that_are_not_there_are_an_index_error(ds: shv.Dataset, index: int) -> None:
    with pytest.raises(IndexError):
        ds[index]
    with pytest.raises(IndexError):
        ds[[0, int(index)]]


chosen_rows = st.one_of(
    st.slices(6),
    st.lists(st.integers(-6, 5), max_size=9),
    st.lists(st.booleans(), min_size=6, max_size=6),
)


@pytest.mark.slow
@given(rows=chosen_rows)
def test_views_choose_rows_as_numpy_does(rows: slice | list[int] | list[bool]) -> None:
    ds = shv.Dataset.from_arrays(IMAGES, NAMES)
    # To numpy an empty list is one of floats.
    chosen = np.arange(6)[np.empty(0, dtype=int) if rows == [] else rows]
    view = ds[rows]
    assert view.ids.tolist() == [str(row) for row in chosen]
    np.testing.assert_array_equal(view.to_arrays()[0], IMAGES[chosen])
    np.testing.assert_array_equal(ds.read_batch(rows), IMAGES[chosen])
    np.testing.assert_array_equal(view.groups, ds.groups[chosen])
    assert view.class_names == ds.class_names
    assert len(list(view)) == len(view) == len(chosen)


@pytest.mark.parametrize("rows", [True, [0.5], ["0"], [[0]], np.zeros((2, 2), int), None, "ab"])
def test_rows_chosen_by_anything_else_are_refused(ds: shv.Dataset, rows: object) -> None:
    with refuses(InvalidParameterError, "wrong-type", "index"):
        ds[rows]  # type: ignore[call-overload]  # on purpose


def test_a_mask_of_another_length_is_refused(ds: shv.Dataset) -> None:
    with refuses(InvalidParameterError, "wrong-length", "index"):
        ds[[True, False]]


def test_columns_cannot_be_written(ds: shv.Dataset) -> None:
    for view in (ds, ds[::2], ds[[0, 1]], ds.select(["milk"])):
        for column in (view.ids, view.labels, view.copies, view.groups):
            with pytest.raises(ValueError, match="read-only"):
                column[0] = column[0]
    with pytest.raises(AttributeError):
        ds.labels = ds.labels  # type: ignore[misc]  # on purpose
    with pytest.raises(TypeError, match="from_directory"):
        shv.Dataset([])  # type: ignore[arg-type]  # on purpose


def test_an_empty_dataset_works_like_a_full_one(ds: shv.Dataset) -> None:
    for empty in (ds[:0], ds[[]], ds[np.zeros(6, bool)], ds.select(["eggs"])[1:]):
        assert len(empty) == 0
        assert sum(empty.class_counts.values()) == 0
        assert empty.to_arrays()[0].shape == (0, 4, 5, 3)
        assert empty.one_hot().shape == (0, len(empty.class_names))
        assert list(empty) == []
        assert empty.cached().fingerprint == empty.fingerprint


def test_select_numbers_classes_in_the_order_given(ds: shv.Dataset) -> None:
    view = ds.select(["milk", "eggs"])
    assert view.class_counts == {"milk": 3, "eggs": 1}
    assert view.labels.tolist() == [0, 0, 1, 0]
    assert view.ids.tolist() == ["0", "2", "3", "5"]
    assert view[:0].select(["eggs"]).class_counts == {"eggs": 0}
    with refuses(InvalidParameterError, "unknown-name", "class_names"):
        ds.select(["bread"])


def test_relabel_joins_classes_and_sorts_the_new_names(ds: shv.Dataset) -> None:
    view = ds.relabel({"milk": "drink", "juice": "drink"})
    assert view.class_counts == {"drink": 5, "eggs": 1}
    assert view.labels.tolist() == [0, 0, 0, 1, 0, 0]
    swapped = ds.relabel({"milk": "juice", "juice": "milk"})
    assert swapped.class_counts == {"eggs": 1, "juice": 3, "milk": 2}
    with refuses(InvalidParameterError, "unknown-name", "names"):
        ds.relabel({"bread": "toast"})


def test_one_hot_rows_name_the_class(ds: shv.Dataset) -> None:
    hot = ds.one_hot()
    assert hot.dtype == np.float32
    np.testing.assert_array_equal(hot.argmax(axis=1), ds.labels)
    np.testing.assert_array_equal(hot.sum(axis=1), 1)


def test_equal_content_is_one_group_and_named_groups_are_kept() -> None:
    images = np.concatenate((IMAGES[:2], IMAGES[:1]))
    free = shv.Dataset.from_arrays(images, [0, 0, 0])
    assert free.groups[0] == free.groups[2] != free.groups[1]
    named = shv.Dataset.from_arrays(images, [0, 0, 0], groups=["a", "b", "c"])
    assert named.groups.tolist() == ["user:a", "user:b", "user:c"]


def test_the_fingerprint_tells_all_that_matters(ds: shv.Dataset) -> None:
    changed = IMAGES.copy()
    changed[5, 0, 0, 0] += 1
    others = [
        ds[::-1],
        ds[:5],
        ds.relabel({"milk": "whole milk"}),
        ds.select(["milk", "juice", "eggs"]),
        shv.Dataset.from_arrays(changed, NAMES),
        shv.Dataset.from_arrays(IMAGES.reshape(6, 5, 4, 3), NAMES),
        shv.Dataset.from_arrays(IMAGES, NAMES, ids=list("abcdef")),
        shv.Dataset.from_arrays(IMAGES, NAMES[::-1]),
    ]
    prints = {ds.fingerprint, *(other.fingerprint for other in others)}
    assert len(prints) == len(others) + 1
    assert shv.Dataset.from_arrays(IMAGES.copy(), NAMES).fingerprint == ds.fingerprint
    assert pickle.loads(pickle.dumps(ds[1:])).fingerprint == ds[1:].fingerprint


@pytest.mark.parametrize(
    ("make", "code", "parameter"),
    [
        (lambda: shv.Dataset.from_arrays(IMAGES / 255, NAMES), "wrong-dtype", "images"),  # type: ignore[arg-type]  # on purpose
        (lambda: shv.Dataset.from_arrays(IMAGES[0], NAMES), "wrong-shape", "images"),
        (lambda: shv.Dataset.from_arrays(IMAGES[..., :1], NAMES), "wrong-shape", "images"),
        (lambda: shv.Dataset.from_arrays(IMAGES[:, :0], NAMES), "empty", "images"),
        (lambda: shv.Dataset.from_arrays("photos", NAMES), "wrong-shape", "images"),  # type: ignore[arg-type]  # on purpose
        (lambda: shv.Dataset.from_arrays(IMAGES, NAMES[:5]), "wrong-length", "labels"),
        (lambda: shv.Dataset.from_arrays(IMAGES, np.eye(6)), "wrong-shape", "labels"),  # type: ignore[arg-type]  # on purpose
        (lambda: shv.Dataset.from_arrays(IMAGES, np.zeros(6)), "wrong-dtype", "labels"),  # type: ignore[arg-type]  # on purpose
        (lambda: shv.Dataset.from_arrays(IMAGES, [0, 1, 2, 0, 0, -1]), "not-in-range", "labels"),
        (lambda: shv.Dataset.from_arrays(IMAGES, [4006381333931] * 6), "not-in-range", "labels"),
        (
            lambda: shv.Dataset.from_arrays(IMAGES, NAMES, class_names=["milk"]),
            "unknown-name",
            "labels",
        ),
        (lambda: shv.Dataset.from_arrays(IMAGES, NAMES, ids=list("abcdea")), "duplicate", "ids"),
        (lambda: shv.Dataset.from_arrays(IMAGES, NAMES, groups=["a"]), "wrong-length", "groups"),
    ],
)
def test_arrays_that_do_not_fit_are_named(
    make: Callable[[], object], code: str, parameter: str
) -> None:
    with refuses(DataError, code, parameter):
        make()


def test_a_million_rows_are_indexed_without_copying_them() -> None:
    source = shv.Dataset.from_arrays(IMAGES, NAMES)
    big = source[np.zeros(1_000_000, dtype=np.int64)]
    tracemalloc.start()
    try:
        view = big[10:900_000]
        assert view[500_000][1] == 2
        assert view.read_batch([3, 4]).shape == (2, 4, 5, 3)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


class Counting:
    """A source of one's own, without `read_many`."""

    image_size = (2, 2)

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __len__(self) -> int:
        return 4

    def read(self, row: int) -> npt.NDArray[np.uint8]:
        self.asked.append(row)
        return np.full((2, 2, 3), row, dtype=np.uint8)

    def digest(self, row: int) -> str:
        return f"{row % 2}" * 64


def test_any_source_of_pixels_will_do_and_is_asked_only_when_needed() -> None:
    source = Counting()
    ds = shv.Dataset.from_source(
        source, ids=list("abcd"), labels=[0, 1, 1, 0], class_names=["x", "y"], copies=[0, 0, 1, 2]
    )
    assert ds.copies.tolist() == [0, 0, 1, 2]
    assert ds.groups[0] == ds.groups[2] != ds.groups[1]
    assert ds.fingerprint
    assert source.asked == []
    assert ds[2:][0][0].max() == 2
    assert ds.read_batch([3, 1])[:, 0, 0, 0].tolist() == [3, 1]
    assert source.asked == [2, 3, 1]


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_missing_label_is_not_a_class(missing: object) -> None:
    labels = np.array(["milk", missing], dtype=object)
    with refuses(DataError, "needs-labels", "labels"):
        shv.Dataset.from_arrays(np.zeros((2, 4, 4, 3), np.uint8), labels)


def test_images_without_a_named_group_are_groups_of_their_own() -> None:
    images = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1).repeat(3, axis=3)
    groups = ["north", "", None, float("nan")]
    ds = shv.Dataset.from_arrays(images, ["milk"] * 4, groups=groups)  # type: ignore[arg-type]  # as pandas gives them
    assert ds.groups[0] == "user:north"
    assert all(group.startswith("content:") for group in ds.groups[1:])
    assert len(set(ds.groups)) == 4


def test_columns_stay_read_only_when_pickled(ds: shv.Dataset) -> None:
    again = pickle.loads(pickle.dumps(ds))
    for column in (again.ids, again.labels, again.copies):
        assert not column.flags.writeable


def test_relabel_refuses_a_name_that_is_no_text(ds: shv.Dataset) -> None:
    name = ds.class_names[0]
    with refuses(InvalidParameterError, "wrong-type", "class_names"):
        ds.relabel({name: 3})  # type: ignore[dict-item]  # what it refuses


@pytest.mark.remedy("wrong-shape")
@pytest.mark.remedy("wrong-dtype")
@pytest.mark.parametrize(
    ("images", "code"),
    [
        (list(IMAGES), "wrong-shape"),
        (IMAGES.transpose(0, 3, 1, 2), "wrong-shape"),
        (np.concatenate([IMAGES, IMAGES[..., :1]], axis=-1), "wrong-shape"),
        (IMAGES / 255, "wrong-dtype"),
        (IMAGES.astype(np.float32), "wrong-dtype"),
        (IMAGES.astype(np.int64), "wrong-dtype"),
    ],
)
def test_the_remedy_for_other_arrays_gives_the_pixels(images: object, code: str) -> None:
    with refuses(DataError, code, "images") as caught:
        shv.Dataset.from_arrays(images, NAMES)  # type: ignore[arg-type]  # what is refused
    remedy = str(caught.value).rpartition("; pass ")[2]
    right = eval(remedy, {"numpy": np, "images": images})
    assert shv.Dataset.from_arrays(right, NAMES).fingerprint == (
        shv.Dataset.from_arrays(IMAGES, NAMES).fingerprint
    )


@pytest.mark.remedy("missing-class")
def test_numbers_that_seem_to_be_codes_are_told() -> None:
    labels = np.array([4011, 4046] * 3)
    with gives_warning(ShelfVisionWarning, "missing-class", "labels"):
        shv.Dataset.from_arrays(IMAGES, labels)
    assert shv.Dataset.from_arrays(IMAGES, labels.astype(str)).class_names == ("4011", "4046")
