"""ONNX Runtime with a bound on the memory that a graph can ask for."""

from __future__ import annotations

import os
import threading
from types import ModuleType
from typing import Any, TypeAlias

# The runtime's own objects, which have no types.
Foreign: TypeAlias = Any

MOST_MEMORY = 4 * 2**30
"""How much memory, in bytes, all sessions of a process compute in at most."""
_SAME_AS_REQUESTED = 1
# What ONNX Runtime's message names when there is no more room.
_FULL = "bfc_arena"

_lock = threading.Lock()
_bounded_in: set[int] = set()


def bounded_session(onnxruntime: ModuleType, graph: bytes, threads: int | None) -> Foreign:
    """Return a session on the CPU that fails where its graph asks for too much memory.

    A graph of a few bytes can ask for any number of gigabytes: it repeats, pads or multiplies what
    it has. All that a session computes comes from an arena, which ONNX Runtime shares between the
    sessions that ask for it, and whose size can be limited. Folding of constants, which computes
    outside of it, is left out; what `Classifier.export` writes has been folded already.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if threads is not None:
        options.intra_op_num_threads = threads
    _bound(onnxruntime)
    options.add_session_config_entry("session.use_env_allocators", "1")
    return onnxruntime.InferenceSession(
        graph,
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["ConstantFolding"],
    )


def _bound(onnxruntime: ModuleType) -> None:
    """Give the sessions of this process an arena of limited size; others keep their own."""
    with _lock:
        if os.getpid() in _bounded_in:
            return
        kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
        place = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
        settings = {"max_mem": _most_memory(), "arena_extend_strategy": _SAME_AS_REQUESTED}
        onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg(settings))
        _bounded_in.add(os.getpid())


def shrinking_run(onnxruntime: ModuleType) -> Foreign:
    """Return options of a run after which the arena gives back what nothing is in.

    The arena keeps what it once had. After batches of many sizes it is full of pieces that fit
    none of the next size, though hardly any of them is in use.
    """
    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def memory_reason(error: Exception) -> str | None:
    """Return the reason in words where a graph asked for too much memory, else None."""
    if _FULL not in str(error):
        return None
    return f"it takes more memory than the {_most_memory() / 2**30:.3g} GiB that it may take"


def _most_memory() -> int:
    """Return the limit: less than `MOST_MEMORY` where the machine has not twice as much."""
    try:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return MOST_MEMORY
    return min(MOST_MEMORY, whole // 2) if whole > 0 else MOST_MEMORY
