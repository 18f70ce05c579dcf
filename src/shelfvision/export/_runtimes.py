"""Runs the graph of an exported file with the runtime that knows it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision._validation import counted, import_extra
from shelfvision.errors import BundleError, ModelError
from shelfvision.export._bounded import bounded_session, giving_back, most_memory
from shelfvision.export._card import INPUT, OUTPUT
from shelfvision.export._reading import Export
from shelfvision.protocols import Images

Scores: TypeAlias = npt.NDArray[np.float32]
# The runtimes' own objects, which have no types.
Foreign: TypeAlias = Any

_PURPOSE = "predicting with an exported file"
_BATCHES = (32, 8, 1)
# What ONNX Runtime's message names when there is no more room.
_FULL = "bfc_arena"


class Runner(Protocol):
    """Runs a graph; may be called from any number of threads."""

    @property
    def name(self) -> str:
        """The runtime and its version."""
        ...

    def __call__(self, images: Images) -> Scores:
        """Return a row of numbers for every image, at least one, of the graph's own size."""
        ...


def runner_for(export: Export, runtime: str, threads: int | None) -> Runner:
    """Return what runs a file, or refuse a file that does not fit its own description."""
    makers: dict[str, Callable[[Export, int | None], Runner]] = {
        "onnxruntime": _OnnxRuntime,
        "litert": _LiteRT,
        "openvino": _OpenVINO,
    }
    return makers[runtime](export, threads)


class _OnnxRuntime:
    """ONNX Runtime on the CPU."""

    def __init__(self, export: Export, threads: int | None) -> None:
        onnxruntime = import_extra("onnxruntime", extra="onnx", purpose=_PURPOSE)
        self.name = f"onnxruntime {onnxruntime.__version__}"
        session = _loaded(lambda: bounded_session(onnxruntime, export.graph, threads), export)
        takes = [(x.name, x.type, _sizes(x.shape)) for x in session.get_inputs()]
        gives = [(x.name, x.type, _sizes(x.shape)) for x in session.get_outputs()]
        _require_fit(export, takes, gives, ("tensor(uint8)", "tensor(float)"))
        self._run, self._where = session.run, export.where
        self._giving_back = giving_back(onnxruntime)
        # A graph that cannot be computed, or not in the memory that it may take, is told now.
        self._blank = np.zeros((1, *export.card.image_size, 3), dtype=np.uint8)
        _loaded(lambda: self._run(None, {INPUT: self._blank}), export)

    def __call__(self, images: Images) -> Scores:
        try:
            return self._scores(images)
        except Exception as error:
            raise ModelError(
                f"{self._where} cannot compute {counted(len(images), 'image')} at once: "
                f"{_reason(error)}; give fewer, from fewer threads",
                code="cannot-compute",
            ) from error

    def _scores(self, images: Images) -> Scores:
        try:
            scores: Scores = self._run(None, {INPUT: images})[0]
        except Exception as error:
            if _FULL not in str(error):
                raise
            self._run(None, {INPUT: self._blank}, self._giving_back)
            scores = self._run(None, {INPUT: images})[0]
        return scores


class _OpenVINO:
    """OpenVINO on the CPU, for its own files and for ONNX files."""

    def __init__(self, export: Export, threads: int | None) -> None:
        openvino = import_extra("openvino", extra="openvino", purpose=_PURPOSE)
        self.name = f"openvino {openvino.__version__.partition('-')[0]}"
        core = openvino.Core()
        settings: dict[str, object] = {"PERFORMANCE_HINT": "LATENCY"}
        # Its default on processors that can is to compute in half precision.
        settings["INFERENCE_PRECISION_HINT"] = "f32"
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        self._model = _loaded(lambda: _compiled(openvino, core, export, settings), export)
        takes = [_openvino_port(port) for port in self._model.inputs]
        gives = [_openvino_port(port) for port in self._model.outputs]
        _require_fit(export, takes, gives, ("u8", "f32"))
        self._request = self._model.create_infer_request()
        self._lock = threading.Lock()

    def __call__(self, images: Images) -> Scores:
        # One call uses all cores, so taking turns costs nothing. The work is done in a thread of
        # OpenVINO's own: state that it keeps for threads of ours does not outlive them well.
        with self._lock:
            self._request.start_async([np.ascontiguousarray(images)])
            self._request.wait()
            scores: Scores = np.array(self._request.get_output_tensor(0).data)
        return scores


class _LiteRT:
    """LiteRT on the CPU."""

    def __init__(self, export: Export, threads: int | None) -> None:
        litert = import_extra("ai_edge_litert.interpreter", extra="litert", purpose=_PURPOSE)
        package = import_extra("ai_edge_litert", extra="litert", purpose=_PURPOSE)
        self.name = f"ai-edge-litert {getattr(package, '__version__', '')}".strip()
        self._make: Callable[[], Foreign] = lambda: litert.Interpreter(
            model_content=export.graph, num_threads=threads
        )
        self._idle: dict[int, list[Foreign]] = {size: [] for size in _BATCHES}
        first = _loaded(self._make, export)
        signature = first.get_signature_list().get("serving_default", {})
        takes, gives = (
            [_litert_port(name, x) for name, x in zip(signature.get(side, []), some, strict=False)]
            for side, some in (
                ("inputs", first.get_input_details()),
                ("outputs", first.get_output_details()),
            )
        )
        _require_fit(export, takes, gives, ("uint8", "float32"))
        self._width = len(export.card.class_names)
        self._lock = threading.Lock()
        self(np.zeros((1, *export.card.image_size, 3), dtype=np.uint8))

    def __call__(self, images: Images) -> Scores:
        rows = np.empty((len(images), self._width), dtype=np.float32)
        start = 0
        while start < len(images):
            rest = len(images) - start
            size = next(size for size in _BATCHES if size <= rest)
            rows[start : start + size] = self._batch(images[start : start + size])
            start += size
        return rows

    def _batch(self, images: Images) -> Scores:
        """Run a batch with an interpreter of its size, which serves one thread at a time."""
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


def _compiled(
    openvino: ModuleType, core: Foreign, export: Export, settings: dict[str, object]
) -> Foreign:
    if export.format == "onnx":
        model = core.read_model(model=export.graph)
    else:
        weights = openvino.Tensor(np.frombuffer(export.weights, dtype=np.uint8))
        model = core.read_model(model=export.graph, weights=weights)
    return core.compile_model(model, "CPU", settings)


def _loaded(load: Callable[[], Foreign], export: Export) -> Foreign:
    """Return what a runtime makes of a file; whatever it raises becomes one sentence."""
    try:
        return load()
    except Exception as error:
        raise BundleError(
            f"{export.where} cannot be loaded by its runtime: {_reason(error)}; export the "
            "classifier again",
            code="cannot-load",
        ) from error


def _reason(error: Exception) -> str:
    """Return in a line what a runtime says of its fault."""
    text = " ".join(str(error).split())
    if _FULL in text:
        return f"it takes more memory than the {most_memory() / 2**30:.3g} GiB that it may take"
    return text[:200] or type(error).__name__


def _openvino_port(port: Foreign) -> tuple[str, str, tuple[int | None, ...]]:
    sizes = tuple(None if side.is_dynamic else side.get_length() for side in port.partial_shape)
    names = port.get_names()
    return next(iter(sorted(names)), ""), port.element_type.get_type_name(), sizes


def _litert_port(name: str, port: Foreign) -> tuple[str, str, tuple[int | None, ...]]:
    return name, np.dtype(port["dtype"]).name, _sizes(port["shape_signature"].tolist())


def _sizes(shape: Foreign) -> tuple[int | None, ...]:
    """Return sizes as numbers; those that may vary have names, or are -1."""
    return tuple(side if isinstance(side, int) and side >= 0 else None for side in shape)


def _require_fit(export: Export, takes: Foreign, gives: Foreign, types: tuple[str, str]) -> None:
    """Refuse a graph that takes or gives something else than the file says."""
    card = export.card
    wanted = [(INPUT, types[0], (None, *card.image_size, 3))]
    gives_right = [(name, kind) for name, kind, _ in gives] == [(OUTPUT, types[1])]
    width = gives[0][2][1:] if gives else ()
    if list(takes) != wanted or not gives_right or width not in ((len(card.class_names),), (None,)):
        raise BundleError(
            f"{export.where} does not fit its own description: its graph goes from {list(takes)} "
            f"to {list(gives)}; export the classifier again",
            code="inconsistent",
        )
