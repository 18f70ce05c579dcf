"""Deterministic random streams, named by purpose; all randomness of the package is made here.

A key is the hash of length-prefixed fields, so that different keys do not collide (seed 0, item 5
and seed 5, item 0). Results are independent of the order of calls, of the process and of Python's
hash seed. Results that must be identical in all versions (orders, splits) are computed from the
digest, because NumPy does not guarantee stable `numpy.random.Generator` streams.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import final

import numpy as np
import numpy.typing as npt
from numpy.random.bit_generator import ISpawnableSeedSequence
from typing_extensions import override


def key_digest(seed: int, purpose: str, *key: str | int) -> bytes:
    """Return 32 bytes that depend on the seed, the purpose and every field of the key."""
    hasher = hashlib.sha256()
    for field in (seed, purpose, *key):
        _feed(hasher, field)
    return hasher.digest()


def _feed(hasher: hashlib._Hash, field: str | int) -> None:
    data = str(field).encode("utf-8", "surrogateescape")
    # Not isinstance(field, int): NumPy integers must give the same key as ints.
    kind = b"s" if isinstance(field, str) else b"i"
    hasher.update(kind + len(data).to_bytes(8, "little") + data)


def rng_for(seed: int, purpose: str, *key: str | int) -> np.random.Generator:
    """Return the random generator for a seed, purpose and key."""
    root = _Key(key_digest(seed, purpose, *key))
    return np.random.Generator(np.random.Philox(root))  # type: ignore[arg-type]  # numpy's stub


@final
class _Key(ISpawnableSeedSequence):
    """A digest as the key of a Philox generator, and of the generators that it spawns.

    A Philox with only ``key=`` also reads entropy from the system. That takes most of the time, and
    its children are not reproducible.
    """

    __slots__ = ("_digest", "_spawned")

    def __init__(self, digest: bytes) -> None:
        self._digest = digest
        self._spawned = 0

    @override
    def generate_state(
        self, n_words: int, dtype: npt.DTypeLike = np.uint32
    ) -> npt.NDArray[np.uint32 | np.uint64]:
        """Return the first words of the digest; a Philox requires two words of 64 bits."""
        return np.frombuffer(self._digest[:16], dtype="<u8").astype(np.uint64)

    @override
    def spawn(self, n_children: int) -> list[_Key]:
        """Return keys derived from this key and from the number of keys it spawned before."""
        first = self._spawned
        self._spawned += n_children
        return [
            _Key(hashlib.sha256(self._digest + number.to_bytes(8, "little")).digest())
            for number in range(first, self._spawned)
        ]


def rank_for(seed: int, purpose: str, *key: str | int) -> int:
    """Return a stable pseudo-random integer in [0, 2**64); sorting by it shuffles."""
    return int.from_bytes(key_digest(seed, purpose, *key)[:8], "little")


def ranks_for(seed: int, purpose: str, keys: Iterable[str]) -> npt.NDArray[np.uint64]:
    """Return ``rank_for(seed, purpose, key)`` for every key, faster than one by one."""
    prefix = hashlib.sha256()
    for field in (seed, purpose):
        _feed(prefix, field)
    heads = bytearray()
    for key in keys:
        # _feed inlined for speed, because there may be millions of keys.
        data = key.encode("utf-8", "surrogateescape")
        hasher = prefix.copy()
        hasher.update(b"s" + len(data).to_bytes(8, "little") + data)
        heads += hasher.digest()[:8]
    return np.frombuffer(bytes(heads), dtype="<u8").astype(np.uint64)


def order_for(n: int, seed: int, purpose: str, *key: str | int) -> npt.NDArray[np.int64]:
    """Return a stable pseudo-random permutation of ``range(n)``.

    It sorts the raw words of a Philox bit generator, whose stream NumPy guarantees.
    """
    words = np.frombuffer(key_digest(seed, purpose, *key)[:16], dtype="<u8").astype(np.uint64)
    raw = np.random.Philox(key=words).random_raw(n)
    return np.argsort(raw, kind="stable").astype(np.int64)


def seed_for(seed: int, purpose: str, *key: str | int) -> int:
    """Return a seed in [0, 2**31) for a library that requires an integer."""
    return rank_for(seed, purpose, *key) >> 33
