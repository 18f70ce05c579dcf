"""Writes a classifier as Keras's own file, for those who go on with it in Keras."""

from __future__ import annotations

import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

from shelfvision._keras.backend import backend_name, float32_policy, load_keras
from shelfvision._keras.weights import assign
from shelfvision.errors import ExportError
from shelfvision.export._card import Card
from shelfvision.export._reading import CARD_FILE
from shelfvision.export._runtimes import Scores
from shelfvision.export._source import Source
from shelfvision.protocols import Images


def keras_file(source: Source) -> tuple[bytes, Card]:
    """Return the bytes of a ``.keras`` file with the card in it; calibration stays outside."""
    keras = load_keras()
    card = replace(source.card, calibration_in_graph=False)
    try:
        with float32_policy():
            model = keras.models.clone_model(source.model)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ExportError(
            f"Keras cannot copy the model {source.model.name!r}: {error}; give its layers a "
            "get_config",
            code="not-supported",
        ) from error
    assign(model.weights, [value for _, value in source.pairs])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(zipfile.ZipInfo(CARD_FILE), card.to_json())
        return path.read_bytes(), card


class KerasRunner:
    """Runs a ``.keras`` file that was written a moment ago."""

    def __init__(self, data: bytes) -> None:
        keras = load_keras()
        self.name = f"keras {keras.__version__} on {backend_name()}"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.keras")
            path.write_bytes(data)
            with float32_policy():
                self._model = keras.saving.load_model(path)

    def __call__(self, images: Images) -> Scores:
        """Return a row of numbers for every image."""
        scores: Scores = self._model.predict_on_batch(images)
        return scores
