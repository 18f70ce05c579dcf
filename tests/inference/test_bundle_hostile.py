"""Crafted bundles: each is refused with one sentence, in little memory, before Keras is there."""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._storage.json_values import canonical_json
from shelfvision._storage.safetensors import DIGESTS, KEPT
from shelfvision._storage.sealed import SEAL, seal
from shelfvision.errors import BundleError, InvalidParameterError
from shelfvision.inference._bundle import read_contents
from shelfvision.inference._manifest import ENTRY
from support import refuses
from support.bundles import refusal_of

Fields = dict[str, Any]
GOLDEN = Path(__file__).with_name("golden") / "version-3.shelf"
DATA = GOLDEN.read_bytes()
LENGTH = int.from_bytes(DATA[:8], "little")
RAW, BODY = DATA[8 : 8 + LENGTH], DATA[8 + LENGTH :]
MOST_MIB = 64


def framed(raw: bytes, body: bytes = BODY) -> bytes:
    return len(raw).to_bytes(8, "little") + raw + body


def padded(raw: bytes) -> bytes:
    return raw + b" " * (-len(raw) % 8)


def with_header(change: Callable[[Fields], object], body: bytes = BODY) -> bytes:
    """Return the file with a changed header, written as we write it."""
    header = json.loads(RAW)
    change(header)
    return framed(padded(canonical_json(header).encode()), body)


def with_text(change: Callable[[str], str]) -> bytes:
    """Return the file with other text for a manifest, sealed as an attacker would."""

    def forge(header: Fields) -> None:
        metadata = header["__metadata__"]
        metadata[ENTRY] = change(metadata[ENTRY])
        metadata[SEAL] = seal(metadata[ENTRY], metadata[DIGESTS])

    return with_header(forge)


def with_manifest(change: Callable[[Fields], object]) -> bytes:
    """Return the file with a changed manifest, sealed."""

    def forge(text: str) -> str:
        fields = json.loads(text)
        change(fields)
        return canonical_json(fields)

    return with_text(forge)


def with_provenance(written: str) -> bytes:
    """Return the file whose provenance is this JSON, letter by letter."""

    def forge(text: str) -> str:
        fields = json.loads(text)
        fields["provenance"] = {"x": "@"}
        return canonical_json(fields).replace('"@"', written)

    return with_text(forge)


def with_digests(change: Callable[[Fields], object]) -> bytes:
    """Return the file with changed digests of its tensors, sealed."""

    def forge(header: Fields) -> None:
        metadata = header["__metadata__"]
        digests = json.loads(metadata[DIGESTS])
        change(digests)
        metadata[DIGESTS] = canonical_json(digests)
        metadata[SEAL] = seal(metadata[ENTRY], metadata[DIGESTS])

    return with_header(forge)


def with_tensor(name: str, values: Any, change: Callable[[Fields], object] | None = None) -> bytes:
    """Return the file with other numbers in one tensor, its manifest changed; all is sealed."""
    header = json.loads(RAW)
    metadata = header.pop("__metadata__")
    digests, manifest = json.loads(metadata[DIGESTS]), json.loads(metadata[ENTRY])
    (change or (lambda fields: None))(manifest)
    kinds = {np.dtype("<f4"): "F32", np.dtype("<f8"): "F64", np.dtype("<i4"): "I32"}
    kinds |= {np.dtype("<i8"): "I64", np.dtype("<f2"): "F16"}
    body, start = b"", 0
    for key in sorted({*header, name}):
        array = np.asarray(values)
        old = header.get(key, {"data_offsets": [0, 0]})
        data = array.tobytes() if key == name else BODY[slice(*old["data_offsets"])]
        if key == name:
            header[key] = {"dtype": kinds[array.dtype], "shape": list(array.shape)}
            told = canonical_json([key, header[key]["dtype"], header[key]["shape"]]).encode()
            digests[key] = hashlib.sha256(told + data).hexdigest()
        header[key]["data_offsets"] = [start, start + len(data)]
        body, start = body + data, start + len(data)
    metadata = {ENTRY: canonical_json(manifest), DIGESTS: canonical_json(digests)}
    metadata[SEAL] = seal(metadata[ENTRY], metadata[DIGESTS])
    raw = padded(canonical_json(header | {"__metadata__": metadata}).encode())
    return framed(raw, body)


def one_tensor(body: bytes = b"abcd", **changes: object) -> bytes:
    """Return a small file of one tensor that is described in some way."""
    tensor: Fields = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    return framed(json.dumps({"w": tensor | changes}).encode(), body)


def many(n: int) -> Fields:
    return {f"w{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(n)}


def tensor(name: str, **changes: object) -> Callable[[Fields], object]:
    return lambda header: header[name].update(changes)


def setting(**changes: object) -> Callable[[Fields], object]:
    def change(manifest: Fields) -> None:
        manifest["spec"].update(changes)
        for name in manifest["preprocessing"].keys() & changes.keys():
            manifest["preprocessing"][name] = changes[name]

    return change


def part(name: str, **changes: object) -> Callable[[Fields], object]:
    return lambda manifest: manifest[name].update(changes)


def value(**changes: object) -> Callable[[Fields], object]:
    return lambda manifest: manifest.update(changes)


def without(name: str) -> Callable[[Fields], object]:
    return lambda manifest: manifest.pop(name)


def renamed(header: Fields, old: str, new: str) -> None:
    header[new] = header.pop(old)


def swapped(header: Fields) -> None:
    header["conv_3/bias"], header["conv_4/bias"] = header["conv_4/bias"], header["conv_3/bias"]


K, B = "conv_1/kernel", "conv_1/bias"
PROBABILITIES, LABELS, GROUPS = (KEPT + name for name in ("probabilities", "labels", "groups"))
ROWS = np.full((240, 3), 1 / 3, np.float32)
ISOTONIC = {"method": "isotonic", "num_classes": 3, "n_photos": 9, "error_before": 0.1}
ISOTONIC |= {"error_after": 0.1}
SIGMOID = ISOTONIC | {"method": "sigmoid"}
FLAT = [[0.0, 1.0], [0.0, 1.0]]
NESTED = "[" * 65 + "]" * 65

FRAMES: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\0",
    "seven bytes": b"\0" * 7,
    "a length alone": LENGTH.to_bytes(8, "little"),
    "a header of no length": bytes(8) + DATA[8:],
    "a header of one byte": framed(b"{"),
    "a header as long as numbers go": b"\xff" * 8 + DATA[8:],
    "a header of 2**63 bytes": (2**63).to_bytes(8, "little") + DATA[8:],
    "a header of 2**31 bytes": (2**31).to_bytes(8, "little") + DATA[8:],
    "a header over the limit": (2**20 + 1).to_bytes(8, "little") + b" " * (2**20 + 1),
    "a header longer than the file": (2**20).to_bytes(8, "little") + DATA[8:],
    "a header cut by a byte": (LENGTH - 1).to_bytes(8, "little") + DATA[8:],
    "a header that takes a byte of weights": (LENGTH + 1).to_bytes(8, "little") + DATA[8:],
    "a length written the other way round": LENGTH.to_bytes(8, "big") + DATA[8:],
    "a header without an end": framed(RAW.rstrip()[:-1]),
    "two headers": framed(RAW + RAW),
    "a byte too many at the end": DATA + b"\0",
    "a second bundle at the end": DATA + DATA,
    "a byte too few at the end": DATA[:-1],
    "a header alone": DATA[: 8 + LENGTH],
    "zip": b"PK\x03\x04" + bytes(100),
    "pickle": b"\x80\x04\x95" + bytes(100) + b".",
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "a program": b"#!/bin/sh\nrm -rf /\n",
    "zeros": bytes(10_000),
    "a byte order mark": framed(b"\xef\xbb\xbf" + RAW),
    "no padding": framed(RAW.rstrip() + b" " * (-len(RAW.rstrip()) % 8 + 8)),
    "zeros for padding": framed(padded(RAW.rstrip()).replace(b"  ", b"\0\0") + b"\0" * 8),
    "spaces after commas": framed(padded(json.dumps(json.loads(RAW), sort_keys=True).encode())),
    "keys in another order": framed(
        padded(json.dumps(dict(reversed(json.loads(RAW).items())), separators=(",", ":")).encode())
    ),
    "a line break before the header": framed(b"\n" + RAW),
    "letters that could be plain are escaped": framed(RAW.replace(b"conv_1", b"\\u0063onv_1")),
    "not UTF-8": framed(RAW.replace(b"juice", b"jui\xffe")),
    "UTF-16": framed(RAW.decode().encode("utf-16")),
    "half a letter outside ASCII": framed(b'{"\xc3":1}'),
}

JSON: dict[str, bytes] = {
    "no JSON": framed(b"milk, juice"),
    "a list": framed(b"[]", b""),
    "a number": framed(b"17", b""),
    "a long number": framed(b"9" * 10_000, b""),
    "text": framed(b'"{}"', b""),
    "null": framed(b"null", b""),
    "NaN": framed(b"NaN", b""),
    "infinity": framed(b"-Infinity", b""),
    "a comment": framed(b"{}// yes", b""),
    "single quotes": framed(b"{'a':1}", b""),
    "deep lists": framed(b"[" * 100_000, b""),
    "deep lists that end": framed(b"[" * 500_000 + b"]" * 500_000, b""),
    "deep mappings": framed(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b""),
    "very many lists": framed(b"[" + b"[]," * 340_000 + b"[]]", b""),
    "very many mappings": framed(b'{"a":[' + b"{}," * 340_000 + b"{}]}", b""),
    "very many names": framed(b"{" + b",".join(b'"%d":1' % i for i in range(95_000)) + b"}", b""),
    "very many numbers": framed(b'{"w":{"shape":[' + b"1," * 500_000 + b"1]}}", b""),
    "one very long name": framed(b'{"' + b"x" * 1_000_000 + b'":1}', b""),
    "a name that stands twice": framed(b'{"__metadata__":{},"__metadata__":{}}', b""),
    "a tensor that stands twice": framed(RAW.replace(b'"conv_1/bias"', b'"conv_2/bias"')),
    "an entry of a tensor that stands twice": framed(
        RAW.replace(b'"dtype":"F32"', b'"dtype":"F32","dtype":"F32"', 1)
    ),
    "a manifest that stands twice": framed(
        b'{"__metadata__":{"shelfvision":"{}","shelfvision":"{}"}}', b""
    ),
    "an empty header": framed(b"{}", b""),
    "an empty header with weights": framed(b"{}"),
}

TENSORS: dict[str, bytes] = {
    "a tensor that is a number": framed(b'{"w":1}', b""),
    "a tensor that is null": framed(b'{"w":null}', b""),
    "a tensor of no kind": one_tensor(dtype=None),
    "a tensor of an unknown kind": one_tensor(dtype="F8_E4M3"),
    "a tensor of objects": one_tensor(dtype="O"),
    "a kind that is a list": one_tensor(dtype=["F32"]),
    "a kind of many letters": one_tensor(dtype="F" * 500_000),
    "a shape that is a number": one_tensor(shape=1),
    "a shape that is text": one_tensor(shape="1"),
    "a shape of text": one_tensor(shape=["1"]),
    "a shape of fractions": one_tensor(shape=[1.0]),
    "a shape of truth": one_tensor(shape=[True]),
    "a negative shape": one_tensor(shape=[-1]),
    "two negative sides": one_tensor(shape=[-1, -1]),
    "a side of 2**40": one_tensor(shape=[2**40]),
    "a side beyond 64 bits": one_tensor(shape=[2**64 + 1]),
    "sides that overflow to one": one_tensor(shape=[2**29, 2**29, 2**6]),
    "a hundred sides": one_tensor(shape=[1] * 100),
    "an empty tensor of a side of 2**30": one_tensor(
        b"", shape=[2**30, 0, 2**30], data_offsets=[0, 0]
    ),
    "offsets that are a number": one_tensor(data_offsets=4),
    "one offset": one_tensor(data_offsets=[4]),
    "three offsets": one_tensor(data_offsets=[0, 4, 4]),
    "negative offsets": one_tensor(data_offsets=[-4, 0]),
    "offsets back to front": one_tensor(data_offsets=[4, 0]),
    "fractional offsets": one_tensor(data_offsets=[0.0, 4.0]),
    "offsets beyond the end": one_tensor(data_offsets=[0, 2**40]),
    "offsets of 2**64": one_tensor(data_offsets=[2**64, 2**64 + 4]),
    "more bytes than the shape": one_tensor(b"abcdefgh", data_offsets=[0, 8]),
    "fewer bytes than the shape": one_tensor(b"ab", data_offsets=[0, 2]),
    "a hole at the beginning": one_tensor(b"abcdefgh", data_offsets=[4, 8]),
    "an entry too many": one_tensor(more=1),
    "tensors over each other": framed(
        json.dumps(
            {n: {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]} for n in "vw"}
        ).encode(),
        b"abcd",
    ),
    "a claim of 1 GiB": one_tensor(shape=[2**28 - 64], data_offsets=[0, 2**30 - 256]),
    "a claim over 1 GiB": framed(
        json.dumps(
            {
                "v": {"dtype": "F32", "shape": [2**27], "data_offsets": [0, 2**29]},
                "w": {"dtype": "F32", "shape": [2**28 - 64], "data_offsets": [2**29, 3 * 2**29]},
            }
        ).encode()
    ),
    "tensors over the limit": framed(json.dumps(many(4097)).encode(), b""),
    "4096 tensors": framed(json.dumps(many(4096)).encode(), b""),
    "a hole between tensors": with_header(tensor(K, data_offsets=[4, 8])),
    "tensors in another order": with_header(swapped),
    "a tensor of another name": with_header(lambda h: renamed(h, K, "conv_1/kernels")),
    "a tensor with a path for a name": with_header(lambda h: renamed(h, K, "../../etc/passwd")),
    "a tensor with a very long name": with_header(lambda h: renamed(h, K, "x" * 900_000)),
    "a tensor without a name": with_header(lambda h: renamed(h, K, "")),
    "a tensor of half a letter": with_header(lambda h: renamed(h, K, "\ud800")),
    "a tensor of another shape": with_header(tensor(K, shape=[5, 5, 32, 3])),
    "a tensor of one side": with_header(tensor(K, shape=[2400])),
    "weights of whole numbers": with_header(tensor(K, dtype="I32")),
    "a tensor that is missing": with_header(lambda h: h.pop("probabilities/kernel")),
    "a tensor too many": with_header(
        lambda h: h.update(z={"dtype": "U8", "shape": [0], "data_offsets": [len(BODY)] * 2})
    ),
    "weights of double length, sealed": with_tensor(B, np.zeros(32, "<f8")),
    "weights of half length, sealed": with_tensor(B, np.zeros(32, "<f2")),
    "weights that are whole numbers, sealed": with_tensor(B, np.zeros(32, "<i4")),
    "weights of another shape, sealed": with_tensor(B, np.zeros((1, 32), "<f4")),
    "weights with NaN, sealed": with_tensor(B, np.full(32, np.nan, "<f4")),
    "weights with infinity, sealed": with_tensor(B, np.full(32, np.inf, "<f4")),
    "an extra tensor, sealed": with_tensor("zzz", np.zeros(3, "<f4")),
    "an extra tensor that the manifest names": with_tensor(
        "zzz", np.zeros(3, "<f4"), lambda m: m["weights"].append("zzz")
    ),
    "an extra tensor among the scores": with_tensor(f"{KEPT}more", np.zeros(3, "<f4")),
}

DIGEST: dict[str, bytes] = {
    "metadata that is a list": with_header(lambda h: h.update(__metadata__=[])),
    "metadata that is no text": with_header(lambda h: h["__metadata__"].update(shelfvision=1)),
    "more metadata": with_header(lambda h: h["__metadata__"].update(more="")),
    "no metadata": with_header(lambda h: h.pop("__metadata__")),
    "no manifest": with_header(lambda h: h["__metadata__"].pop(ENTRY)),
    "no digests": with_header(lambda h: h["__metadata__"].pop(DIGESTS)),
    "no seal": with_header(lambda h: h["__metadata__"].pop(SEAL)),
    "an empty seal": with_header(lambda h: h["__metadata__"].update({SEAL: ""})),
    "another seal": with_header(lambda h: h["__metadata__"].update({SEAL: "0" * 64})),
    "a seal in capitals": with_header(
        lambda h: h["__metadata__"].update({SEAL: h["__metadata__"][SEAL].upper() + "A"})
    ),
    "a digest too few": with_digests(lambda d: d.pop(K)),
    "a digest too many": with_digests(lambda d: d.update(zzz="0" * 64)),
    "another digest": with_digests(lambda d: d.update({K: "0" * 64})),
    "a digest in capitals": with_digests(lambda d: d.update({K: d[K].upper() + "A"})),
    "a digest that is a number": with_digests(lambda d: d.update({K: 0})),
    "a digest that is null": with_digests(lambda d: d.update({K: None})),
    "a digest that is a list": with_digests(lambda d: d.update({K: [d[K]]})),
    "two digests changed places": with_digests(lambda d: d.update({K: d[B], B: d[K]})),
    "one weight changed": DATA[:-1] + bytes([DATA[-1] ^ 1]),
}

MANIFEST: dict[str, bytes] = {
    "a manifest that is empty": with_text(lambda _: ""),
    "a manifest that is a list": with_text(lambda _: "[]"),
    "a manifest with nothing in it": with_text(lambda _: "{}"),
    "a manifest with a format alone": with_text(lambda _: '{"format":2}'),
    "a manifest with spaces": with_text(lambda text: text.replace(",", ", ")),
    "a manifest that does not end": with_text(lambda text: text[:-1]),
    "a manifest with an entry twice": with_text(lambda text: text[:-1] + ',"format":2}'),
    "a format from the future": with_manifest(value(format=10**9)),
    "a negative format": with_manifest(value(format=-1)),
    "a format of no number": with_manifest(value(format=0)),
    "a format that is text": with_manifest(value(format="2")),
    "a format that is a fraction": with_manifest(value(format=2.0)),
    "a format that is true": with_manifest(value(format=True)),
    "a format that is missing": with_manifest(lambda m: m.pop("format")),
    "format 1 with what format 2 brought": with_manifest(value(format=1)),
    "an unknown entry": with_manifest(value(surprise=1)),
    "an entry that would be code": with_manifest(value(__reduce__=["os.system", "ls"])),
    "very many unknown entries": with_manifest(
        lambda m: m.update({f"e{i}": 0 for i in range(70_000)})
    ),
    **{
        f"no {name}": with_manifest(without(name))
        for name in json.loads(json.loads(RAW)["__metadata__"][ENTRY])
        if name != "format"
    },
    "settings that are a list": with_manifest(value(spec=[])),
    "one setting too many": with_manifest(setting(weights="x")),
    "one setting too few": with_manifest(lambda m: m["spec"].pop("seed")),
    "an architecture from a module": with_manifest(setting(architecture="os.system")),
    "an architecture that is a path": with_manifest(setting(architecture="../x.py")),
    "an architecture that is a number": with_manifest(setting(architecture=1)),
    "an architecture with a very long name": with_manifest(setting(architecture="x" * 900_000)),
    "another architecture of ours": with_manifest(setting(architecture="shelf_cnn")),
    "a large architecture of ours": with_manifest(setting(architecture="efficientnet_lite2")),
    "a huge network of Keras": with_manifest(setting(architecture="keras:EfficientNetV2L")),
    "a small network of Keras": with_manifest(setting(architecture="keras:MobileNetV3Small")),
    "a network that Keras lacks": with_manifest(setting(architecture="keras:losses")),
    "a private name of Keras": with_manifest(setting(architecture="keras:__import__")),
    "our architecture for a user's": with_manifest(value(own_architecture=1)),
    "one class": with_manifest(setting(num_classes=1)),
    "no classes": with_manifest(setting(num_classes=0)),
    "classes by the billion": with_manifest(setting(num_classes=10**9)),
    "a number of classes that is true": with_manifest(setting(num_classes=True)),
    "a number of classes that is a fraction": with_manifest(setting(num_classes=3.0)),
    "images of no size": with_manifest(setting(image_size=[0, 0])),
    "images of negative size": with_manifest(setting(image_size=[-88, -90])),
    "images of one side": with_manifest(setting(image_size=[88])),
    "images of three sides": with_manifest(setting(image_size=[88, 90, 3])),
    "images of another size": with_manifest(setting(image_size=[200, 200])),
    "images as large as they may be": with_manifest(setting(image_size=[4096, 4096])),
    "images of 10**9 pixels a side": with_manifest(setting(image_size=[10**9, 10**9])),
    "an image size in fractions": with_manifest(setting(image_size=[88.0, 90.0])),
    "a dropout of all": with_manifest(setting(dropout=1.0)),
    "a negative dropout": with_manifest(setting(dropout=-0.1)),
    "a dropout that is text": with_manifest(setting(dropout="0.5")),
    "a dropout of 401 digits": with_manifest(setting(dropout=10**400)),
    "a negative seed": with_manifest(setting(seed=-1)),
    "a seed of 65 bits": with_manifest(setting(seed=2**64)),
    "a seed that is null": with_manifest(setting(seed=None)),
    "class names that are text": with_manifest(value(class_names="abc")),
    "class names that are numbers": with_manifest(value(class_names=[1, 2, 3])),
    "an empty class name": with_manifest(value(class_names=["a", "b", ""])),
    "a class name twice": with_manifest(value(class_names=["a", "b", "b"])),
    "a class too few": with_manifest(value(class_names=["a", "b"])),
    "a class too many": with_manifest(value(class_names=["a", "b", "c", "d"])),
    "no class names": with_manifest(value(class_names=[])),
    "class names by the hundred thousand": with_manifest(
        value(class_names=[f"{i:x}" for i in range(110_000)])
    ),
    "very many class names, the last one twice": with_manifest(
        value(class_names=[f"{i:x}" for i in range(110_000)] + ["1adaf"])
    ),
    "one class name of 900,000 letters, twice": with_manifest(
        value(class_names=["a" * 400_000] * 2 + ["b"])
    ),
    "another way to resize": with_manifest(part("preprocessing", resize="melt")),
    "a way to resize that is a list": with_manifest(part("preprocessing", resize=["stretch"])),
    "a way to resize that is null": with_manifest(part("preprocessing", resize=None)),
    "a size of its own for photos": with_manifest(part("preprocessing", image_size=[90, 88])),
    "a context that is text": with_manifest(part("preprocessing", context="0.1")),
    "a context that is true": with_manifest(part("preprocessing", context=True)),
    "a negative context": with_manifest(part("preprocessing", context=-0.1)),
    "a context of a thousand boxes": with_manifest(part("preprocessing", context=1000.0)),
    "a round crop": with_manifest(part("preprocessing", shape="round")),
    "a test-time crop of nothing": with_manifest(part("preprocessing", test_time_crop=0.0)),
    "a test-time crop of more than all": with_manifest(part("preprocessing", test_time_crop=2.0)),
    "one rule too many": with_manifest(part("preprocessing", rotate=90)),
    "preprocessing that is a list": with_manifest(value(preprocessing=[])),
    "versions that are numbers": with_manifest(value(created_with={"keras": 3})),
    "versions that are a list": with_manifest(value(created_with=[])),
    "weights that are no list": with_manifest(value(weights="conv")),
    "weights that are numbers": with_manifest(value(weights=[1])),
    "weights in another order": with_manifest(lambda m: m["weights"].reverse()),
    "a weight twice": with_manifest(lambda m: m["weights"].append(K)),
    "a weight that is not there": with_manifest(lambda m: m["weights"].append("zzz")),
    "scores that are named as weights": with_manifest(lambda m: m["weights"].append(LABELS)),
    "a provenance that is a list": with_manifest(value(provenance=[])),
    "a provenance that is nested": with_provenance(NESTED),
    "a provenance nested as deep as it goes": with_provenance("[" * 900 + "]" * 900),
    "a provenance with a number without end": with_provenance("1e999"),
    "a provenance with NaN": with_provenance("NaN"),
    "a provenance with a number of 5,000 digits": with_provenance("9" * 5000),
}

TRUST: dict[str, bytes] = {
    "a calibration that is a list": with_manifest(value(calibration=[])),
    "a calibration that is empty": with_manifest(value(calibration={})),
    "a calibration of another method": with_manifest(part("calibration", method="pickle")),
    "a calibration of a method that is a list": with_manifest(part("calibration", method=[])),
    "a calibration with more in it": with_manifest(part("calibration", more=1)),
    "a calibration of four classes": with_manifest(part("calibration", num_classes=4)),
    "a calibration of 10**30 photos": with_manifest(part("calibration", n_photos=10**30)),
    "a temperature of 0": with_manifest(part("calibration", temperature=0)),
    "a negative temperature": with_manifest(part("calibration", temperature=-1.0)),
    "a temperature of 1e300": with_manifest(part("calibration", temperature=1e300)),
    "a temperature of 401 digits": with_manifest(part("calibration", temperature=10**400)),
    "a temperature that is true": with_manifest(part("calibration", temperature=True)),
    "a temperature that is null": with_manifest(part("calibration", temperature=None)),
    "an error above 1": with_manifest(part("calibration", error_after=1.5)),
    "lines for two classes": with_manifest(value(calibration=SIGMOID | {"lines": [[1, 0]] * 2})),
    "lines of three numbers": with_manifest(
        value(calibration=SIGMOID | {"lines": [[1, 0, 0]] * 3})
    ),
    "lines of text": with_manifest(value(calibration=SIGMOID | {"lines": [["a", "b"]] * 3})),
    "lines too steep": with_manifest(value(calibration=SIGMOID | {"lines": [[10**301, 0]] * 3})),
    "curves and a temperature": with_manifest(
        value(calibration=ISOTONIC | {"curves": [FLAT] * 3, "temperature": 1})
    ),
    "curves for no class": with_manifest(value(calibration=ISOTONIC | {"curves": []})),
    "curves that fall": with_manifest(
        value(calibration=ISOTONIC | {"curves": [[[1.0, 0.0], [0.0, 1.0]]] * 3})
    ),
    "curves without corners": with_manifest(
        value(calibration=ISOTONIC | {"curves": [[[], []]] * 3})
    ),
    "curves beyond 1": with_manifest(
        value(calibration=ISOTONIC | {"curves": [[[0.0, 1.0], [0.0, 2.0]]] * 3})
    ),
    "curves of unlike sides": with_manifest(
        value(calibration=ISOTONIC | {"curves": [[[0.0], [0.0, 1.0]]] * 3})
    ),
    "thresholds that are a number": with_manifest(value(thresholds=0.5)),
    "no threshold": with_manifest(part("thresholds", values=[], needed=[])),
    "two thresholds": with_manifest(part("thresholds", values=[0.5, 0.5], needed=[None, None])),
    "a threshold above 1": with_manifest(part("thresholds", values=[1.1])),
    "a negative threshold": with_manifest(part("thresholds", values=[-0.1])),
    "a threshold that is text": with_manifest(part("thresholds", values=["0.5"])),
    "a threshold that is true": with_manifest(part("thresholds", values=[True])),
    "a threshold that is a list": with_manifest(part("thresholds", values=[[0.5]])),
    "thresholds with more in them": with_manifest(part("thresholds", more=1)),
    "a precision above 1": with_manifest(part("thresholds", precision=2)),
    "a negative count": with_manifest(part("thresholds", n_mistakes=-1)),
    "a count that is a fraction": with_manifest(part("thresholds", n_photos=1.5)),
    "a cost of 401 digits": with_manifest(part("thresholds", mistake_cost=10**400)),
    "no validation photos": with_manifest(value(n_validation=0)),
    "negative validation photos": with_manifest(value(n_validation=-240)),
    "a validation photo too many": with_manifest(value(n_validation=241)),
    "validation photos by the billion": with_manifest(value(n_validation=10**9)),
    "validation photos that are true": with_manifest(value(n_validation=True)),
    "validation scores that nobody tells of": with_manifest(value(n_validation=None)),
    "scores of four classes": with_tensor(PROBABILITIES, np.full((240, 4), 0.25, "<f4")),
    "scores of 239 photos": with_tensor(PROBABILITIES, ROWS[1:]),
    "scores of double length": with_tensor(PROBABILITIES, ROWS.astype("<f8")),
    "scores above 1": with_tensor(PROBABILITIES, ROWS * 9),
    "scores below 0": with_tensor(PROBABILITIES, -ROWS),
    "scores that are NaN": with_tensor(PROBABILITIES, ROWS * np.nan),
    "labels of a class that is not there": with_tensor(LABELS, np.full(240, 3, "<i4")),
    "negative labels": with_tensor(LABELS, np.full(240, -1, "<i4")),
    "labels in fractions": with_tensor(LABELS, np.zeros(240, "<f4")),
    "labels of 64 bits": with_tensor(LABELS, np.zeros(240, "<i8")),
    "labels in two columns": with_tensor(LABELS, np.zeros((120, 2), "<i4")),
    "groups of 239 photos": with_tensor(GROUPS, np.zeros(239, "<i4")),
    "groups in fractions": with_tensor(GROUPS, np.zeros(240, "<f4")),
}

HOSTILE = {
    f"{kind}: {name}": data
    for kind, cases in {
        "frame": FRAMES,
        "JSON": JSON,
        "tensors": TENSORS,
        "digests": DIGEST,
        "manifest": MANIFEST,
        "trust": TRUST,
    }.items()
    for name, data in cases.items()
}


def test_there_are_enough_of_them_and_all_differ() -> None:
    assert len(HOSTILE) >= 200
    assert len(set(HOSTILE.values())) == len(HOSTILE)
    assert DATA not in HOSTILE.values()


def test_what_they_are_made_of_is_accepted() -> None:
    assert with_manifest(lambda m: None) == DATA
    assert with_digests(lambda d: None) == DATA
    rows = np.frombuffer(BODY, "<f4", 720, json.loads(RAW)[PROBABILITIES]["data_offsets"][0])
    assert with_tensor(PROBABILITIES, rows.reshape(240, 3)) == DATA
    read_contents(io.BytesIO(with_provenance("[" * 62 + "]" * 62)))


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_bundle_is_refused_with_one_sentence(what: str) -> None:
    sentence = refusal_of(HOSTILE[what])
    assert sentence.startswith("the given file ")
    assert len(sentence) < 1000
    assert "\n" not in sentence


AGAIN = "; copy it from its source again"
TOLD = {
    "tensors: tensors in another order": (
        "its header is not as shelfvision writes it, so it was changed or damaged"
    ),
    "frame: spaces after commas": (
        "its header is not as shelfvision writes it, so it was changed or damaged"
    ),
    "tensors: a tensor of another name": "it holds other tensors than its manifest names",
    "tensors: weights of double length, sealed": (
        "its weights are not the float32 tensors of grocery_cnn in their order"
    ),
    "manifest: weights in another order": (
        "its weights are not the float32 tensors of grocery_cnn in their order"
    ),
    "manifest: a small network of Keras": (
        "it holds 40323 numbers, but its architecture has at least 469560"
    ),
    "trust: scores of 239 photos": ("the shape of its validation scores differs from its manifest"),
    "trust: labels of 64 bits": ("the shape of its validation scores differs from its manifest"),
}


@pytest.mark.parametrize("what", TOLD)
def test_what_is_wrong_with_a_bundle_is_told(what: str) -> None:
    assert refusal_of(HOSTILE[what]) == f"the given file cannot be loaded: {TOLD[what]}{AGAIN}"


def test_scores_that_are_none_are_told_with_the_reason() -> None:
    assert refusal_of(HOSTILE["trust: negative labels"]) == (
        "the given file cannot be loaded: its validation scores are invalid: labels must be from "
        "0 to 2, the columns of probabilities, got values from -1 to -1"
    )


def test_an_architecture_that_is_not_known_is_told() -> None:
    sentence = refusal_of(HOSTILE["manifest: an architecture from a module"])
    assert sentence.startswith(
        "the given file cannot be loaded: architecture must be a registered one, got "
        "'os.system'; choose one of "
    )


@pytest.mark.fuzz
def test_refusing_takes_little_memory_and_no_time(fuzz_count: Callable[[int, int], int]) -> None:
    slowest, largest = (0.0, ""), (0.0, "")
    names = list(HOSTILE)
    for what in names[:: max(1, len(names) // fuzz_count(10, len(names)))]:
        began = time.process_time()
        refusal_of(HOSTILE[what])
        slowest = max(slowest, (time.process_time() - began, what))
        tracemalloc.start()
        refusal_of(HOSTILE[what])
        largest = max(largest, (tracemalloc.get_traced_memory()[1] / 2**20, what))
        tracemalloc.stop()
    print(f"{len(names)} crafted bundles: slowest {slowest}, most memory {largest} MiB")
    assert largest[0] < MOST_MIB


def test_no_hostile_bundle_brings_in_keras(tmp_path: Path) -> None:
    for number, data in enumerate(HOSTILE.values()):
        (tmp_path / f"{number}.shelf").write_bytes(data)
    code = (
        "import pathlib, sys, shelfvision as shv\n"
        "refused = 0\n"
        "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
        "    try:\n        shv.Classifier.load(path)\n"
        "    except shv.errors.BundleError:\n        refused += 1\n"
        "found = {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)\n"
        "print(refused, sorted(found))\n"
    )
    run = [sys.executable, "-c", code, str(tmp_path)]
    found = subprocess.run(run, capture_output=True, text=True, check=True, timeout=600)
    assert found.stdout.split(" ", 1) == [str(len(HOSTILE)), "[]\n"]


def refused_place(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        shv.Classifier.load(path)
    return str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "to-fifo").symlink_to(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "to-nothing").symlink_to(tmp_path / "nothing")
    places = [tmp_path, tmp_path / "fifo", tmp_path / "to-fifo", tmp_path / "loop"]
    places += [tmp_path / "to-nothing", Path("/dev/zero"), Path("/dev/null"), Path("/dev/full")]
    for place in places:
        assert str(place) in refused_place(place)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no such sockets")
def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        assert "'s'" in refused_place(Path("s"))


def test_a_link_to_a_bundle_is_followed(tmp_path: Path) -> None:
    (tmp_path / "current.shelf").symlink_to(GOLDEN)
    assert shv.inspect(tmp_path / "current.shelf").sha256 == hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize("name", ["a\0b", "a" * 5000, ""])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    refused_place(Path(name) if name else Path("no/such/folder/x.shelf"))


def test_a_file_of_more_than_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse.shelf").open("wb") as file:
        file.truncate(2**30 + 1)
    with refuses(BundleError, "too-large", "path"):
        shv.Classifier.load(tmp_path / "sparse.shelf")


class Strange(io.BytesIO):
    """A file that does not do what files do."""

    def __init__(self, gives: Callable[[int | None], object]) -> None:
        super().__init__()
        self.gives = gives

    def read(self, size: int | None = -1) -> Any:
        return self.gives(size)


def broken(_size: int | None) -> bytes:
    raise OSError(5, "Input/output error")


def test_an_open_file_that_misbehaves_is_refused() -> None:
    with refuses(BundleError, "unreadable"):
        shv.inspect(Strange(broken))
    with refuses(BundleError, "damaged"):
        shv.inspect(Strange(lambda size: DATA))
    with refuses(BundleError, "damaged"):
        shv.inspect(Strange(lambda size: b""))
    with refuses(InvalidParameterError, "wrong-type", "path"):
        shv.inspect(Strange(lambda size: "text"))
    with refuses(InvalidParameterError, "wrong-type", "path"):
        shv.inspect(Strange(lambda size: None))


def test_an_open_file_may_give_less_than_asked() -> None:
    file = io.BytesIO(DATA)
    found = shv.inspect(Strange(lambda size: file.read(min(size or 1, 1000))))
    assert found.sha256 == hashlib.sha256(DATA).hexdigest()
