"""Check an ONNX file against an allow-list before ONNX Runtime opens it.

ONNX Runtime allocates from an arena of limited size, but some operators bypass it: strings,
``NonZero`` and ``Unique`` allocate elsewhere, and loops have no time limit. This module therefore
accepts only the operators of `OnnxRules`. `EXPORT_RULES` are the operators that `Classifier.export`
writes for the networks of this library and of `keras.applications`, and a few similar ones. Other
files, such as those of detectors, have separate rules. Everything else is refused: other
operators and domains, subgraphs, functions, training, sparse tensors, strings, external weights,
and tensors whose data do not have the size of their shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn

from shelfvision._runtime._protobuf import ProtobufReader
from shelfvision._storage.safetensors import MAX_FILE
from shelfvision.errors import BundleError

OPERATORS = frozenset(
    {
        # Convolutions, pooling, matrix products.
        *("AveragePool", "Conv", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "MatMul", "MaxPool"),
        # Arithmetic of two tensors, element by element.
        *("Add", "Div", "Max", "Min", "Mul", "Pow", "Sub"),
        # Functions of one tensor.
        *("Abs", "Ceil", "Clip", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish"),
        *("LeakyRelu", "Log", "LogSoftmax", "Neg", "PRelu", "Reciprocal", "Relu", "Selu"),
        *("Sigmoid", "Softmax", "Softplus", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu"),
        # Normalization and reductions.
        *("BatchNormalization", "InstanceNormalization", "LayerNormalization"),
        *("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"),
        # Shapes. Their output is at most as large as their input, or limited by the arena.
        *("Cast", "Concat", "Constant", "Expand", "Flatten", "Gather", "Identity", "Pad"),
        *(
            "Reshape",
            "ReverseSequence",
            "Shape",
            "Slice",
            "Split",
            "Squeeze",
            "Transpose",
            "Unsqueeze",
        ),
        # Quantized arithmetic of 8 bits.
        *("ConvInteger", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger"),
        *("QLinearConv", "QLinearMatMul", "QuantizeLinear"),
    }
)
"""The operators of the default ONNX domain that an exported file may contain;
docs/how-to/export.md lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxRules:
    """The operators that a kind of ONNX file may contain, and the words for its errors."""

    operators: frozenset[str]
    """The accepted operators of the default ONNX domain."""
    kind: str
    """The kind of file in messages: ``"an ONNX export"``."""
    remedy: str
    """The remedy in messages."""


EXPORT_RULES = OnnxRules(
    operators=OPERATORS,
    kind="an ONNX export",
    remedy="pass a file that Classifier.export wrote",
)
"""The rules for files of `Classifier.export`."""

MAX_NODES = 20_000
"""The largest number of operators in a graph; the largest network of `keras.applications` has about
2,000."""
MAX_TENSORS = 20_000
"""The largest number of weights and constants."""
MAX_SIDES = 8
"""The largest number of dimensions of a tensor."""

_STRING = 8
_ITEM_BYTES: Mapping[int, int] = MappingProxyType(
    # Signed and unsigned integers of 8 to 64 bits, bool, and floats of 16 to 64 bits.
    {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
)
"""Bytes per element by ONNX's type number; strings and 4-bit types are not supported."""
_OWN_DOMAINS = (b"", b"ai.onnx")
_MODES = (b"nearest", b"linear")
_CONSTANTS = frozenset({b"value", b"value_float", b"value_floats", b"value_int", b"value_ints"})


def onnx_metadata(data: bytes, where: str, rules: OnnxRules = EXPORT_RULES) -> dict[str, bytes]:
    """Return the metadata of an ONNX file, after checking its whole graph.

    Raises
    ------
    BundleError
        The file is corrupted, or contains something that the rules forbid. The code is
        ``"operator-not-allowed"``, ``"subgraph"``, ``"external-data"``, ``"strings"``,
        ``"sparse"``, ``"inconsistent"``, ``"too-large"``, ``"duplicate"`` or ``"damaged"``.
    """
    return _File(where, rules).read(data)


class _File:
    """Checks one file; counts operators, tensors and bytes over the whole file."""

    def __init__(self, where: str, rules: OnnxRules) -> None:
        self._where, self._rules = where, rules
        self._reader = ProtobufReader(self._refuse)
        self._n_tensors = self._n_nodes = self._bytes = 0

    def read(self, data: bytes) -> dict[str, bytes]:
        """Return the metadata after checking all fields."""
        entries: dict[str, bytes] = {}
        n_graphs = 0
        for number, value in self._reader.fields(memoryview(data)):
            if number == 7:
                n_graphs += 1
                self._graph(self._bytes_of(value))
            elif number == 14:
                self._entry(entries, self._bytes_of(value))
            elif number in (20, 25):
                self._refuse("subgraph", "it contains functions or training graphs")
        if n_graphs > 1:
            self._refuse("subgraph", f"it has {n_graphs} graphs instead of one")
        return entries

    def _entry(self, entries: dict[str, bytes], message: memoryview) -> None:
        fields = dict(self._reader.fields(message))
        key, value = fields.get(1, b""), fields.get(2, b"")
        if isinstance(key, int) or isinstance(value, int):
            self._refuse("damaged", "its metadata are corrupted")
        name = bytes(key).decode("utf-8", "replace")
        if name in entries:
            self._refuse("duplicate", f"it has the entry {name[:50]!r} twice")
        entries[name] = bytes(value)

    def _graph(self, message: memoryview) -> None:
        for number, value in self._reader.fields(message):
            if number == 1:
                self._node(self._bytes_of(value))
            elif number == 5:
                self._tensor(self._bytes_of(value))
            elif number == 15:
                self._refuse("sparse", "it has sparse weights")
            elif number in (11, 12, 13):
                self._value(self._bytes_of(value))

    def _value(self, message: memoryview) -> None:
        """Refuse an input, output or intermediate value other than a numeric tensor."""
        for kind in self._inner(message, 2):
            fields = list(self._reader.fields(kind))
            # Field 1 is a tensor type; others are sequence, map, optional and sparse types.
            if any(number not in (1, 6) for number, _ in fields):
                self._refuse("inconsistent", "it has values that are not tensors")
            tensors = [value for number, value in fields if number == 1]
            types = [v for t in tensors for n, v in self._fields_of(t) if n == 1]
            if _STRING in types:
                self._refuse("strings", "it computes with strings")

    def _node(self, message: memoryview) -> None:
        self._n_nodes += 1
        if self._n_nodes > MAX_NODES:
            self._refuse("too-large", f"it has more than {MAX_NODES:,} operators")
        name, domain = b"", b""
        attributes: list[memoryview] = []
        for number, value in self._reader.fields(message):
            if number == 4:
                name = bytes(self._bytes_of(value))
            elif number == 7:
                domain = bytes(self._bytes_of(value))
            elif number == 5:
                attributes.append(self._bytes_of(value))
        text = name.decode("utf-8", "replace")
        if domain not in _OWN_DOMAINS or text not in self._rules.operators:
            shown = f"{domain.decode('utf-8', 'replace')}.{text}" if domain else text
            self._refuse(
                "operator-not-allowed",
                f"it has the operator {shown[:80]!r}, which is not accepted",
            )
        for attribute in attributes:
            self._attribute(attribute, text)

    def _attribute(self, message: memoryview, operator: str) -> None:
        name, text, whole, n_tensors = b"", b"", 0, 0
        for number, value in self._reader.fields(message):
            if number == 1:
                name = bytes(self._bytes_of(value))
            elif number == 3 and isinstance(value, int):
                whole = value
            elif number == 4:
                text = bytes(self._bytes_of(value))
            elif number in (5, 10):
                n_tensors += 1
                self._tensor(self._bytes_of(value))
            elif number in (6, 11):
                self._refuse("subgraph", "it has loops or branches")
            elif number in (22, 23):
                self._refuse("sparse", "it has sparse weights")
        if n_tensors > 1:
            # A protobuf parser would merge them to one tensor of another size.
            self._refuse("inconsistent", "it has an attribute of several tensors")
        self._require_values(operator, name, whole, text)

    def _require_values(self, operator: str, name: bytes, whole: int, text: bytes) -> None:
        """Refuse values of attributes that need strings, or memory outside the arena."""
        if operator == "Resize" and name == b"mode" and text not in _MODES:
            # Cubic interpolation allocates a table for every coordinate, outside the arena.
            self._refuse("operator-not-allowed", f"it resizes by {text[:20]!r} interpolation")
        if operator == "Cast" and name == b"to" and whole not in _ITEM_BYTES:
            self._refuse(
                "strings", "it casts numbers to strings, or to another type that is not accepted"
            )
        if operator == "Constant" and name not in _CONSTANTS:
            self._refuse("strings", f"it has the constant {name[:40].decode('utf-8', 'replace')!r}")

    def _tensor(self, message: memoryview) -> None:
        """Refuse a tensor with unsupported data, or with data of another size than its shape."""
        sides: list[int] = []
        kind, raw, other = 0, 0, 0
        for number, value in self._reader.fields(message):
            if number == 1:
                sides += self._sides(value)
            elif number == 2 and isinstance(value, int):
                kind = value
            elif number == 6:
                self._refuse("strings", "it has strings among its weights")
            elif number == 9:
                raw += len(self._bytes_of(value))
            elif number in (4, 5, 7, 10, 11):
                other += 1 if isinstance(value, int) else len(value)
            elif number == 13 or (number == 14 and value != 0):
                self._refuse("external-data", "it has weights in other files")
        self._require_numbers(sides, kind, raw, other)

    def _sides(self, value: int | memoryview) -> list[int]:
        if not isinstance(value, int) and len(value) > 10 * MAX_SIDES:
            self._refuse("too-large", f"it has a tensor of more than {MAX_SIDES} dimensions")
        return self._reader.varints(value)

    def _require_numbers(self, sides: list[int], kind: int, raw: int, other: int) -> None:
        if kind not in _ITEM_BYTES:
            self._refuse("strings", f"it has weights of the type {kind}, which is not accepted")
        if len(sides) > MAX_SIDES or any(side > MAX_FILE for side in sides):
            self._refuse("too-large", "it has a tensor of too many dimensions or elements")
        count = math.prod(sides)
        size = count * _ITEM_BYTES[kind]
        self._n_tensors += 1
        self._bytes += size
        if self._bytes > MAX_FILE or self._n_tensors > MAX_TENSORS:
            self._refuse(
                "too-large",
                f"its weights are more than {MAX_FILE:,} bytes or {MAX_TENSORS:,} tensors",
            )
        # Elements that are not raw data take at least one byte of the file each.
        if raw != size if raw or not other else count > other:
            self._refuse("inconsistent", "it has a tensor whose data do not fit its shape")

    def _inner(self, message: memoryview, wanted: int) -> list[memoryview]:
        return [self._bytes_of(v) for n, v in self._reader.fields(message) if n == wanted]

    def _fields_of(self, value: int | memoryview) -> list[tuple[int, int | memoryview]]:
        return list(self._reader.fields(self._bytes_of(value)))

    def _bytes_of(self, value: int | memoryview) -> memoryview:
        if isinstance(value, int):
            self._refuse("damaged", "it is corrupted, or of another format")
        return value

    def _refuse(self, code: str, fault: str) -> NoReturn:
        raise BundleError(
            f"{self._where} cannot be used as {self._rules.kind}: {fault}; {self._rules.remedy}",
            code=code,
        )
