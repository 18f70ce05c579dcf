"""Read many damaged and forged bundles under watch; test_bundle_mutants.py runs it alone."""

from __future__ import annotations

import copy
import io
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from shelfvision._storage.json_values import canonical_json
from shelfvision._storage.safetensors import DIGESTS
from shelfvision._storage.sealed import SEAL, seal
from shelfvision.errors import BundleError
from shelfvision.inference._bundle import read_contents
from shelfvision.inference._manifest import ENTRY

GOLDEN = Path(__file__).with_name("golden")
FORBIDDEN = (
    *("compile", "ctypes", "exec", "import", "marshal", "open", "os.", "pickle", "shutil"),
    *("socket", "subprocess", "tempfile", "urllib"),
)
Mutator = Callable[[bytes, random.Random], bytes]
Kind = Callable[[bytes, slice], Iterator[tuple[int, bytes]]]
ODD: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 2, 2**31, 2**40, 10**30, 0.5, -0.0, 1e300),
    *("", "x", "\ud800", "\0", "../../etc/passwd", "os.system", "keras:MobileNetV3Small"),
    *([], [[]], {}, {"a": {}}, [0, 0], [1, -1], [10**9, 10**9], ["x", "x"]),
)


def parts(data: bytes) -> tuple[dict[str, object], bytes]:
    """Return the header and what follows it."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def joined(header: object, rest: bytes) -> bytes:
    """Return a file with this header, written as ours is."""
    raw = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    return len(raw).to_bytes(8, "little") + raw + rest


def resealed(header: dict[str, object], manifest: str, rest: bytes) -> bytes:
    """Return a file with this manifest, whose digests an attacker has made right."""
    metadata = header["__metadata__"]
    assert isinstance(metadata, dict)
    metadata[ENTRY] = manifest
    metadata[SEAL] = seal(manifest, metadata[DIGESTS])
    return joined(header, rest)


def bytes_changed(data: bytes, chance: random.Random) -> bytes:
    """Return damaged bytes, of the header half of the time."""
    made = bytearray(data)
    header = 8 + int.from_bytes(data[:8], "little")
    for _ in range(chance.choice((1, 1, 2, 8))):
        start = chance.randrange(min(len(made), header) if chance.random() < 0.5 else len(made))
        size = chance.choice((1, 1, 2, 8, 64))
        what = chance.randrange(5)
        if what == 0:
            made[start] ^= 1 << chance.randrange(8)
        elif what == 1:
            made[start : start + size] = chance.randbytes(size)
        elif what == 2:
            del made[start : start + size]
        elif what == 3:
            made[start:start] = made[start : start + size] * chance.choice((1, 2, 50))
        else:
            made[start : start + size] = chance.choice((b"\0", b"\xff", b"9", b"[")) * size
    return bytes(made)


def cut(data: bytes, chance: random.Random) -> bytes:
    """Return the beginning of a file."""
    return data[: chance.randrange(len(data))]


def places(value: object) -> Iterator[tuple[object, object]]:
    """Yield (container, key) of everything inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]  # only called with these
    for key, inner in list(inside):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


def odd(chance: random.Random) -> object:
    """Return something odd that nothing else shares."""
    return copy.deepcopy(chance.choice(ODD))


def one_value_changed(value: object, chance: random.Random) -> None:
    """Put something odd in a JSON value, take something out, or double it."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        found = list(places(value))
        if not found:
            return
        holder, key = chance.choice(found)
        what = chance.randrange(6)
        if what == 0:
            del holder[key]  # type: ignore[attr-defined]  # a dict or list
        elif what == 1 and isinstance(holder, dict):
            holder[chance.choice(("x", "", "format", "spec", "__metadata__"))] = odd(chance)
        elif what == 1:
            holder.append(odd(chance))  # type: ignore[attr-defined]  # a list
        else:
            holder[key] = odd(chance)  # type: ignore[index]  # a dict or list


def manifest_forged(data: bytes, chance: random.Random) -> bytes:
    """Return a file whose manifest says other things, sealed."""
    header, rest = parts(data)
    metadata = header["__metadata__"]
    assert isinstance(metadata, dict)
    manifest = json.loads(metadata[ENTRY])
    one_value_changed(manifest, chance)
    return resealed(header, canonical_json(manifest), rest)


def manifest_text_forged(data: bytes, chance: random.Random) -> bytes:
    """Return a file whose manifest is damaged text, sealed."""
    header, rest = parts(data)
    metadata = header["__metadata__"]
    assert isinstance(metadata, dict)
    text = metadata[ENTRY]
    start = chance.randrange(len(text))
    inserts = ("[" * 500, "9" * 400, "1e999", "NaN", '"a":1,', "\\u0000", "{}", "-", "\u2028", "")
    stop = start + chance.choice((0, 0, 1, 1, 5, 50))
    return resealed(header, text[:start] + chance.choice(inserts) + text[stop:], rest)


def header_forged(data: bytes, chance: random.Random) -> bytes:
    """Return a file whose header says other things of its tensors."""
    header, rest = parts(data)
    one_value_changed(header, chance)
    return joined(header, rest)


def length_forged(data: bytes, chance: random.Random) -> bytes:
    """Return a file whose header claims another length."""
    length = int.from_bytes(data[:8], "little")
    lengths = (0, 1, 2, length - 8, length + 8, 2**20, 2**20 + 1, 2**31, 2**63, 2**64 - 1)
    return chance.choice(lengths).to_bytes(8, "little") + data[8:]


MUTATORS: tuple[Mutator, ...] = (
    *(bytes_changed, bytes_changed, cut, manifest_forged, manifest_forged),
    *(manifest_text_forged, header_forged, header_forged, length_forged),
)


def mutants(data: bytes, turns: slice) -> Iterator[tuple[int, bytes]]:
    """Yield damaged and forged files, each the same whenever it is asked for."""
    for number in range(turns.stop)[turns]:
        chance = random.Random(number)
        yield number, chance.choice(MUTATORS)(data, chance)


def flips(data: bytes, turns: slice) -> Iterator[tuple[int, bytes]]:
    """Yield the file with every single bit flipped, in an order without pattern."""
    made = bytearray(data)
    for position in np.random.default_rng(0).permutation(len(data) * 8)[turns]:
        place, bit = divmod(int(position), 8)
        made[place] ^= 1 << bit
        yield int(position), bytes(made)
        made[place] ^= 1 << bit


def cuts(data: bytes, turns: slice) -> Iterator[tuple[int, bytes]]:
    """Yield the file cut off at every length, in an order without pattern."""
    for length in np.random.default_rng(0).permutation(len(data))[turns]:
        yield int(length), data[:length]


KINDS: dict[str, Kind] = {"mutants": mutants, "flips": flips, "cuts": cuts}


class Watch:
    """Notes what code in a file could do if it were run, while it looks."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.looking = False
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.looking and event.startswith(FORBIDDEN):
            self.seen[f"{event} {arguments!r:.80}"] += 1

    def __enter__(self) -> None:
        self.looking = True

    def __exit__(self, *_: object) -> None:
        self.looking = False


def read(data: bytes, watch: Watch) -> str:
    """Return what came of reading a file."""
    try:
        with watch:
            read_contents(io.BytesIO(data))
    except BundleError as error:
        return "refused" if len(str(error)) < 1000 else f"a long sentence: {error!s:.200}"
    except BaseException as error:  # noqa: BLE001  (any other is what is looked for)
        return f"{type(error).__name__}: {error!s:.200}"
    return "accepted"


def watched() -> Watch:
    """Return what watches this process, once it has been seen to see."""
    watch = Watch()
    with watch:
        compile("0", "canary", "eval")
    if watch.seen.total() != 1:
        raise RuntimeError(f"the watch is blind: {watch.seen}")
    watch.seen.clear()
    return watch


def peak_mib() -> float:
    """Return the most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(kind: str, count: int, share: int, shares: int) -> None:
    """Read one share of so many files of a kind and print the outcome as JSON."""
    data = (GOLDEN / "version-3.shelf").read_bytes()
    # What is imported when first needed is imported now.
    read_contents(io.BytesIO(data))
    watch = watched()
    before = 0.0
    outcomes: Counter[str] = Counter()
    done, slowest = 0, 0.0
    for number, made in KINDS[kind](data, slice(share, count, shares)):
        before = before or peak_mib()
        done += 1
        began = time.process_time()
        outcome = read(made, watch)
        slowest = max(slowest, time.process_time() - began)
        outcomes[outcome if outcome in ("refused", "accepted") else f"{number}: {outcome}"] += 1
    grown = peak_mib() - before
    told = {"read": done, "outcomes": outcomes, "slowest_s": slowest, "grown_mib": grown}
    print(json.dumps(told | {"seen": watch.seen, "keras": "keras" in sys.modules}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
