"""The group of a photo goes with it wherever it goes, and is looked up once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import shelfvision as shv
from shelfvision._photos.sources import ArrayPixels
from shelfvision.data._lineage import GroupLink, Lineage, named_group, named_groups
from shelfvision.data.duplicates.grouping import GroupForest, join_groups
from shelfvision.errors import InvalidParameterError, ShelfVisionWarning
from support import gives_warning, refuses

DIGESTS = [f"{letter * 40}" for letter in "abcd"]


class Counting(ArrayPixels):
    """Four photos that count how often their content is looked at."""

    def __init__(self, n: int = 4) -> None:
        super().__init__(np.zeros((n, 1, 1, 3), np.uint8), digests=DIGESTS[:n])
        self.looked_at: list[int] = []

    def digest(self, row: int) -> str:
        self.looked_at.append(row)
        return super().digest(row)


def content(letters: str) -> list[str]:
    """Return the groups of photos that nobody named."""
    return [f"content:{letter * 32}" for letter in letters]


def rows(*numbers: int) -> npt.NDArray[np.int64]:
    return np.array(numbers, dtype=np.int64)


LINK = GroupLink(ids=("a", "b"), groups=("user:x", "user:y"), similarity=0.99)


def test_names_get_a_namespace_unless_they_have_one() -> None:
    ours = ["content:1", "near:1", "burst:1", "user:1"]
    assert [named_group(name) for name in ours] == ours
    assert [named_group(name) for name in ("x", "nearby", "")] == ["user:x", "user:nearby", "user:"]


def test_missing_and_empty_names_are_none() -> None:
    given = ["a", "", None, float("nan"), np.nan, 7, "near:1"]
    assert named_groups(given) == ["user:a", None, None, None, None, "user:7", "near:1"]


def test_content_is_looked_at_when_asked_and_once() -> None:
    source = Counting()
    lineage = Lineage(source, ["user:x", None, None, None])
    assert source.looked_at == []
    assert lineage.of(rows(0)).tolist() == ["user:x"]
    assert source.looked_at == []
    assert lineage.of(rows(2, 0, 1)).tolist() == [content("c")[0], "user:x", content("b")[0]]
    assert lineage.of(rows(1, 2)).tolist() == content("bc")
    assert sorted(source.looked_at) == [1, 2]
    assert lineage.links == ()


def test_copies_share_the_group_of_their_original_which_is_looked_at_once() -> None:
    source = Counting()
    copies = Lineage(source, links=(LINK,)).following(rows(3, 1, 2, 0, 2, 2, 0))
    assert copies.links == (LINK,)
    assert copies.of(rows(4, 5, 6, 2)).tolist() == content("ccac")
    assert sorted(source.looked_at) == [0, 2]
    copies_of_copies = copies.following(rows(6, 4, 0))
    assert copies_of_copies.of(rows(2, 1, 0)).tolist() == content("dca")


def test_names_go_with_copies() -> None:
    named = Lineage(Counting(), ["user:x", None, "near:1", "user:y"])
    assert named.following(rows(3, 3, 2, 0)).of(rows(0, 1, 2, 3)).tolist() == [
        *("user:y", "user:y", "near:1", "user:x")
    ]


def test_kept_pixels_take_groups_along_and_ask_the_new_place_for_the_rest() -> None:
    first, kept = Counting(), Counting(2)
    lineage = Lineage(first, ["user:x", None, None, None], links=(LINK,))
    taken = lineage.taken(kept, rows(3, 0))
    assert taken.links == (LINK,)
    assert taken.of(rows(0, 1)).tolist() == [content("a")[0], "user:x"]
    assert (first.looked_at, kept.looked_at) == ([], [0])


def test_kept_pixels_of_copies_take_the_groups_of_the_originals() -> None:
    first, kept = Counting(), Counting(2)
    copies = Lineage(first).following(rows(0, 1, 2, 3, 3))
    assert copies.taken(kept, rows(4, 0)).of(rows(0, 1)).tolist() == content("da")
    assert kept.looked_at == []


def test_regrouping_makes_another_lineage_and_leaves_the_first() -> None:
    lineage = Lineage(Counting(), ["user:x", None, None, "user:y"])
    again = lineage.regrouped(rows(1, 3), ["near:1", "near:2"], (LINK,))
    assert again.of(rows(0, 1, 2, 3)).tolist() == ["user:x", "near:1", content("c")[0], "near:2"]
    assert lineage.of(rows(0, 1, 3)).tolist() == ["user:x", content("b")[0], "user:y"]
    assert (again.links, lineage.links) == ((LINK,), ())


# -- joining -------------------------------------------------------------------------------


def joined(
    groups: Sequence[str], pairs: Sequence[tuple[int, int]], **options: str
) -> tuple[list[str], tuple[GroupLink, ...]]:
    """Join rows that are called by their numbers; pairs are ever less alike."""
    ids = np.array([str(row) for row in range(len(groups))], dtype=object)
    alike = 1 - np.arange(len(pairs)) / 100
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return join_groups(np.array(groups, dtype=object), ids, table, alike, **options)


def test_joined_groups_are_named_after_the_smallest_and_others_stay() -> None:
    groups = ["content:c", "content:b", "content:d", "content:a"]
    assert joined(groups, [(0, 1), (2, 1)]) == (["near:b"] * 3 + ["content:a"], ())
    assert joined(groups, [(0, 1)], namespace="burst:")[0][:2] == ["burst:b", "burst:b"]
    assert joined(["near:b", "content:a"], [(0, 1)])[0] == ["near:a", "near:a"]
    assert joined(groups, [])[0] == groups


def test_a_user_named_group_takes_others_in_under_its_name() -> None:
    assert joined(["content:a", "user:z", "content:b"], [(0, 2), (2, 1)])[0] == ["user:z"] * 3
    assert joined(["user:z", "content:a"], [(0, 1)])[0] == ["user:z"] * 2


def test_two_user_named_groups_are_linked_and_not_joined() -> None:
    groups = ["user:x", "content:a", "user:y", "user:y"]
    after, links = joined(groups, [(0, 1), (2, 1), (0, 3), (2, 3)])
    assert after == ["user:x", "user:x", "user:y", "user:y"]
    assert links == (
        GroupLink(ids=("2", "1"), groups=("user:y", "user:x"), similarity=0.99),
        GroupLink(ids=("0", "3"), groups=("user:x", "user:y"), similarity=0.98),
    )


def test_a_forest_tells_whether_groups_are_one_now() -> None:
    forest = GroupForest(np.array(["content:b", "content:a", "user:x", "user:y"], dtype=object))
    assert forest.join("content:a", "content:a")
    assert forest.join("content:b", "content:a")
    assert forest.root("content:b") == "content:a"
    assert forest.join("content:b", "user:x")
    assert not forest.join("user:y", "content:a")
    assert forest.root("content:a") == forest.root("content:b") == "user:x"
    assert forest.names("near:") == {
        **dict.fromkeys(("content:a", "content:b", "user:x"), "user:x"),
        "user:y": "user:y",
    }


def test_a_long_chain_ends_in_one_group() -> None:
    groups = [f"content:{row:02}" for row in range(20)]
    chain = [(row, row + 1) for row in range(19)]
    for pairs in (chain, chain[::-1], chain[::2] + chain[1::2]):
        assert set(joined(groups, pairs)[0]) == {"near:00"}


# -- datasets ------------------------------------------------------------------------------

PHOTO = (
    np.random.RandomState(0).randint(0, 256, (5, 5, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
)


def shelf(**columns: list[str]) -> shv.Dataset:
    """Return a photo, another one, the first again and the other mirrored."""
    other = 255 - PHOTO[::-1]
    images = np.stack((PHOTO, other, PHOTO ^ 1, other[:, ::-1]))
    return shv.Dataset.from_arrays(images, ["a"] * 4, ids=list("wxyz"), **columns)


def test_photos_that_look_the_same_are_in_one_group_in_every_view(tmp_path: Path) -> None:
    ds = shelf()
    grouped = ds.group_near_duplicates()
    assert grouped.groups.tolist() == [
        *("near:" + min(ds.groups[[0, 2]])[8:], "near:" + min(ds.groups[[1, 3]])[8:]) * 2
    ]
    assert grouped[[3, 0]].groups.tolist() == grouped.groups[[3, 0]].tolist()
    assert grouped.cached().groups.tolist() == grouped.groups.tolist()
    for kept in (grouped[[3, 0]].cached(), grouped[[3, 0]].cached(tmp_path)):
        assert kept[1:].groups.tolist() == [grouped.groups[0]]
        np.testing.assert_array_equal(kept.to_arrays()[0], ds.to_arrays()[0][[3, 0]])
    assert len(set(ds.groups)) == 4
    assert ds[[2, 1]].group_near_duplicates().groups.tolist() == ds.groups[[2, 1]].tolist()


def test_the_threshold_is_where_photos_begin_to_be_the_same() -> None:
    noise = np.random.RandomState(1).randint(-60, 60, PHOTO.shape)
    near = np.clip(PHOTO + noise, 0, 255).astype(np.uint8)
    ds = shv.Dataset.from_arrays(np.stack((PHOTO, near, 255 - PHOTO)), ["a"] * 3)
    assert len(set(ds.group_near_duplicates(threshold=0.5).groups)) == 2
    assert len(set(ds.group_near_duplicates(threshold=1.0).groups)) == 3
    for threshold in (0.49, 1.01):
        with refuses(InvalidParameterError, "not-in-range", "threshold"):
            ds.group_near_duplicates(threshold=threshold)


def test_embeddings_join_what_pixels_do_not() -> None:
    ds = shelf()[[0, 1]]
    same, other = np.array([[1.0, 0], [1, 0.01]]), np.array([[1.0, 0], [1, 0.5]])
    assert len(set(ds.group_near_duplicates(embeddings=same).groups)) == 1
    assert len(set(ds.group_near_duplicates(embeddings=other).groups)) == 2
    for least, groups in ((0, 1), (1, 2)):
        joined_ = ds.group_near_duplicates(embeddings=other, embedding_threshold=least)
        assert len(set(joined_.groups)) == groups
    for threshold in (-0.01, 1.01):
        with refuses(InvalidParameterError, "not-in-range", "embedding_threshold"):
            ds.group_near_duplicates(embeddings=same, embedding_threshold=threshold)


def test_links_are_told_with_the_likest_and_kept() -> None:
    ds = shelf(groups=["n", "s", "n", "e"])
    with gives_warning(ShelfVisionWarning, "named-groups"):
        grouped = ds.group_near_duplicates()
    (link,) = grouped.group_links
    assert (link.ids, link.groups) == (("x", "z"), ("user:s", "user:e"))
    assert link.similarity > 0.95
    assert grouped.cached().group_links == (link,)
    assert grouped.groups.tolist() == ds.groups.tolist()


def test_copies_do_not_count_as_photos_that_look_the_same() -> None:
    still = shv.BalancingAugmenter(lambda image, rng: image, sampling_strategy={"a": 8})
    balanced = still.balance(shelf(groups=list("wxyz")))
    with gives_warning(ShelfVisionWarning, "named-groups"):
        grouped = balanced.group_near_duplicates()
    assert grouped.groups.tolist() == balanced.groups.tolist()
    assert len(grouped.group_links) == 2
    seen = np.eye(8)[[0, 1, 2, 3, 0, 0, 0, 0]]
    with gives_warning(ShelfVisionWarning, "named-groups"):
        again = balanced.group_near_duplicates(embeddings=seen)
    assert len(again.group_links) == 2


def test_copies_that_are_made_anew_cannot_be_kept() -> None:
    ds = shelf()
    anew = shv.BalancingAugmenter(sampling_strategy={"a": 8}, refresh=True).balance(ds)
    with pytest.raises(InvalidParameterError):
        anew.cached()
    kept = shv.BalancingAugmenter(sampling_strategy={"a": 8}).balance(ds).cached()
    assert kept.groups.tolist() == [ds.groups["wxyz".index(name)] for name in kept.ids]
    assert kept[[5, 1]].cached().groups.tolist() == kept.groups[[5, 1]].tolist()


def series() -> shv.Dataset:
    """Return two photos of one hand, one of another, and one of the first under another name."""
    images = np.stack((PHOTO, PHOTO[:, ::-1], PHOTO // 8, PHOTO[::-1]))
    return shv.Dataset.from_arrays(images, ["a"] * 4, ids=["x_1", "x_2", "x_3", "y_1"])


def test_photos_of_one_burst_are_in_one_group_in_every_view() -> None:
    ds = series()
    bursts = ds.group_bursts()
    burst = "burst:" + min(ds.groups[:2])[8:]
    assert bursts.groups.tolist() == [burst, burst, *ds.groups[2:]]
    assert bursts[[1, 3]].cached().groups.tolist() == [burst, ds.groups[3]]
    for threshold, n_groups in ((1.0, 3), (0.5, 3)):
        assert len(set(ds.group_bursts(threshold=threshold).groups)) == n_groups
    for threshold in (0.49, 1.01):
        with refuses(InvalidParameterError, "not-in-range", "threshold"):
            ds.group_bursts(threshold=threshold)
    named = ds.relabel({}).cached()
    assert named.group_bursts().groups.tolist() == bursts.groups.tolist()


def test_copies_do_not_count_as_a_burst() -> None:
    still = shv.BalancingAugmenter(lambda image, rng: image, sampling_strategy={"a": 8})
    balanced = still.balance(series())
    bursts = balanced.group_bursts()
    assert len(set(bursts.groups)) == 3
    of = dict(zip(balanced.ids[:4].tolist(), bursts.groups[:4].tolist(), strict=True))
    assert bursts.groups.tolist() == [of[name] for name in balanced.ids]


def test_a_burst_of_groups_that_the_user_named_is_told() -> None:
    images = np.stack((PHOTO, PHOTO[:, ::-1]))
    ds = shv.Dataset.from_arrays(images, ["a"] * 2, ids=["x_1", "x_2"], groups=["n", "s"])
    with gives_warning(ShelfVisionWarning, "named-groups"):
        bursts = ds.group_bursts()
    assert bursts.groups.tolist() == ["user:n", "user:s"]
    assert [link.ids for link in bursts.group_links] == [("x_1", "x_2")]


def test_a_frame_holds_id_label_group_and_copy() -> None:
    pytest.importorskip("pandas")
    frame = shelf(groups=["n", "s", "n", "e"]).relabel({"a": "milk"}).to_frame()
    assert list(frame.columns) == ["id", "label", "group", "copy"]
    assert frame.to_numpy().tolist()[:2] == [
        ["w", "milk", "user:n", 0],
        ["x", "milk", "user:s", 0],
    ]
