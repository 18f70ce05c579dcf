"""Compare `Detector` with the packages that trained the detectors, on networks with random weights.

``nox -s detectors`` runs it in an environment of its own, because none of these packages is needed
otherwise. Names after ``--`` select comparisons: ``nox -s detectors -- yolo11n rf-detr``.

Networks with random weights find no products, but their boxes and scores depend on every pixel. The
lowest confidence is chosen so that the referee returns about 60 boxes. For each box of the referee,
the script looks for the nearest box of `Detector` with the same class and score. It prints the
largest distance of any side in pixels of the photo, and the largest difference of a score. A box is
missing if the nearest is more than half a pixel away. The script fails if over 2 % are missing.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

import shelfvision as shv
from shelfvision.export import Detector

Found = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]
"""Corners, scores and class numbers."""
SIZE = 320
IOU = 0.5
ABOUT = 60
FARTHEST = 0.5
"""The largest distance of a side of the same box, in pixels."""
MISSING = 0.02
"""The largest share of boxes that may be missing: of boxes of equal score, either may be kept."""


def photos() -> list[npt.NDArray[np.uint8]]:
    """Return shelf photos of several shapes."""
    sizes = [(320, 320), (480, 640), (601, 417)]
    return [
        shv.samples.render_shelf(3, 5, image_size=size, seed=seed).photo
        for seed, size in enumerate(sizes)
    ]


def compare(name: str, path: str, referee: Callable[[npt.NDArray[np.uint8]], Found]) -> None:
    """Print the differences for all photos."""
    worst_side = worst_score = 0.0
    n_boxes = n_missing = 0
    for photo in photos():
        corners, scores, classes = referee(photo)
        least = float(np.sort(scores)[-ABOUT]) if len(scores) > ABOUT else float(scores.min())
        kept = scores >= least
        corners, scores, classes = corners[kept], scores[kept], classes[kept]
        ours = Detector(path, min_confidence=max(least * 0.98, 0), iou=IOU).detect(photo)
        numbers = Detector(path).class_names
        labels = np.array(
            [numbers.index(str(one)) if numbers else int(str(one)) for one in ours.labels]
        )
        assert ours.scores is not None
        for box, score, number in zip(corners, scores, classes, strict=True):
            rows = np.flatnonzero(labels == number)
            away = np.abs(ours.corners[rows] - box).max(axis=1, initial=0)
            close = np.flatnonzero(np.abs(ours.scores[rows] - score) < 0.05 * max(score, 1e-9))
            n_boxes += 1
            if not len(close) or away[close].min() > FARTHEST:
                n_missing += 1
                continue
            row = close[away[close].argmin()]
            worst_side = max(worst_side, float(away[row]))
            worst_score = max(worst_score, abs(float(ours.scores[rows[row]]) - float(score)))
    print(
        f"{name}: {n_boxes} boxes, {n_missing} missing, sides differ by at most "
        f"{worst_side:.3f} pixels, scores by {worst_score:.2g}",
        flush=True,
    )
    if n_missing > MISSING * n_boxes:
        raise AssertionError(f"{n_missing} of {n_boxes} boxes are missing")


def ultralytics(kind: str, **options: Any) -> None:
    """Compare with Ultralytics' own prediction from the same ONNX file."""
    import_module("torch").manual_seed(0)
    package = import_module("ultralytics")
    load = package.RTDETR if kind.startswith("rtdetr") else package.YOLO
    made = load(f"{kind}.yaml")
    awaken(made.model, enlarge=1 if kind.startswith("rtdetr") else 20)
    path = str(made.export(format="onnx", imgsz=SIZE, opset=17, simplify=False, **options))
    model = load(path)

    def referee(photo: npt.NDArray[np.uint8]) -> Found:
        # Ultralytics takes arrays as BGR.
        found = model.predict(
            photo[..., ::-1].copy(), conf=1e-7, iou=IOU, max_det=3000, imgsz=SIZE, verbose=False
        )[0].boxes
        height, width = photo.shape[:2]
        return (
            # Ultralytics does not clip the boxes of RT-DETR to the photo.
            found.xyxy.numpy().astype(np.float64).clip(0, (width, height, width, height)),
            found.conf.numpy().astype(np.float64),
            found.cls.numpy().astype(np.int64),
        )

    compare(f"Ultralytics {kind} {options or ''}".strip(), path, referee)


def awaken(model: Any, *, enlarge: float) -> None:
    """Fit the normalization layers of a network to photos, and enlarge its class scores.

    Without training, signals vanish on their way through a deep network, and all boxes have the
    same score. Equal scores have no order, so packages would keep other ones of overlapping boxes.
    """
    torch = import_module("torch")
    crops = [photo[:SIZE, :SIZE] for photo in photos() for _ in range(4)]
    batch = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
    model.train()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.5
        for _ in range(6):
            model(batch)
        for name, parameter in model.named_parameters():
            if re.search(r"cv3\.\d\.2\.weight|score_head.*weight|class_embed.*weight", name):
                parameter.mul_(enlarge)
    model.eval()


def hugging_face(folder: Path) -> None:
    """Compare with the network and the image processor of Transformers."""
    torch, package = import_module("torch"), import_module("transformers")
    backbone = package.RTDetrResNetConfig(
        depths=[2, 2, 2, 2],
        layer_type="basic",
        hidden_sizes=[64, 128, 256, 512],
        embedding_size=64,
        out_features=["stage2", "stage3", "stage4"],
    )
    config = package.RTDetrConfig(
        backbone_config=backbone,
        num_labels=5,
        decoder_layers=2,
        num_queries=100,
        encoder_in_channels=[128, 256, 512],
        anchor_image_size=[SIZE, SIZE],
        freeze_backbone_batch_norms=False,
    )
    torch.manual_seed(0)
    model = package.RTDetrForObjectDetection(config)
    awaken(model, enlarge=1)
    processor = package.RTDetrImageProcessor(size={"height": SIZE, "width": SIZE})

    class Plain(torch.nn.Module):  # type: ignore[misc, name-defined]  # no types
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixel_values: Any) -> tuple[Any, Any]:
            found = self.model(pixel_values=pixel_values)
            return found.logits, found.pred_boxes

    path = folder / "hugging-face.onnx"
    torch.onnx.export(
        Plain(),
        (torch.rand(1, 3, SIZE, SIZE),),
        str(path),
        input_names=["pixel_values"],
        output_names=["logits", "pred_boxes"],
        opset_version=18,
        dynamo=False,
    )

    session = import_module("onnxruntime").InferenceSession(str(path))

    def referee(photo: npt.NDArray[np.uint8]) -> Found:
        given = processor(images=photo, return_tensors="pt")
        # The file of the network, because torch and ONNX Runtime may choose other queries where
        # scores are almost equal; the processor before and after it is that of Transformers.
        rows = session.run(None, {"pixel_values": given["pixel_values"].numpy()})
        answer = SimpleNamespace(
            logits=torch.from_numpy(rows[0]), pred_boxes=torch.from_numpy(rows[1])
        )
        found = processor.post_process_object_detection(
            answer, threshold=0.0, target_sizes=[photo.shape[:2]]
        )[0]
        height, width = photo.shape[:2]
        corners = found["boxes"].numpy().astype(np.float64)
        return (
            corners.clip(0, (width, height, width, height)),
            found["scores"].numpy().astype(np.float64),
            found["labels"].numpy().astype(np.int64),
        )

    compare("Transformers RT-DETR", str(path), referee)


def roboflow(folder: Path) -> None:
    """Compare with RF-DETR's own prediction."""
    import_module("torch").manual_seed(0)
    model = import_module("rfdetr").RFDETRNano(pretrain_weights=None, device="cpu")
    exported = model.export(output_dir=str(folder / "rf-detr"), opset_version=17)
    path = str(exported or next((folder / "rf-detr").glob("*.onnx")))

    def referee(photo: npt.NDArray[np.uint8]) -> Found:
        found = model.predict(photo, threshold=1e-7)
        return (
            np.asarray(found.xyxy, dtype=np.float64),
            np.asarray(found.confidence, dtype=np.float64),
            np.asarray(found.class_id, dtype=np.int64),
        )

    compare("RF-DETR nano", path, referee)


def main() -> None:
    """Run all comparisons, or those whose names are given."""
    folder = Path(tempfile.mkdtemp())
    # No package may ask a server, install another one or change settings of the user.
    os.environ.update(HF_HUB_OFFLINE="1", YOLO_OFFLINE="1", YOLO_AUTOINSTALL="false")
    os.environ["YOLO_CONFIG_DIR"] = str(folder)
    os.chdir(folder)
    runs: dict[str, Callable[[], None]] = {
        "yolov8n": lambda: ultralytics("yolov8n"),
        "yolo11n": lambda: ultralytics("yolo11n"),
        "dynamic": lambda: ultralytics("yolo11n", dynamic=True),
        "yolov10n": lambda: ultralytics("yolov10n", nms=False),
        "yolo26n": lambda: ultralytics("yolo26n", nms=False),
        "rtdetr": lambda: ultralytics("rtdetr-resnet50"),
        "hugging-face": lambda: hugging_face(folder),
        "rf-detr": lambda: roboflow(folder),
    }
    failed = []
    for name in sys.argv[1:] or runs:
        try:
            runs[name]()
        except Exception:  # noqa: BLE001  (the other comparisons still run)
            traceback.print_exc()
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
