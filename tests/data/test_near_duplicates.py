"""`Dataset.group_near_duplicates`: copies are found, different photos are left apart."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

import shelfvision as shv
from shelfvision.data.duplicates.grouping import join_groups
from shelfvision.errors import InvalidParameterError, ShelfVisionWarning
from support import gives_warning, refuses

Change = Callable[[Image.Image], Image.Image]

CHANGES: dict[str, Change] = {
    "same": lambda photo: photo,
    "halved": lambda photo: photo.resize((photo.width // 2, photo.height // 2)),
    "enlarged": lambda photo: photo.resize((photo.width * 2, photo.height * 2)),
    "squeezed": lambda photo: photo.resize((photo.width * 3 // 4, photo.height // 2)),
    "mirrored": ImageOps.mirror,
    "flipped": ImageOps.flip,
    "turned": lambda photo: photo.rotate(90, expand=True),
    "upside-down": lambda photo: photo.rotate(180),
    "transposed": lambda photo: photo.transpose(Image.Transpose.TRANSPOSE),
}


def saved(photo: Image.Image, path: Path, quality: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = "WEBP" if path.suffix == ".webp" else "JPEG"
    photo.save(path, kind, quality=quality)


def shares_group(ds: shv.Dataset, one: str, other: str) -> bool:
    group = dict(zip(ds.ids.tolist(), ds.groups.tolist(), strict=True))
    return bool(group[one] == group[other])


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("ending", ["q40.jpg", "q80.webp"])
def test_a_changed_copy_joins_its_original(shop: Path, change: str, ending: str) -> None:
    with Image.open(shop / "Juice/1.JPG") as original:
        saved(CHANGES[change](original.convert("RGB")), shop / "Milk" / ending, int(ending[1:3]))
    ds = shv.Dataset.from_directory(shop).group_near_duplicates()
    assert shares_group(ds, "Juice/1.JPG", f"Milk/{ending}")
    assert len(set(ds.groups)) == 5
    joined = ds.groups[ds.ids == "Juice/1.JPG"][0]
    contents = shv.Dataset.from_directory(shop).groups
    pair = contents[(ds.ids == "Juice/1.JPG") | (ds.ids == f"Milk/{ending}")]
    assert joined == "near:" + min(group.removeprefix("content:") for group in pair)


def test_blank_photos_of_different_shades_stay_apart() -> None:
    shades = np.array([0, 6, 180, 255, 255], dtype=np.uint8)
    images = np.broadcast_to(shades[:, None, None, None], (5, 20, 20, 3)).copy()
    images[4, 0, 0] = 250
    ds = shv.Dataset.from_arrays(images, [0] * 5).group_near_duplicates()
    assert len(set(ds.groups)) == 4
    assert ds.groups[3] == ds.groups[4]


def test_groups_carry_over_to_views(shop: Path) -> None:
    (shop / "Milk/copy.jpg").write_bytes((shop / "Juice/1.JPG").read_bytes() + b"\0")
    ds = shv.Dataset.from_directory(shop).group_near_duplicates()
    near = ds.groups[0]
    assert near.startswith("near:")
    assert ds.relabel({"Milk": "Dairy"})[:1].groups.tolist() == [near]
    assert near in ds.select(["Milk"]).groups


def test_a_view_and_an_empty_view_can_be_grouped(shop: Path) -> None:
    ds = shv.Dataset.from_directory(shop)
    assert len(ds[:0].group_near_duplicates().groups) == 0
    np.testing.assert_array_equal(ds[3:].group_near_duplicates().groups, ds.groups[3:])


def test_groups_that_the_user_named_are_reported_and_not_joined() -> None:
    rng = np.random.default_rng(0)
    image = np.asarray(
        Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8)).resize((40, 40))
    )
    other = 255 - image
    images = np.stack((image, image[:, ::-1], other, image))
    ds = shv.Dataset.from_arrays(
        images, [0, 0, 0, 0], ids=list("abcd"), groups=["north", "south", "south", "north"]
    )
    with gives_warning(ShelfVisionWarning, "named-groups"):
        grouped = ds.group_near_duplicates()
    np.testing.assert_array_equal(grouped.groups, ds.groups)
    assert {link.ids for link in grouped.group_links} == {("a", "b"), ("b", "d")}
    assert set(grouped.group_links[0].groups) == {"user:north", "user:south"}
    assert grouped[[0, 2]].group_links == ()


def test_augmented_copies_go_with_their_original(shop: Path) -> None:
    (shop / "Milk/copy.jpg").write_bytes((shop / "Juice/1.JPG").read_bytes() + b"\0")
    plain = shv.Dataset.from_directory(shop)
    images, labels = plain.to_arrays()
    source = shv.Dataset.from_arrays(
        np.concatenate((images, np.roll(images, 2, axis=0))), [*labels, *labels]
    )
    ds = shv.Dataset.from_source(
        source.table.source,
        ids=[*plain.ids, *plain.ids],
        labels=source.labels,
        class_names=plain.class_names,
        groups=[*plain.groups, *plain.groups],
        copies=[0] * 6 + [1] * 6,
    ).group_near_duplicates()
    np.testing.assert_array_equal(ds.groups[:6], ds.groups[6:])
    assert len(set(ds.groups)) == 5


@pytest.mark.parametrize("threshold", [0, 0.3, 1.1, "high", float("nan")])
def test_a_threshold_out_of_range_is_named(shop: Path, threshold: float) -> None:
    with refuses(InvalidParameterError, "not-in-range", "threshold"):
        shv.Dataset.from_directory(shop).group_near_duplicates(threshold=threshold)


names = st.sampled_from(["content:1", "content:2", "near:3", "content:4", "user:a", "user:b"])


@given(
    groups=st.lists(names, min_size=2, max_size=12),
    pairs=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20),
)
def test_joining_never_merges_named_groups_and_never_parts_a_group(
    groups: list[str], pairs: Sequence[tuple[int, int]]
) -> None:
    inside = [pair for pair in pairs if max(pair) < len(groups)]
    column = np.array(groups, dtype=object)
    ids = np.array([str(row) for row in range(len(groups))], dtype=object)
    links = np.array(inside, dtype=np.int64).reshape(-1, 2)
    joined, refused = join_groups(column, ids, links, np.ones(len(links)))
    for before in set(groups):
        assert len({new for old, new in zip(groups, joined, strict=True) if old == before}) == 1
    for old, new in zip(groups, joined, strict=True):
        assert new == old or not old.startswith("user:")
    conflicts = sum(joined[one] != joined[other] for one, other in inside)
    assert len(refused) >= conflicts


def copies_of(data: bytes) -> list[bytes]:
    """Return the photo re-encoded, resized, mirrored and turned."""
    with Image.open(io.BytesIO(data)) as opened:
        photo = opened.convert("RGB")
    made = []
    for change, quality in (
        ("same", 40),
        ("halved", 75),
        ("squeezed", 90),
        ("mirrored", 70),
        ("turned", 70),
    ):
        file = io.BytesIO()
        CHANGES[change](photo).save(file, "JPEG", quality=quality)
        made.append(file.getvalue())
    return made


@pytest.mark.photos
def test_planted_copies_of_real_photos_are_found_and_products_stay_apart(
    photos: Path, tmp_path: Path
) -> None:
    with (photos / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))[::6]
    for number, row in enumerate(rows):
        data = (photos / row["path"]).read_bytes()
        made = copies_of(data)[number % 5 : number % 5 + 1] if number % 2 else []
        for version, content in enumerate([data, *made]):
            path = tmp_path / row["label"] / f"{number}-{row['product']}-{version}.jpg"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    ds = shv.Dataset.from_directory(tmp_path).group_near_duplicates()
    planted = [name for name in ds.ids if name.endswith("-1.jpg")]
    found = sum(shares_group(ds, name, name[:-5] + "0.jpg") for name in planted)
    assert found >= 0.99 * len(planted)
    assert in_mixed_groups(ds.ids, ds.groups) < 0.005 * len(rows)


def in_mixed_groups(ids: npt.NDArray[np.object_], groups: npt.NDArray[np.object_]) -> int:
    """Count the photos that share a group with another product."""
    products: dict[str, set[str]] = {}
    for name, group in zip(ids, groups, strict=True):
        products.setdefault(group, set()).add(name.split("/")[1].split("-", 1)[1][:-6])
    return sum(len(products[group]) > 1 for group in groups)


def test_photos_that_a_network_sees_as_the_same_are_joined() -> None:
    images = np.random.RandomState(0).randint(0, 256, (5, 40, 40, 3)).astype(np.uint8)
    ds = shv.Dataset.from_arrays(images, ["a", "b", "a", "b", "a"])
    seen = np.array([[1, 0], [0.1, 1], [2, 0.01], [0, 0], [0, 0]], dtype=np.float32)
    assert len(set(ds.group_near_duplicates().groups)) == 5
    joined = ds.group_near_duplicates(embeddings=seen).groups
    assert joined[0] == joined[2]
    assert len(set(joined)) == 4
    assert len(set(ds.group_near_duplicates(embeddings=seen, embedding_threshold=0.09).groups)) == 3
    assert len(ds[:1].group_near_duplicates(embeddings=seen[:1]).groups) == 1


@pytest.mark.parametrize(
    ("embeddings", "code"),
    [
        (np.zeros((2, 4)), "wrong-shape"),
        (np.zeros(3), "wrong-shape"),
        (np.zeros((3, 4), dtype=np.int64), "wrong-shape"),
        (np.array([[0.0], [np.nan], [1.0]]), "not-finite"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused(
    embeddings: npt.NDArray[np.floating], code: str
) -> None:
    ds = shv.Dataset.from_arrays(np.zeros((3, 8, 8, 3), np.uint8), ["a", "b", "a"])
    with refuses(InvalidParameterError, code, "embeddings"):
        ds.group_near_duplicates(embeddings=embeddings)
