"""OpenVINO files: an ``.xml`` with the graph and a ``.bin`` with the weights, run by OpenVINO."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import numpy as np

from shelfvision._runtime.card import ENTRY
from shelfvision._runtime.formats._onnx_graph import onnx_graph
from shelfvision._runtime.formats.format import (
    PURPOSE,
    Export,
    Files,
    Foreign,
    Format,
    Network,
    Port,
    Scores,
    export_refusal,
    loaded,
    refuse_export,
    require_fit,
)
from shelfvision._validation import import_extra
from shelfvision.protocols import Images


def _recognizes(data: bytes) -> bool:
    return data.lstrip()[:5] in (b"<?xml", b"<net ")


def _read(data: bytes, where: str) -> tuple[bytes, bytes]:
    """Return the graph and the card, which is in the ``rt_info`` of the model."""
    try:
        text = data.decode("utf-8")
        if "<!" in text:
            refuse_export(
                where, "it declares a document type, which OpenVINO never writes", "document-type"
            )
        root = ET.fromstring(text)  # noqa: S314  (no entities, as was checked)
    except (ET.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise export_refusal(where, "it is not well-formed XML", "not-xml") from error
    entries = [element.get("value", "") for element in root.iterfind(f"rt_info/{ENTRY}")]
    return data, entries[0].encode() if len(entries) == 1 else b""


class OpenVINO:
    """Run OpenVINO and ONNX files in OpenVINO on the CPU."""

    def __init__(self, export: Export, threads: int | None) -> None:
        openvino = import_extra("openvino", extra="openvino", purpose=PURPOSE)
        self.name = f"openvino {openvino.__version__.partition('-')[0]}"
        settings: dict[str, object] = {"PERFORMANCE_HINT": "LATENCY"}
        # By default OpenVINO computes in half precision on processors that support it.
        settings["INFERENCE_PRECISION_HINT"] = "f32"
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        self._model = loaded(lambda: _compiled(openvino, export, settings), export)
        takes = [_port(port) for port in self._model.inputs]
        gives = [_port(port) for port in self._model.outputs]
        require_fit(export, takes, gives, ("u8", "f32"))
        self._request = self._model.create_infer_request()
        self._lock = threading.Lock()

    def __call__(self, images: Images) -> Scores:
        """Return one row of probabilities for each image."""
        # One call uses all cores, so the lock costs nothing. `start_async` runs in a thread of
        # OpenVINO, which may keep state for each calling thread after that thread has ended.
        with self._lock:
            self._request.start_async([np.ascontiguousarray(images)])
            self._request.wait()
            scores: Scores = np.array(self._request.get_output_tensor(0).data)
        return scores


def _compiled(openvino: ModuleType, export: Export, settings: dict[str, object]) -> Foreign:
    core = openvino.Core()
    if export.beside:
        weights = openvino.Tensor(np.frombuffer(export.beside, dtype=np.uint8))
        model = core.read_model(model=export.graph, weights=weights)
    else:
        model = core.read_model(model=export.graph)
    return core.compile_model(model, "CPU", settings)


def _port(port: Foreign) -> Port:
    sizes = tuple(None if side.is_dynamic else side.get_length() for side in port.partial_shape)
    names = port.get_names()
    return next(iter(sorted(names)), ""), port.element_type.get_type_name(), sizes


def _write(network: Network, _: Images) -> Files:
    openvino = import_extra("openvino", extra="openvino", purpose="export to OpenVINO")
    proto = onnx_graph(network.traced())
    model = openvino.Core().read_model(model=proto.SerializeToString())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.xml")
        _save(openvino, model, path)
        weights = path.with_suffix(".bin").read_bytes()
        # Saving twice writes the same weights; the second time the card contains their digest.
        card = replace(network.card, weights_sha256=hashlib.sha256(weights).hexdigest())
        model.set_rt_info(card.to_json(), ENTRY)
        _save(openvino, model, path)
        return Files(path.read_bytes(), path.with_suffix(".bin").read_bytes())


def _save(openvino: ModuleType, model: Foreign, path: Path) -> None:
    openvino.save_model(model, os.fspath(path), compress_to_fp16=False)


FORMAT = Format(
    name="openvino",
    title="OpenVINO",
    suffix=".xml",
    beside=".bin",
    recognizes=_recognizes,
    read=_read,
    runtimes={"openvino": OpenVINO},
    write=_write,
    write_packages=("tensorflow", "onnx", "tf2onnx", "openvino"),
    extra="export,openvino",
)
