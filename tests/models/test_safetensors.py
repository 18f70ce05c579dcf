"""Files of tensors: what is written comes back, and a fault is told in one sentence."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import safetensors.numpy

from shelfvision._storage import safetensors as _safetensors
from shelfvision._storage.safetensors import (
    DEFAULT_LIMITS,
    DIGESTS,
    DTYPES,
    MAX_FILE,
    MAX_HEADER,
    Entry,
    Limits,
    Tensor,
    TensorHeader,
    canonical_header,
    digest_of_tensor,
    read_tensor_header,
    read_tensors,
    tensor_digests,
    write,
)
from shelfvision.errors import BundleError, InvalidParameterError
from support import refuses

KIND = "a file of weights"


def written(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Return the file with these tensors, and with their digests unless told otherwise."""
    file = io.BytesIO()
    write(file, tensors, {DIGESTS: tensor_digests(tensors)} if metadata is None else metadata)
    return file.getvalue()


def read(data: bytes, limits: Limits = DEFAULT_LIMITS) -> dict[str, Tensor]:
    """Return the tensors of a file."""
    file = io.BytesIO(data)
    return read_tensors(file, read_tensor_header(file, "'x'", limits=limits), "'x'")


def fault(data: bytes, limits: Limits = DEFAULT_LIMITS) -> str:
    """Return what is told of a file, without the advice that is always the same."""
    with pytest.raises(BundleError) as caught:
        read(data, limits)
    sentence = str(caught.value)
    assert sentence.startswith("'x' cannot be loaded: it")
    assert sentence.endswith("; check that it is the right file, and copy it from its source again")
    return sentence.removeprefix("'x' cannot be loaded: it").partition("; check that")[0].strip()


def framed(header: object, body: bytes = b"") -> bytes:
    """Return a file with this header, as it is or as JSON."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + body


def entry(**changes: object) -> dict[str, object]:
    """Return how a header describes four bytes, with changes."""
    return {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} | changes


TENSORS: dict[str, Tensor] = {
    "b/int": np.array([[1, -2], [3, 4]], np.int64),
    "a": np.array([0.5, -2.0], np.float32),
    "empty": np.zeros((0, 3), np.float16),
    "one": np.array(7, np.uint8),
    "truth": np.array([True, False]),
}


def test_tensors_come_back_to_the_bit_in_the_order_of_their_names() -> None:
    found = read(written(TENSORS))
    assert list(found) == sorted(TENSORS)
    for name, tensor in TENSORS.items():
        assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
        assert found[name].tobytes() == tensor.tobytes()


@pytest.mark.parametrize("kind", DTYPES)
def test_every_type_is_written_as_the_safetensors_package_reads_it(kind: str) -> None:
    tensor = np.arange(2).astype(DTYPES[kind])
    for given in (tensor, tensor.astype(tensor.dtype.newbyteorder(">"))):
        data = written({"w": given})
        np.testing.assert_array_equal(safetensors.numpy.load(data)["w"], tensor)
        np.testing.assert_array_equal(read(data)["w"], tensor)
        assert read(data)["w"].dtype == tensor.dtype


def test_the_same_tensors_give_the_same_bytes_for_ever() -> None:
    data = written({"b": np.array([1], np.uint8), "a": np.zeros((1, 2), np.int8)}, {"m": "é"})
    header = (
        '{"__metadata__":{"m":"\\u00e9"},"a":{"data_offsets":[0,2],"dtype":"I8","shape":[1,2]},'
        '"b":{"data_offsets":[2,3],"dtype":"U8","shape":[1]}}'
    )
    padded = header + " " * (-len(header) % 8)
    assert data == len(padded).to_bytes(8, "little") + padded.encode() + b"\0\0\1"


def test_a_digest_is_of_name_type_shape_and_bytes() -> None:
    plain = Entry(name="w", dtype="U8", shape=(4,))
    others = (
        (Entry(name="v", dtype="U8", shape=(4,)), b"abcd"),
        (Entry(name="w", dtype="I8", shape=(4,)), b"abcd"),
        (Entry(name="w", dtype="U8", shape=(2, 2)), b"abcd"),
        (plain, b"abce"),
    )
    digests = {digest_of_tensor(plain, b"abcd"), *(digest_of_tensor(*other) for other in others)}
    assert len(digests) == 5
    assert digest_of_tensor(plain, b"abcd") == (hashlib.sha256(b'["w","U8",[4]]abcd').hexdigest())


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", f"is not {KIND}, being too short for one"),
        (b"1234567", f"is not {KIND}, being too short for one"),
        (framed(b"{"), f"is not {KIND}"),
        ((MAX_HEADER + 1).to_bytes(8, "little") + b"{}", f"is not {KIND}"),
        ((3).to_bytes(8, "little") + b"{}", f"is not {KIND}"),
        (
            framed({"__metadata__": 1}),
            "has a header that is not a JSON object",
        ),
        (framed({"__metadata__": {"a": 1}}), "has metadata that is not text"),
        (
            framed({"w": 1}),
            "has a header that is not a JSON object",
        ),
        (framed({"w": entry(dtype="F8")}), "has a tensor 'w' of the unknown type 'F8'"),
        (framed({"w": entry()}, b"abc"), "ends early, in the middle of its weights"),
        (framed({"w": entry()}, b"abcde"), "has more bytes than its header declares"),
        (
            framed({"w": entry()}, np.float32(np.nan).tobytes()),
            "has numbers that are not finite in the tensor 'w'",
        ),
        (
            framed({"w": entry(data_offsets=[4, 8])}, b"abcdefgh"),
            "gives the tensor 'w' bytes that do not fit its shape",
        ),
        (
            framed({"w": entry(), "v": entry()}, b"abcd"),
            "gives the tensor 'w' bytes that do not fit its shape",
        ),
        (
            framed({"w": entry(), "v": entry(data_offsets=[5, 9])}, b"abcdefghi"),
            "gives the tensor 'v' bytes that do not fit its shape",
        ),
        (
            framed({"w": entry(shape=[2], data_offsets=[0, 4])}, b"abcd"),
            "gives the tensor 'w' bytes that do not fit its shape",
        ),
    ],
)
def test_a_fault_is_told(data: bytes, told: str) -> None:
    assert fault(data) == told


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{nothing}", "not-json"),
        (b'{"w":1,"w":2}', "duplicate"),
        (b'{"w":NaN}', "not-finite"),
        (b'{"w":1e999}', "not-finite"),
        (b'{"w":' + b"9" * 5000 + b"}", "too-large"),
        (b'{"\\ud800":1}', "wrong-encoding"),
        (b'{"\xff":1}', "wrong-encoding"),
        ('{"w":1}'.encode("utf-16"), "wrong-encoding"),
        (b"[" * 100_000, "too-deep"),
        (b"[]", "wrong-type"),
    ],
)
def test_a_header_that_is_not_json_as_it_should_be_is_refused(data: bytes, code: str) -> None:
    with refuses(BundleError, code):
        read(framed(data))


@pytest.mark.parametrize(
    "changes",
    [
        {"dtype": 3},
        {"shape": 1},
        {"shape": ["1"]},
        {"shape": [True]},
        {"shape": [-1]},
        {"shape": [MAX_FILE + 1]},
        {"shape": [1] * 33},
        {"data_offsets": [0]},
        {"data_offsets": [0, 4, 4]},
        {"data_offsets": {"0": 4}},
        {"data_offsets": [-4, 0]},
        {"more": 1},
    ],
)
def test_a_description_that_makes_no_sense_is_told_with_the_name(changes: dict[str, Any]) -> None:
    told = "describes the tensor 'w' in a way that makes no sense"
    assert fault(framed({"w": entry(**changes)}, b"abcd")) == told


def test_a_tensor_of_32_sides_is_read() -> None:
    (found,) = read(framed({"w": entry(shape=[1] * 32)}, b"abcd")).values()
    assert found.shape == (1,) * 32


def test_a_long_name_is_cut_in_what_is_told() -> None:
    assert fault(framed({"n" * 118: entry(more=1)})).count("n" * 118) == 1
    told = fault(framed({"n" * 119: entry(more=1)}))
    assert f"the tensor '{'n' * 116}... in a way" in told


@pytest.mark.parametrize(("deep", "read_"), [(65, True), (66, False)])
def test_lists_and_mappings_may_stand_64_deep_in_each_other(deep: int, read_: bool) -> None:
    told = fault(framed(b'{"w":' * (deep - 1) + b"[]" + b"}" * (deep - 1)))
    assert (told == "describes the tensor 'w' in a way that makes no sense") == read_
    assert told.startswith("has a header that is not the JSON that it should be") != read_


@pytest.mark.parametrize(
    ("digests", "told"),
    [
        ({"w": "0" * 64}, "is damaged: the tensor 'w' does not match its digest"),
        ({}, "has digests for other tensors than it holds"),
        ({"w": "0" * 64, "v": ""}, "has digests for other tensors than it holds"),
        (
            [],
            "has a header that is not the JSON that it should be: it is a JSON list, not an object",
        ),
    ],
)
def test_digests_that_do_not_fit_are_told(digests: object, told: str) -> None:
    assert fault(written({"w": np.zeros(1)}, {DIGESTS: json.dumps(digests)})) == told


def test_a_file_without_digests_or_metadata_is_read() -> None:
    assert read(framed({"w": entry()}, b"\0\0\0\0"))["w"].tolist() == [0.0]
    assert read(framed({})) == {}


def limited(monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
    """Set limits small enough to be reached."""
    for name, limit in limits.items():
        monkeypatch.setattr(_safetensors, name, limit)


def test_no_more_is_read_than_the_limits_allow() -> None:
    three: dict[str, Tensor] = {name: np.zeros(4, np.uint8) for name in "abc"}
    data = written(three, {})
    header = int.from_bytes(data[:8], "little")
    enough = Limits(tensors=3, file=len(data), header=header)
    assert len(read(data, enough)) == 3
    assert fault(data, replace(enough, tensors=2)) == "has 3 tensors, over the limit of 2"
    shorter = replace(enough, file=len(data) - 1)
    assert fault(data, shorter) == f"claims {len(data)} bytes, over the limit of {len(data) - 1}"
    assert fault(data, replace(enough, header=header - 1)) == "is not a file of weights"


def test_nothing_is_written_that_would_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    two: dict[str, Tensor] = {name: np.zeros(4, np.uint8) for name in "ab"}
    data = written(two, {})
    raw = int.from_bytes(data[:8], "little")
    most = {"MAX_TENSORS": 2, "MAX_FILE": len(data), "MAX_HEADER": raw}
    limited(monkeypatch, **most)
    assert written(two, {}) == data
    for name, limit in most.items():
        limited(monkeypatch, **(most | {name: limit - 1}))
        with pytest.raises(InvalidParameterError) as caught:
            written(two, {})
        now = most | {name: limit - 1}
        assert str(caught.value) == (
            f"the file would have 2 tensors, {len(data)} bytes and {raw} bytes of names and "
            f"settings; at most {now['MAX_TENSORS']}, {now['MAX_FILE']} and {now['MAX_HEADER']} "
            "can be loaded again, so keep less in it"
        )


class Dripping(io.BytesIO):
    """A file that gives little at a time, and notes how much it was asked for."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self.most = most
        self.asked: list[int] = []

    def read(self, size: int | None = -1) -> bytes:
        self.asked.append(size or 0)
        return super().read(min(size or 0, self.most))


@pytest.mark.parametrize("most", [1, 3, 10**9])
def test_a_file_may_give_less_than_asked_for_and_is_asked_for_little(most: int) -> None:
    tensor: npt.NDArray[np.uint8] = np.zeros(50 if most < 10 else 2**20 + 9, np.uint8)
    file = Dripping(written({"w": tensor}), most)
    found = read_tensors(file, read_tensor_header(file, "'x'"), "'x'")
    assert found["w"].tobytes() == tensor.tobytes()
    assert max(file.asked) <= 2**20


def test_the_size_of_a_file_is_known_from_its_header() -> None:
    data = written(TENSORS)
    header = read_tensor_header(io.BytesIO(data), "'x'")
    assert header.file_size == len(data)
    assert canonical_header(header.entries, header.metadata) == header.raw
    assert isinstance(header, TensorHeader)
    assert [each.size for each in header.entries] == [8, 32, 0, 1, 2]


def test_what_a_file_should_be_is_told_in_the_readers_words() -> None:
    read_it: Callable[[bytes], TensorHeader] = lambda data: read_tensor_header(  # noqa: E731  (short)
        io.BytesIO(data), "'x'", kind="a gallery"
    )
    with refuses(BundleError, "damaged") as short:
        read_it(b"abc")
    assert "not a gallery" in str(short.value)
    with refuses(BundleError, "foreign-format") as foreign:
        read_it(b"\x89PNG\r\n\x1a\n")
    assert "not a gallery" in str(foreign.value)
