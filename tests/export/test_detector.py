"""`Detector` runs the detectors of other packages.

tests/export/golden/detectors/make.py wrote the files. Each file finds the box around the pure red,
the pure green and the pure blue pixels, with the scores 0.9, 0.8 and 0.7.
"""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage

import shelfvision as shv
from shelfvision._photos.given import Photo
from shelfvision.errors import (
    BundleError,
    BundleNotFoundError,
    InvalidParameterError,
    ModelError,
    PhotoNotFoundError,
)
from shelfvision.export import Detector
from support import refuses

from .conftest import require

GOLDEN = Path(__file__).parent / "golden" / "detectors"
LAYOUTS = {
    "rf-detr": "rf-detr",
    "rt-detr": "rt-detr",
    "rt-detr-old": "rt-detr",
    "rt-detr-ultralytics": "rt-detr",
    "yolo": "yolo",
    "yolo-dynamic": "yolo",
    "yolo-end-to-end": "yolo-end-to-end",
    "yolo-rows": "yolo",
    "yolov5": "yolov5",
}
NAMES = ("red can", "green's jar", "blue box")
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)

Box = tuple[int, int, int, int]
Pixels = npt.NDArray[np.uint8]

# Only warnings of our own code, such as those of NumPy about NaN.
pytestmark = pytest.mark.filterwarnings("error:::shelfvision")


@pytest.fixture(autouse=True)
def _runtime() -> None:
    require("onnxruntime")


def painted(size: tuple[int, int], *boxes: tuple[tuple[int, int, int], Box]) -> Pixels:
    """Return a light photo with boxes in pure colours."""
    photo = np.full((*size, 3), 220, dtype=np.uint8)
    for colour, (left, top, right, bottom) in boxes:
        photo[top:bottom, left:right] = colour
    return photo


def detector(name: str, **arguments: object) -> Detector:
    return Detector(GOLDEN / f"{name}.onnx", **arguments)  # type: ignore[arg-type]


def rounded(boxes: shv.Boxes) -> list[list[float]]:
    found: list[list[float]] = boxes.corners.round(2).tolist()
    return found


def encoded(photo: Pixels, orientation: int = 1) -> bytes:
    file = io.BytesIO()
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    PillowImage.fromarray(photo).save(file, "PNG", exif=exif)
    return file.getvalue()


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_recognized_and_gives_boxes_to_the_pixel(name: str) -> None:
    one = detector(name, class_names=NAMES if name == "rt-detr" else None)
    boxes = one.detect(painted((64, 64), (RED, (5, 10, 25, 30)), (GREEN, (40, 2, 51, 63))))
    assert one.layout == LAYOUTS[name]
    assert one.class_names == NAMES
    assert boxes.labels == ("red can", "green's jar")
    assert rounded(boxes) == [[5, 10, 25, 30], [40, 2, 51, 63]]
    assert boxes.scores is not None
    np.testing.assert_allclose(boxes.scores, [0.9, 0.8], rtol=1e-5)
    assert boxes.image_size == (64, 64)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_photo_without_products_has_no_boxes(name: str) -> None:
    boxes = detector(name).detect(painted((64, 64)))
    assert (len(boxes), boxes.image_size) == (0, (64, 64))


@pytest.mark.parametrize("name", ["yolo", "yolo-dynamic", "rt-detr-ultralytics", "rf-detr"])
def test_boxes_of_a_photo_of_another_size_are_in_its_pixels(name: str) -> None:
    # Half the size is exact; all edges are on even pixels.
    boxes = detector(name).detect(painted((128, 128), (BLUE, (20, 40, 60, 126))))
    assert rounded(boxes) == [[20, 40, 60, 126]]


@pytest.mark.parametrize("size", [(48, 64), (64, 32), (61, 64), (64, 37)])
def test_letterboxing_is_undone_exactly(size: tuple[int, int]) -> None:
    box = (3, 7, 29, 31)
    for name in ("yolo", "yolo-dynamic", "yolo-end-to-end", "yolov5"):
        assert rounded(detector(name).detect(painted(size, (RED, box)))) == [list(box)]


def test_each_axis_has_its_own_exact_scale() -> None:
    # 640 x 301 pixels become 64 x 30: the factors are 0.1 and 30/301, not twice 0.1.
    boxes = detector("yolo").detect(painted((301, 640), (RED, (0, 0, 640, 301))))
    assert rounded(boxes) == [[0, 0, 640, 301]]


def test_a_network_of_variable_size_gets_little_padding() -> None:
    seen: list[tuple[int, ...]] = []
    one = detector("yolo-dynamic", image_size=(640, 640))
    run = one._network.session.run

    class Session:
        def run(self, names: object, given: dict[str, Pixels], *more: object) -> object:
            seen.extend(one.shape for one in given.values())
            return run(names, given, *more)

    object.__setattr__(one._network, "session", Session())
    boxes = one.detect(painted((360, 640), (RED, (100, 100, 300, 200))))
    assert seen == [(1, 3, 384, 640)]
    assert rounded(boxes) == [[100, 100, 300, 200]]


def test_the_worse_of_two_boxes_of_a_product_is_removed() -> None:
    photo = painted((64, 64), (RED, (5, 10, 25, 30)))
    assert len(detector("yolo").detect(photo)) == 1
    both = detector("yolo", iou=1).detect(photo)
    assert rounded(both) == [[5, 10, 25, 30], [6, 10, 26, 30]]
    assert both.scores is not None
    np.testing.assert_allclose(both.scores, [0.9, 0.81], rtol=1e-5)


def test_boxes_below_the_lowest_confidence_are_left_out() -> None:
    photo = painted((64, 64), (RED, (5, 10, 25, 30)), (BLUE, (40, 2, 50, 30)))
    for name in ("yolo", "yolo-end-to-end", "rt-detr-ultralytics", "rf-detr"):
        assert detector(name, min_confidence=0.8).detect(photo).labels == ("red can",)


def test_without_names_in_the_file_labels_are_numbers() -> None:
    one = detector("rt-detr")
    photo = painted((64, 64), (GREEN, (5, 10, 25, 30)))
    assert (one.class_names, one.detect(photo).labels) == ((), ("1",))
    named = detector("rt-detr", class_names={"can": 0, "jar": 1, "box": 2})
    assert named.detect(photo).labels == ("jar",)


def test_the_background_column_of_rf_detr_is_no_class() -> None:
    named = detector("rf-detr", class_names=["a", "b", "c"])
    assert named.detect(painted((64, 64), (BLUE, (5, 10, 25, 30)))).labels == ("c",)


def test_boxes_refer_to_the_upright_photo() -> None:
    upright = painted((64, 48), (RED, (5, 10, 25, 30)))
    stored = encoded(np.rot90(upright), orientation=6)
    boxes = detector("yolo").detect(stored)
    assert (boxes.image_size, rounded(boxes)) == ((64, 48), [[5, 10, 25, 30]])


def test_photos_are_paths_bytes_pixels_and_pil_images(tmp_path: Path) -> None:
    photo = painted((64, 64), (RED, (5, 10, 25, 30)))
    (tmp_path / "shelf.png").write_bytes(encoded(photo))
    one = detector("yolo")
    given: list[Photo] = [str(tmp_path / "shelf.png"), tmp_path / "shelf.png", encoded(photo)]
    for kind in (*given, photo, PillowImage.fromarray(photo)):
        assert rounded(one.detect(kind)) == [[5, 10, 25, 30]]
    with refuses(PhotoNotFoundError, "not-found"):
        one.detect(tmp_path / "missing.png")
    with refuses(InvalidParameterError, "wrong-type", "photo"):
        one.detect([photo])  # type: ignore[arg-type]


class TestTiles:
    """Large photos are detected in overlapping tiles."""

    def test_a_product_in_the_overlap_is_found_once_and_whole(self) -> None:
        photo = painted((64, 160), (RED, (50, 10, 62, 40)))
        for name in ("yolo", "yolo-end-to-end", "rf-detr"):
            boxes = detector(name, tile=64, overlap=0.5).detect(photo)
            assert rounded(boxes) == [[50, 10, 62, 40]]

    def test_a_small_product_needs_tiles(self) -> None:
        # 4 pixels of 640 vanish in an input of 64 pixels.
        photo = painted((640, 640), (BLUE, (300, 500, 304, 504)))
        assert len(detector("yolo").detect(photo)) == 0
        assert rounded(detector("yolo", tile=64).detect(photo)) == [[300, 500, 304, 504]]

    def test_a_piece_is_dropped_where_another_tile_sees_the_whole(self) -> None:
        # Tiles of 64 start at 0, 48, 96; the box is cut by the first and whole in the second.
        photo = painted((64, 160), (GREEN, (52, 5, 90, 60)))
        boxes = detector("yolo", tile=64).detect(photo)
        assert rounded(boxes) == [[52, 5, 90, 60]]

    @pytest.mark.parametrize("box", [(10, 5, 150, 60), (0, 20, 300, 30), (100, 0, 107, 64)])
    def test_a_product_larger_than_the_overlap_is_put_together(self, box: Box) -> None:
        photo = painted((64, 300), (RED, box))
        assert rounded(detector("yolo", tile=64).detect(photo)) == [list(box)]

    def test_a_product_over_four_tiles_is_one_box(self) -> None:
        photo = painted((200, 200), (RED, (20, 30, 180, 190)))
        assert rounded(detector("yolo", tile=64).detect(photo)) == [[20, 30, 180, 190]]

    def test_products_of_several_tiles_stay_apart(self) -> None:
        places: list[Box] = [(10, 10, 30, 40), (150, 20, 170, 50), (300, 8, 340, 60)]
        photo = painted((64, 384), *((RED, box) for box in places))
        found = detector("yolo", tile=64).detect(photo)
        assert sorted(rounded(found)) == [list(box) for box in places]

    def test_a_small_photo_is_one_tile(self) -> None:
        photo = painted((40, 30), (RED, (5, 10, 25, 30)))
        assert rounded(detector("yolo", tile=640).detect(photo)) == [[5, 10, 25, 30]]

    def test_too_many_tiles_are_refused(self) -> None:
        with refuses(InvalidParameterError, "too-large", "tile"):
            detector("yolo", tile=8).detect(painted((600, 600)))


class TestRegions:
    """A detector takes the place of boxes in `predict_regions`."""

    PHOTO = painted((64, 64), (RED, (5, 10, 25, 30)), (GREEN, (40, 2, 51, 63)))

    def test_regions_of_a_detector_are_those_of_its_boxes(self, classifier: shv.Classifier) -> None:
        one = detector("yolo")
        found = classifier.predict_regions(self.PHOTO, one)
        given = classifier.predict_regions(self.PHOTO, one.detect(self.PHOTO))
        np.testing.assert_array_equal(found.probabilities, given.probabilities)
        assert found.boxes.labels == ("red can", "green's jar")
        assert found.boxes.scores is not None
        assert len(found) == 2

    def test_a_rotated_photo_is_detected_upright(self, classifier: shv.Classifier) -> None:
        stored = encoded(np.rot90(self.PHOTO), orientation=6)
        found = classifier.predict_regions(stored, detector("yolo"))
        upright = classifier.predict_regions(self.PHOTO, detector("yolo"))
        np.testing.assert_array_equal(found.probabilities, upright.probabilities)

    def test_any_object_that_detects_is_a_detector(self, classifier: shv.Classifier) -> None:
        class Own:
            def detect(self, photo: Pixels) -> shv.Boxes:
                assert photo.shape == (64, 64, 3)
                return shv.Boxes([[0.0, 0.0, 0.5, 0.5]], relative=True)

        found = classifier.predict_regions(encoded(self.PHOTO), Own())
        assert found.boxes.corners.tolist() == [[0, 0, 32, 32]]

    def test_a_photo_without_products_has_no_regions(self, classifier: shv.Classifier) -> None:
        found = classifier.predict_regions(painted((64, 64)), detector("yolo"))
        assert (len(found), sum(found.counts.values())) == (0, 0)

    def test_a_detector_gets_the_upright_photo(self, classifier: shv.Classifier) -> None:
        with refuses(InvalidParameterError, "conflict", "as_stored"):
            classifier.predict_regions(self.PHOTO, detector("yolo"), as_stored=True)


class TestArguments:
    """What does not fit the file is refused, with a remedy that works."""

    def test_another_layout_is_refused(self) -> None:
        with refuses(InvalidParameterError, "inconsistent", "layout") as caught:
            detector("yolo", layout="rt-detr")
        assert "pass layout='yolo'" in str(caught.value)
        assert detector("yolo", layout="yolo").layout == "yolo"

    def test_an_unknown_layout_is_refused(self) -> None:
        with refuses(InvalidParameterError, "not-an-option", "layout"):
            detector("yolo", layout="ssd")

    @pytest.mark.parametrize("name", ["yolo", "rt-detr", "rf-detr", "rt-detr-old"])
    def test_too_few_class_names_are_refused(self, name: str) -> None:
        with refuses(InvalidParameterError, "wrong-length", "class_names"):
            detector(name, class_names=["product"])

    @pytest.mark.parametrize("name", ["yolo-end-to-end", "rt-detr-ultralytics"])
    def test_a_file_with_numbers_needs_a_name_for_each_class_it_finds(self, name: str) -> None:
        one = detector(name, class_names=["red can"])
        with refuses(ModelError, "unknown-class"):
            one.detect(painted((64, 64), (BLUE, (5, 10, 25, 30))))

    def test_the_size_of_a_fixed_input_cannot_be_changed(self) -> None:
        with refuses(InvalidParameterError, "conflict", "image_size"):
            detector("yolo", image_size=(640, 640))

    @pytest.mark.remedy("ambiguous")
    def test_a_file_of_any_size_must_name_its_own(self, tmp_path: Path) -> None:
        path = tmp_path / "any.onnx"
        path.write_bytes((GOLDEN / "yolo-dynamic.onnx").read_bytes().replace(b"imgsz", b"other"))
        with refuses(InvalidParameterError, "ambiguous", "image_size") as caught:
            Detector(path)
        assert "image_size=(640, 640)" in str(caught.value)
        assert Detector(path, image_size=(640, 640)).image_size == (640, 640)

    @pytest.mark.parametrize(
        ("arguments", "parameter"),
        [
            ({"min_confidence": 1.5}, "min_confidence"),
            ({"iou": -0.1}, "iou"),
            ({"tile": 3}, "tile"),
            ({"overlap": 0.95}, "overlap"),
            ({"threads": 0}, "threads"),
        ],
    )
    def test_numbers_have_bounds(self, arguments: dict[str, object], parameter: str) -> None:
        with refuses(InvalidParameterError, "not-in-range", parameter):
            detector("yolo", **arguments)

    def test_only_the_file_with_the_digest_is_opened(self) -> None:
        digest = detector("yolo").sha256
        assert detector("yolo", expected_sha256=digest).sha256 == digest
        with refuses(BundleError, "wrong-digest", "expected_sha256"):
            detector("yolov5", expected_sha256=digest)

    def test_a_missing_file_is_not_found(self, tmp_path: Path) -> None:
        with refuses(BundleNotFoundError, "not-found", "path"):
            Detector(tmp_path / "none.onnx")


def test_a_detector_shows_itself() -> None:
    assert repr(detector("yolo")) == "<Detector: yolo, 3 classes, 64 x 64>"
    assert repr(detector("rt-detr")) == "<Detector: rt-detr, 64 x 64>"


def test_a_detector_is_pickled_by_its_path() -> None:
    photo = painted((64, 160), (RED, (50, 10, 62, 40)))
    one = detector("yolo", tile=64, overlap=0.4, min_confidence=0.5, class_names=["a", "b", "c"])
    copy = pickle.loads(pickle.dumps(one))
    assert copy.detect(photo).labels == one.detect(photo).labels == ("a",)
    assert rounded(copy.detect(photo)) == rounded(one.detect(photo))


def test_a_fork_refuses_to_detect(monkeypatch: pytest.MonkeyPatch) -> None:
    one = detector("yolo")
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with refuses(ModelError, "forked"):
        one.detect(painted((64, 64)))


def test_detecting_imports_neither_keras_nor_a_backend() -> None:
    code = (
        "import sys, numpy as np\n"
        "from shelfvision.export import Detector\n"
        f"Detector({str(GOLDEN / 'yolo.onnx')!r}).detect(np.zeros((64, 64, 3), np.uint8))\n"
        "print(sorted({'keras', 'tensorflow', 'jax', 'torch', 'onnx'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
