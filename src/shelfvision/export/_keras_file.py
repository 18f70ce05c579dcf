"""The ``.keras`` format, for use with Keras itself.

Loading a ``.keras`` file can run code, so `shelfvision.export.Predictor` refuses such files. This
module loads only the file that it has written itself, to verify it.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from shelfvision._keras.backend import backend_name, load_keras
from shelfvision._keras.dtype_policy import float32_policy
from shelfvision._runtime.card import CARD_FILE
from shelfvision._runtime.formats.format import Export, Files, Format, Network, Scores
from shelfvision.protocols import Images


def _recognizes(data: bytes) -> bool:
    return data[:4] == b"PK\x03\x04"


def _read(data: bytes, _: str) -> tuple[bytes, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return data, archive.read(CARD_FILE)


class KerasRunner:
    """Run a ``.keras`` file on the current Keras backend."""

    def __init__(self, export: Export, _: int | None) -> None:
        keras = load_keras()
        self.name = f"keras {keras.__version__} on {backend_name()}"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.keras")
            path.write_bytes(export.graph)
            with float32_policy():
                self._model = keras.saving.load_model(path)

    def __call__(self, images: Images) -> Scores:
        """Return one row of probabilities for each image."""
        scores: Scores = self._model.predict_on_batch(images)
        return scores


def _write(network: Network, _: Images) -> Files:
    model = network.keras_model()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(zipfile.ZipInfo(CARD_FILE), network.card.to_json())
        return Files(path.read_bytes())


FORMAT = Format(
    name="keras",
    title="Keras",
    suffix=".keras",
    recognizes=_recognizes,
    read=_read,
    runtimes={"keras": KerasRunner},
    write=_write,
    write_packages=(),
    calibrated=False,
)
