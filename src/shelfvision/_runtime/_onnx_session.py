"""ONNX Runtime sessions with limited memory."""

from __future__ import annotations

import os
import threading
from types import ModuleType
from typing import Any, TypeAlias

# Objects of ONNX Runtime, which has no type annotations.
Foreign: TypeAlias = Any

MOST_MEMORY = 4 * 2**30
"""The memory limit, in bytes, for all sessions of a process together."""
_SAME_AS_REQUESTED = 1
# Part of ONNX Runtime's message when the arena is full.
_FULL = "bfc_arena"

_lock = threading.Lock()
_bounded_in: set[int] = set()


def bounded_session(onnxruntime: ModuleType, graph: bytes, threads: int | None) -> Foreign:
    """Return a session on the CPU that fails if its graph needs too much memory.

    A graph of a few bytes can allocate gigabytes: it repeats, pads or multiplies its constants. The
    session allocates its results from an arena of limited size, which all bounded sessions of the
    process share. Constant folding allocates outside the arena, so it is disabled; files of
    `Classifier.export` are folded already.
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
    """Create this process's shared arena of limited size, once."""
    with _lock:
        if os.getpid() in _bounded_in:
            return
        kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
        place = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
        settings = {"max_mem": _most_memory(), "arena_extend_strategy": _SAME_AS_REQUESTED}
        onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg(settings))
        _bounded_in.add(os.getpid())


def shrinking_run(onnxruntime: ModuleType) -> Foreign:
    """Return run options that make the arena release unused memory after the run.

    By default the arena keeps all memory. After batches of many sizes it is fragmented, and an
    allocation may fail although little memory is in use.
    """
    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def memory_reason(error: Exception) -> str | None:
    """Return the reason as a clause if a graph needed too much memory, else None."""
    if _FULL not in str(error):
        return None
    return f"it needs more memory than the limit of {_most_memory() / 2**30:.3g} GiB"


def _most_memory() -> int:
    """Return the limit: less than `MOST_MEMORY` where the machine has not twice as much."""
    try:
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return MOST_MEMORY
    return min(MOST_MEMORY, whole // 2) if whole > 0 else MOST_MEMORY
