"""Turns the graph of a classifier into the bytes of a file: ONNX, LiteRT, OpenVINO."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from shelfvision._keras.backend import untouched
from shelfvision._validation import import_extra
from shelfvision.errors import ExportError
from shelfvision.export._card import ENTRY, Card
from shelfvision.export._graph import Graph, traced
from shelfvision.export._reading import appended_zip
from shelfvision.export._source import Source
from shelfvision.protocols import Images

# Objects of packages that have no types.
Foreign: TypeAlias = Any

OPSET = 18
"""The version of ONNX's operators that is written."""
Files: TypeAlias = tuple[bytes, bytes]
"""A file, and the one beside it that only OpenVINO has."""


def written(source: Source, *, format: str, quantize: str | None, images: Images) -> Files:  # noqa: A002  (the public name)
    """Return the bytes of an exported file; needs the tensorflow backend."""
    with untouched():
        graph = traced(source, quantize=quantize)
        if format == "litert":
            return _litert(graph, images), b""
        proto = _onnx_proto(graph)
        if format == "onnx":
            return _onnx(proto, graph.card), b""
        return _openvino(proto, graph.card)


def _onnx_proto(graph: Graph) -> Foreign:
    import_extra("onnx", extra="export", purpose="export to ONNX")
    tf2onnx = import_extra("tf2onnx", extra="export", purpose="export to ONNX")
    proto, _ = tf2onnx.convert.from_function(
        graph.function, input_signature=graph.signature, opset=OPSET
    )
    for port in (*proto.graph.input, *proto.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "n"
    opset = next(x.version for x in proto.opset_import if x.domain in ("", "ai.onnx"))
    if opset != OPSET:
        raise ExportError(
            f"tf2onnx wrote operators of version {opset} instead of {OPSET}; run: "
            'pip install --upgrade "shelfvision[export]"',
            code="wrong-version",
        )
    return proto


def _onnx(proto: Foreign, card: Card) -> bytes:
    onnx = import_extra("onnx", extra="export", purpose="export to ONNX")
    onnx.checker.check_model(proto)
    entry = proto.metadata_props.add()
    entry.key, entry.value = ENTRY, card.to_json()
    proto.producer_name = ENTRY
    data: bytes = proto.SerializeToString(deterministic=True)
    return data


def _openvino(proto: Foreign, card: Card) -> Files:
    openvino = import_extra("openvino", extra="openvino", purpose="export to OpenVINO")
    model = openvino.Core().read_model(model=proto.SerializeToString())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.xml")
        _save_openvino(openvino, model, path)
        weights = path.with_suffix(".bin").read_bytes()
        # The weights are the same with the card in the file, which names their digest.
        card = replace(card, weights_sha256=hashlib.sha256(weights).hexdigest())
        model.set_rt_info(card.to_json(), ENTRY)
        _save_openvino(openvino, model, path)
        return path.read_bytes(), path.with_suffix(".bin").read_bytes()


def _save_openvino(openvino: Foreign, model: Foreign, path: Path) -> None:
    openvino.save_model(model, os.fspath(path), compress_to_fp16=False)


def _litert(graph: Graph, images: Images) -> bytes:
    tf = import_extra("tensorflow", extra="export", purpose="export to LiteRT")
    holder = tf.Module()
    holder.program = graph.function
    concrete = graph.function.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], holder)
    if graph.card.quantize is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if graph.card.quantize == "int8":

        def representative() -> Iterator[list[Images]]:
            return ([images[row : row + 1]] for row in range(len(images)))

        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    data: bytes = converter.convert()
    return data + appended_zip(graph.card)
