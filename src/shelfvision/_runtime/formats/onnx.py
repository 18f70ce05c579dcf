"""ONNX files: run by ONNX Runtime or OpenVINO, written by tf2onnx."""

from __future__ import annotations

import numpy as np

from shelfvision._runtime._onnx_check import onnx_metadata
from shelfvision._runtime._onnx_session import bounded_session, memory_reason, shrinking_run
from shelfvision._runtime.card import ENTRY, INPUT
from shelfvision._runtime.formats._onnx_graph import onnx_graph
from shelfvision._runtime.formats.format import (
    PURPOSE,
    Export,
    Files,
    Format,
    Network,
    Scores,
    error_line,
    loaded,
    require_fit,
    sizes_of,
)
from shelfvision._runtime.formats.openvino import OpenVINO
from shelfvision._validation import counted, import_extra
from shelfvision.errors import ModelError
from shelfvision.protocols import Images


def _recognizes(data: bytes) -> bool:
    # A bundle starts with a length, whose first byte may be 8 as well, followed by JSON.
    return data[:1] == b"\x08" and data[8:9] != b"{"


def _read(data: bytes, where: str) -> tuple[bytes, bytes]:
    return data, onnx_metadata(data, where).get(ENTRY, b"")


class OnnxRuntime:
    """Run an ONNX file in ONNX Runtime on the CPU."""

    def __init__(self, export: Export, threads: int | None) -> None:
        onnxruntime = import_extra("onnxruntime", extra="onnx", purpose=PURPOSE)
        self.name = f"onnxruntime {onnxruntime.__version__}"
        session = loaded(
            lambda: bounded_session(onnxruntime, export.graph, threads), export, _reason
        )
        takes = [(x.name, x.type, sizes_of(x.shape)) for x in session.get_inputs()]
        gives = [(x.name, x.type, sizes_of(x.shape)) for x in session.get_outputs()]
        require_fit(export, takes, gives, ("tensor(uint8)", "tensor(float)"))
        self._run, self._where = session.run, export.where
        self._shrinking = shrinking_run(onnxruntime)
        # Run one image, so that a graph that fails or exceeds the memory limit is refused now.
        self._blank = np.zeros((1, *export.card.image_size, 3), dtype=np.uint8)
        loaded(lambda: self._run(None, {INPUT: self._blank}), export, _reason)

    def __call__(self, images: Images) -> Scores:
        """Return one row of probabilities for each image."""
        try:
            return self._scores(images)
        except Exception as error:
            raise ModelError(
                f"{self._where} cannot compute {counted(len(images), 'image')} at once: "
                f"{_reason(error)}; pass fewer images, from fewer threads",
                code="cannot-compute",
            ) from error

    def _scores(self, images: Images) -> Scores:
        try:
            scores: Scores = self._run(None, {INPUT: images})[0]
        except Exception as error:
            if memory_reason(error) is None:
                raise
            self._run(None, {INPUT: self._blank}, self._shrinking)
            scores = self._run(None, {INPUT: images})[0]
        return scores


def _reason(error: Exception) -> str:
    return memory_reason(error) or error_line(error)


def _write(network: Network, _: Images) -> Files:
    proto = onnx_graph(network.traced())
    onnx = import_extra("onnx", extra="export", purpose="export to ONNX")
    onnx.checker.check_model(proto)
    entry = proto.metadata_props.add()
    entry.key, entry.value = ENTRY, network.card.to_json()
    proto.producer_name = ENTRY
    return Files(proto.SerializeToString(deterministic=True))


FORMAT = Format(
    name="onnx",
    title="ONNX",
    suffix=".onnx",
    recognizes=_recognizes,
    read=_read,
    runtimes={"onnxruntime": OnnxRuntime, "openvino": OpenVINO},
    write=_write,
    write_packages=("tensorflow", "onnx", "tf2onnx", "onnxruntime"),
)
