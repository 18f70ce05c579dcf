"""LiteRT files: a network with a zip file appended to it, which contains the card and the labels.

LiteRT reads the network and ignores the rest. Any zip reader can open the appended part.
"""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Iterator

import numpy as np

from shelfvision._runtime.card import CARD_FILE, MAX_CARD, Card
from shelfvision._runtime.formats.format import (
    PURPOSE,
    Export,
    Files,
    Foreign,
    Format,
    Network,
    Scores,
    export_refusal,
    loaded,
    refuse_export,
    require_fit,
    sizes_of,
)
from shelfvision._validation import import_extra
from shelfvision.errors import BundleError
from shelfvision.protocols import Images

LABELS_FILE = "labels.txt"
"""The member of the zip file that lists the class names, one per line."""
_MAX_TAIL = 2 * MAX_CARD
_END = 22  # bytes of the record that ends a zip file without a comment
_BATCHES = (32, 8, 1)


def _recognizes(data: bytes) -> bool:
    return data[4:8] == b"TFL3"


def _read(data: bytes, where: str) -> tuple[bytes, bytes]:
    """Return the network and the card that is appended to it."""
    # The zip file has two members and no comment, so a large directory is never parsed.
    end = data[-_END:]
    if end[:4] != b"PK\x05\x06" or end[8:12] != b"\x02\x00\x02\x00":
        return data, b""
    tail = data[-_MAX_TAIL:]
    try:
        with zipfile.ZipFile(io.BytesIO(tail)) as archive:
            members = archive.infolist()
            sound = [member.filename for member in members] == [CARD_FILE, LABELS_FILE] and all(
                member.compress_type == zipfile.ZIP_STORED for member in members
            )
            if not sound or members[0].file_size > MAX_CARD:
                refuse_export(where, "the zip file appended to it is not one of shelfvision")
            start = len(data) - len(tail) + members[0].header_offset
            return data[:start], archive.read(members[0])
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, BundleError):
            raise
        raise export_refusal(where, "what is appended to it is damaged") from error


class LiteRT:
    """Run a LiteRT file on the CPU."""

    def __init__(self, export: Export, threads: int | None) -> None:
        litert = import_extra("ai_edge_litert.interpreter", extra="litert", purpose=PURPOSE)
        package = import_extra("ai_edge_litert", extra="litert", purpose=PURPOSE)
        self.name = f"ai-edge-litert {getattr(package, '__version__', '')}".strip()
        self._make: Callable[[], Foreign] = lambda: litert.Interpreter(
            model_content=export.graph, num_threads=threads
        )
        self._idle: dict[int, list[Foreign]] = {size: [] for size in _BATCHES}
        first = loaded(self._make, export)
        signature = first.get_signature_list().get("serving_default", {})
        takes, gives = (
            [
                (name, np.dtype(port["dtype"]).name, sizes_of(port["shape_signature"].tolist()))
                for name, port in zip(signature.get(side, []), some, strict=False)
            ]
            for side, some in (
                ("inputs", first.get_input_details()),
                ("outputs", first.get_output_details()),
            )
        )
        require_fit(export, takes, gives, ("uint8", "float32"))
        self._width = len(export.card.class_names)
        self._lock = threading.Lock()
        self(np.zeros((1, *export.card.image_size, 3), dtype=np.uint8))

    def __call__(self, images: Images) -> Scores:
        """Return one row of probabilities for each image."""
        rows = np.empty((len(images), self._width), dtype=np.float32)
        start = 0
        while start < len(images):
            rest = len(images) - start
            size = next(size for size in _BATCHES if size <= rest)
            rows[start : start + size] = self._batch(images[start : start + size])
            start += size
        return rows

    def _batch(self, images: Images) -> Scores:
        """Run a batch with the interpreter for its size, one thread at a time."""
        idle = self._idle[len(images)]
        try:
            interpreter = idle.pop()
        except IndexError:
            interpreter = self._prepared(images.shape)
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images)
        interpreter.invoke()
        index = interpreter.get_output_details()[0]["index"]
        scores: Scores = interpreter.get_tensor(index)
        idle.append(interpreter)
        return scores

    def _prepared(self, shape: tuple[int, ...]) -> Foreign:
        with self._lock:
            interpreter = self._make()
            index = interpreter.get_input_details()[0]["index"]
            interpreter.resize_tensor_input(index, shape)
            interpreter.allocate_tensors()
            return interpreter


def _write(network: Network, images: Images) -> Files:
    traced, card = network.traced(), network.card
    tf = traced.tensorflow
    holder = tf.Module()
    holder.program = traced.function
    concrete = traced.function.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], holder)
    if card.quantize is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if card.quantize == "int8":

        def representative() -> Iterator[list[Images]]:
            return ([images[row : row + 1]] for row in range(len(images)))

        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    data: bytes = converter.convert()
    return Files(data + _appended(card))


def _appended(card: Card) -> bytes:
    """Return the zip file that is appended to the network, deterministic for each card."""
    buffer = io.BytesIO()
    labels = "".join(f"{name}\n" for name in card.class_names)
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in ((CARD_FILE, card.to_json()), (LABELS_FILE, labels)):
            archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


FORMAT = Format(
    name="litert",
    title="LiteRT",
    suffix=".tflite",
    recognizes=_recognizes,
    read=_read,
    runtimes={"litert": LiteRT},
    write=_write,
    write_packages=("tensorflow", "ai_edge_litert"),
    quantize={"dynamic": False, "int8": True},
)
