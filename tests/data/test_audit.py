"""`audit` finds what is wrong with a set of photos, and little that is not."""

from __future__ import annotations

import csv
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

import shelfvision as shv
from support import refuses

SINGLES = ("blank", "dark", "bright", "blurred", "size", "aspect")
TWINS = ("duplicate", "duplicate-across-labels", "near-duplicate", "near-duplicate-across-labels")


class Faults:
    """Plants faults in a folder of photos; `planted` tells the code of each by its id."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.planted: dict[str, str] = {}
        labels = sorted(path.name for path in root.iterdir())
        self._labels = labels
        self._left = {name: sorted((root / name).iterdir()) for name in labels}

    def plant_all(self) -> Faults:
        """Plant twenty."""
        self._files()
        self._looks()
        self._shapes()
        self._twins()
        assert len(self.planted) == 20
        return self

    def _files(self) -> None:
        whole = self._take().read_bytes()
        self._write("unreadable", "truncated.jpg", whole[: len(whole) // 2])
        self._write("unreadable", "text.jpg", b"not a photo at all")
        self._write("unreadable", "page.png", b"<!DOCTYPE html><title>404</title>")
        self._write("unreadable", "empty.jpg", b"")

    def _looks(self) -> None:
        noise = np.random.default_rng(0).normal(0, 2, (120, 160, 3))
        self._save("blank", "wall.png", Image.new("RGB", (160, 120), (200, 190, 170)))
        self._save("blank", "lens-cap.jpg", Image.fromarray((3 + np.abs(noise)).astype(np.uint8)))
        self._save("dark", "night.jpg", self._open().point(lambda level: level * 0.12))
        self._save("bright", "sun.jpg", self._open().point(lambda level: 150 + level * 0.9))
        photo = self._open()
        soft = photo.filter(ImageFilter.GaussianBlur(max(photo.size) / 60))
        self._save("blurred", "out-of-focus.jpg", soft)
        pixels = np.asarray(self._open(), dtype=np.float32)
        shaken = np.mean([np.roll(pixels, step, axis=1) for step in range(16)], axis=0)
        self._save("blurred", "shaken.jpg", Image.fromarray(shaken.astype(np.uint8)))

    def _shapes(self) -> None:
        photo = self._open()
        self._save("size", "icon.png", photo.resize((24, 24)))
        self._save("size", "shelf.jpg", self._open().resize((photo.width * 4, photo.height * 4)))
        self._save("aspect", "strip.jpg", self._open().resize((photo.width * 2, photo.height // 3)))

    def _twins(self) -> None:
        first, other = self._labels[:2]
        for code, home, name, change in (
            ("duplicate", first, "again.jpg", None),
            ("duplicate-across-labels", other, "same.jpg", None),
            ("near-duplicate", first, "squeezed.jpg", lambda photo: photo),
            ("near-duplicate-across-labels", other, "encoded.jpg", lambda photo: photo),
            ("near-duplicate-across-labels", other, "half.png", _half),
            ("near-duplicate", first, "mirrored.jpg", ImageOps.mirror),
            ("near-duplicate-across-labels", other, "turned.jpg", _turned),
        ):
            original = self._left[first].pop()
            if change is None:
                self._write(code, name, original.read_bytes(), home)
            else:
                with Image.open(original) as photo:
                    self._save(code, name, change(photo.convert("RGB")), home)

    def _take(self) -> Path:
        """Take a photo out of the first class."""
        path = self._left[self._labels[0]].pop()
        return path.rename(self.root.parent / path.name)

    def _open(self) -> Image.Image:
        with Image.open(self._take()) as photo:
            return photo.convert("RGB")

    def _write(self, code: str, name: str, data: bytes, label: str = "") -> None:
        path = self.root / (label or self._labels[0]) / f"planted-{name}"
        path.write_bytes(data)
        self.planted[path.relative_to(self.root).as_posix()] = code

    def _save(self, code: str, name: str, photo: Image.Image, label: str = "") -> None:
        path = self.root / (label or self._labels[0]) / f"planted-{name}"
        photo.save(path, quality=40 if name == "encoded.jpg" else 90)
        self.planted[path.relative_to(self.root).as_posix()] = code


def _half(photo: Image.Image) -> Image.Image:
    return photo.resize((photo.width // 2, photo.height // 2))


def _turned(photo: Image.Image) -> Image.Image:
    return photo.transpose(Image.Transpose.ROTATE_90)


def missed(report: shv.AuditReport, planted: dict[str, str]) -> list[str]:
    """Return the planted faults that a report does not tell under their code."""
    return [
        f"{name}: {code}"
        for name, code in planted.items()
        if code not in report or name not in report[code].ids
    ]


def false_alarms(report: shv.AuditReport, planted: dict[str, str], codes: tuple[str, ...]) -> int:
    """Return how many sets of photos are told that hold nothing planted."""
    sets = [members for code in codes if code in report for members in report[code].sets]
    return sum(not set(members) & set(planted) for members in sets)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of rendered photos."""
    folder = tmp_path_factory.mktemp("rendered") / "photos"
    return shv.samples.write_products(folder, {"Can": 40, "Jar": 30}, image_size=(160, 160))


@pytest.fixture(scope="module")
def faulty(rendered: Path, tmp_path_factory: pytest.TempPathFactory) -> Faults:
    """Return a copy of them with twenty faults."""
    root = tmp_path_factory.mktemp("faulty") / "photos"
    shutil.copytree(rendered, root)
    return Faults(root).plant_all()


@pytest.fixture(scope="module")
def report(faulty: Faults) -> shv.AuditReport:
    return shv.audit(shv.Dataset.from_directory(faulty.root))


@pytest.mark.slow
def test_every_planted_fault_is_found_among_rendered_photos(
    faulty: Faults, report: shv.AuditReport
) -> None:
    assert missed(report, faulty.planted) == []


def test_nothing_else_is_told_of_rendered_photos(faulty: Faults, report: shv.AuditReport) -> None:
    assert false_alarms(report, faulty.planted, ("unreadable", *SINGLES, *TWINS)) == 0


def test_clean_rendered_photos_raise_no_alarm(rendered: Path) -> None:
    assert list(shv.audit(shv.Dataset.from_directory(rendered))) == []


@pytest.mark.photos
def test_every_planted_fault_is_found_among_real_photos(photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    with (photos / "manifest.csv").open(newline="", encoding="utf-8") as file:
        names = [row["path"] for row in csv.DictReader(file)]
    for label in ("Juice", "Milk", "Pepper", "Zucchini"):
        (root / label).mkdir(parents=True)
        for name in [name for name in names if f"/{label}/" in name][:55]:
            shutil.copyfile(photos / name, root / label / Path(name).name)
    faults = Faults(root).plant_all()
    report = shv.audit(shv.Dataset.from_directory(root))
    assert missed(report, faults.planted) == []
    assert false_alarms(report, faults.planted, SINGLES) <= 4
    assert false_alarms(report, faults.planted, ("duplicate", *TWINS[1:2], *TWINS[3:])) == 0


@pytest.mark.photos
def test_the_bursts_of_real_photos_are_told(photos: Path) -> None:
    everything = shv.Dataset.from_manifest(photos / "manifest.csv")
    drinks = everything.select(["Juice", "Milk", "Oat-Milk", "Yoghurt"])
    burst = shv.audit(drinks)["burst"]
    assert burst.count >= 20
    assert len(burst.ids) / len(drinks) > 0.3
    joined = drinks.group_bursts().groups
    groups = dict(zip(drinks.ids.tolist(), joined.tolist(), strict=True))
    # The audit sees the photos at their own size, and a few are on the edge of being alike.
    whole = sum(len({groups[name] for name in names}) == 1 for names in burst.sets)
    assert whole > 0.8 * burst.count


def audited(images: list[np.ndarray], labels: list[str], **settings: float) -> shv.AuditReport:
    return shv.audit(shv.Dataset.from_arrays(np.stack(images), labels), few=0, **settings)


def spots(seed: int, side: int = 64) -> np.ndarray:
    """Return an image of sharp random tiles."""
    tiles = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return tiles.repeat(side // 8, axis=0).repeat(side // 8, axis=1)


def test_a_photo_that_stands_in_two_parts_is_a_leak() -> None:
    images = [spots(seed) for seed in range(12)]
    train = shv.Dataset.from_arrays(np.stack(images[:8]), ["a", "b"] * 4)
    flipped = np.stack([images[3][:, ::-1], *images[9:]])
    report = shv.audit(
        shv.Splits(train=train, test=shv.Dataset.from_arrays(flipped, ["b", "a"] * 2))
    )
    assert report["leak"].sets == (("3", "0"),)
    assert report["leak"].severity == "error"
    assert "in train and test" in report["leak"].details[0]
    assert report.parts == {"train": 8, "test": 4}


def test_a_class_that_a_part_lacks_is_told() -> None:
    images = np.stack([spots(seed) for seed in range(6)])
    train = shv.Dataset.from_arrays(images[:3], ["a", "b", "c"])
    test = shv.Dataset.from_arrays(images[3:], [0, 1, 0], class_names=["a", "b", "c"])
    assert shv.audit(shv.Splits(train=train, test=test))["missing-from-part"].details == (
        "c: none in test",
    )


def test_empty_small_and_uneven_classes_are_told() -> None:
    images = np.stack([spots(seed) for seed in range(12)])
    labels = [1] * 9 + [0] * 3
    ds = shv.Dataset.from_arrays(images, labels, class_names=["few", "many", "none"])
    report = shv.audit(ds, few=5)
    assert report["empty-class"].details == ("none: 0 photos",)
    assert report["few-photos"].details == ("few: 3 photos",)
    assert "3.0 times" in report["imbalance"].message


def test_augmented_copies_are_left_aside() -> None:
    ds = shv.samples.render_products({"Can": 8, "Jar": 4})
    balanced = shv.BalancingAugmenter(seed=1).balance(ds)
    assert len(balanced) > shv.audit(balanced).n == len(ds)


def test_of_photos_from_arrays_the_original_size_is_said_to_be_unknown() -> None:
    report = audited([spots(seed) for seed in range(6)], ["a", "b"] * 3)
    assert [found.code for found in report] == ["sizes-unknown"]
    assert report.ok


@pytest.mark.slow
def test_skipped_files_are_told_with_their_reason(rendered: Path, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    shutil.copytree(rendered, root)
    (root / "Can" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    report = shv.audit(shv.Dataset.from_directory(root, on_error="skip"))
    assert report["skipped"].ids == ("Can/broken.jpg",)
    assert report["skipped"].severity == "warning"


def test_skipped_heic_photos_are_told_with_the_package_that_reads_them(
    rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shelfvision.data.finding._scan.heif_is_installed", lambda: False)
    root = tmp_path / "photos"
    shutil.copytree(rendered, root)
    (root / "Can" / "IMG_0001.HEIC").write_bytes(b"x")
    report = shv.audit(shv.Dataset.from_directory(root))
    assert 'pip install "shelfvision[heif]"' in report["skipped"].message


def test_hidden_files_and_system_folders_are_a_note(rendered: Path, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    shutil.copytree(rendered, root)
    (root / ".DS_Store").write_bytes(b"x")
    (root / "__MACOSX").mkdir()
    report = shv.audit(shv.Dataset.from_directory(root))
    assert report["skipped"].severity == "note"


def test_size_is_judged_upright_and_as_the_file_has_it(tmp_path: Path) -> None:
    for number in range(8):
        photo = Image.fromarray(spots(number, 80)).resize((120, 80))
        exif = photo.getexif()
        exif[0x0112] = 6
        path = tmp_path / "shop" / "Can" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        photo.save(path, exif=exif)
    report = shv.audit(shv.Dataset.from_directory(tmp_path / "shop", image_size=(100, 80)), few=0)
    assert "size" not in report
    assert "small" not in report
    report = shv.audit(shv.Dataset.from_directory(tmp_path / "shop", image_size=(80, 100)), few=0)
    assert report["small"].details[0] == "80 x 120 pixels"


def test_a_set_of_even_light_does_not_accuse_its_darker_half() -> None:
    images = [np.clip(spots(n) * (0.6 if n % 2 else 1.0), 0, 255) for n in range(20)]
    report = audited([image.astype(np.uint8) for image in images], ["a", "b"] * 10)
    assert "dark" not in report


class CountedPixels:
    """Counts how often each image is read."""

    image_size = (64, 64)

    def __init__(self, n: int) -> None:
        self.reads = [0] * n

    def __len__(self) -> int:
        return len(self.reads)

    def read(self, row: int) -> np.ndarray:
        self.reads[row] += 1
        if row == 3:
            raise shv.errors.PhotoError("photo 3 is broken", code="broken")
        return spots(row)

    def digest(self, row: int) -> str:
        return str(row)


def test_every_photo_is_read_once_and_a_broken_one_is_told() -> None:
    source = CountedPixels(12)
    names = [f"photo {row}" for row in range(12)]
    ds = shv.Dataset.from_source(source, ids=names, labels=[0, 1] * 6, class_names=["a", "b"])
    report = shv.audit(ds)
    assert source.reads == [1] * 12
    assert report["unreadable"].ids == ("photo 3",)
    assert report["unreadable"].details == ("photo 3 is broken",)


def test_products_photographed_in_a_row_are_a_burst() -> None:
    rng = np.random.default_rng(5)
    images, names = [], []
    for series in range(12):
        for shot in range(4):
            # The first three series are bursts: the same scene, from a little further along.
            scene = spots(series if series < 3 else 100 + 4 * series + shot, 96)
            left = int(rng.integers(0, 4)) + 2 * shot
            images.append(scene[16:80, left : left + 64])
            names.append(f"shop-{series}/IMG_{shot + 7:03}.jpg")
    order = rng.permutation(len(names))
    ds = shv.Dataset.from_arrays(
        np.stack(images)[order], ["a"] * len(names), ids=[names[row] for row in order]
    )
    burst = shv.audit(ds, threshold=1.0)["burst"]
    shots = [
        tuple(f"shop-{series}/IMG_{shot:03}.jpg" for shot in range(7, 11)) for series in (0, 1, 2)
    ]
    assert sorted(burst.sets) == shots
    assert "12 photos were probably taken in 3 bursts" in burst.message
    others = [row for row, name in enumerate(ds.ids) if not name.startswith(("shop-1/", "shop-2/"))]
    assert "in 1 burst, and" in shv.audit(ds[others], threshold=1.0)["burst"].message


def test_blur_depends_on_neither_light_nor_contrast() -> None:
    images = [spots(seed) for seed in range(11)]
    soft = Image.fromarray(spots(20)).filter(ImageFilter.GaussianBlur(3))
    for factor, offset in ((1.0, 0), (0.4, 0), (0.4, 120)):
        image = (np.asarray(soft) * factor + offset).astype(np.uint8)
        report = audited([*images, image], ["a", "b"] * 6)
        assert report["blurred"].ids == ("11",)
        assert 0.65 < report["blurred"].values[0] < 0.9


@pytest.mark.slow
def test_an_audit_gives_the_same_again_and_changes_no_file(faulty: Faults) -> None:
    before = {path: path.read_bytes() for path in faulty.root.rglob("*") if path.is_file()}
    ds = shv.Dataset.from_directory(faulty.root)
    assert shv.audit(ds).to_dict() == shv.audit(ds).to_dict()
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"threshold": 0.2}, "threshold"), ({"outlier": 0}, "outlier"), ({"few": 1.5}, "few")],
)
def test_a_setting_out_of_range_is_named(settings: dict[str, float], named: str) -> None:
    ds = shv.samples.render_products(2)
    with refuses(shv.errors.InvalidParameterError, "not-in-range", named):
        shv.audit(ds, **settings)  # type: ignore[arg-type]  # that is the point


def test_only_datasets_and_splits_are_audited() -> None:
    with refuses(shv.errors.InvalidParameterError, "wrong-type", "dataset"):
        shv.audit([])  # type: ignore[arg-type]  # that is the point


def test_an_empty_dataset_is_refused() -> None:
    with refuses(shv.errors.DataError, "empty", "dataset"):
        shv.audit(shv.samples.render_products(2)[:0])


def test_classes_whose_photos_cannot_be_used_are_listed(tmp_path: Path) -> None:
    for label, seed in (("Milk", 0), ("Milk", 1), ("Juice", 2)):
        path = tmp_path / label / f"{seed}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(spots(seed)).save(path)
    (tmp_path / "Tea").mkdir()
    (tmp_path / "Tea" / "broken.jpg").write_bytes(b"no photo")
    (tmp_path / "Tea" / "notes.txt").write_bytes(b"no photo")
    (tmp_path / "Water").mkdir()
    with warnings.catch_warnings():
        # Making the dataset may tell of them too.
        warnings.simplefilter("ignore", shv.errors.ShelfVisionWarning)
        skipping = shv.Dataset.from_directory(tmp_path, image_size=(32, 32), on_error="skip")
        keeping = shv.Dataset.from_directory(tmp_path, image_size=(32, 32))
    assert shv.audit(skipping)["empty-class"].details == (
        "Tea: 0 photos, 2 files not used",
        "Water: 0 photos",
    )
    assert shv.audit(keeping)["empty-class"].details == (
        "Tea: 1 photo, none readable, 1 file not used",
        "Water: 0 photos",
    )


@pytest.mark.parametrize(
    ("names", "alike"),
    [
        (("Milk", "milk", "Tea"), True),
        (("Oat Milk", "Oat  milk"), True),
        (("Oat-Milk", "oat_milk"), True),
        (("STRASSE", "straße"), True),
        (("Käse", "KÄSE"), True),
        (("\uff23ola", "cola"), True),
        (("Milk", "Milks"), False),
        (("Kase", "Käse"), False),
    ],
)
def test_class_names_that_differ_in_case_or_spaces_alone_are_told(
    names: tuple[str, ...], alike: bool
) -> None:
    images = np.stack([spots(seed) for seed in range(len(names))])
    report = shv.audit(shv.Dataset.from_arrays(images, list(names)), few=0)
    assert ("similar-class-names" in report) == alike
    if alike:
        told = report["similar-class-names"]
        assert told.severity == "warning"
        assert all(f"{name} (1 photo)" in told.details[0] for name in names[:2])


def test_parts_whose_classes_are_in_another_order_are_audited_by_name() -> None:
    images = np.stack([spots(seed) for seed in range(6)])
    train = shv.Dataset.from_arrays(images[:4], ["a", "b", "c", "c"])
    test = shv.Dataset.from_arrays(images[4:], ["c", "a"], class_names=["c", "a"])
    report = shv.audit(shv.Splits(train=train, test=test))
    assert report.class_counts == {"a": 2, "b": 1, "c": 3}
    assert report["missing-from-part"].details == ("b: none in test",)
