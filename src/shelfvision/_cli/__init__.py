"""The command line: parse the arguments, run the module of the command, report errors in one line.

An error is one line on standard error: ``shelfvision: error: SENTENCE [CODE]``. Programs can rely
on the exit status and the code; docs/reference/errors.md lists the codes.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import logging
import os
import sys
import warnings
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from shelfvision._cli._parser import parser
from shelfvision._cli._remedies import for_shell
from shelfvision._cli._say import complain, settle_streams, signs_of_life
from shelfvision._versions import REQUIRED
from shelfvision.errors import InvalidParameterError, ShelfVisionError, ShelfVisionWarning

FAILURE, USAGE, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141

_UNWRITTEN = (errno.ENOSPC, errno.EFBIG, errno.EIO)


def entry() -> None:
    """Run the command line and exit with its status; the entry point of the program."""
    _open_what_is_closed()
    if "--debug" not in sys.argv:
        _silence_native_code()
    settle_streams()
    status = main()
    # Flushing may fail as well: on a broken pipe or a full disk.
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = BROKEN_PIPE
    except OSError as error:
        status = status or FAILURE
        complain(_sentence(error))
    if status:
        _drop_what_is_left()
    sys.exit(status)


def _open_what_is_closed() -> None:
    """Replace standard streams that are closed (``>&-``) by the null device."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  (to stay)


def _drop_what_is_left() -> None:
    """Discard the rest of the output, which Python would try to write again at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 for success, 1 for failure, 2 for usage."""
    try:
        chosen = parser().parse_args(arguments)
    except InvalidParameterError as error:
        complain(_sentence(error))
        return USAGE
    try:
        with _one_line_warnings(chosen.options), _logged(), signs_of_life(chosen.command):
            _module("options.checks").require_places(chosen)
            status: int = _module(f"_{chosen.command}").run(chosen)
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE
    except Exception as error:
        if chosen.debug:
            raise
        complain(_sentence(error, chosen.options))
        return USAGE if isinstance(error, InvalidParameterError) else FAILURE
    return status


def _module(name: str) -> Any:
    """Import a module that needs packages which ``--help`` does not load."""
    return importlib.import_module(f"shelfvision._cli.{name}")


def _sentence(error: Exception, options: Collection[str] = ()) -> str:
    if isinstance(error, ShelfVisionError):
        return f"error: {for_shell(error, options)} [{error.code}]"
    if isinstance(error, OSError) and error.strerror:
        if error.filename is None and error.errno in _UNWRITTEN:
            # All files that a command writes have names, so this is the standard output.
            return (
                f"error: cannot write the output: {error.strerror}; free disk space, or write "
                "it to another place [not-writable]"
            )
        which = "" if error.filename is None else f": {os.fsdecode(error.filename)!r}"
        return f"error: {error.strerror}{which}"
    package = REQUIRED.get((getattr(error, "name", None) or "").partition(".")[0])
    if isinstance(error, ModuleNotFoundError) and package is not None:
        return (
            f"error: the command needs the package {package!r}, which is not installed; "
            f"run: pip install {package} [missing-dependency]"
        )
    # Messages of other libraries may have many lines.
    message = " ".join(str(error).split())
    return f"error: {type(error).__name__}: {message}; run it again with --debug for a traceback"


@contextlib.contextmanager
def _one_line_warnings(options: Collection[str]) -> Iterator[None]:
    def show(message: Warning | str, category: type[Warning], *_: object) -> None:
        if isinstance(message, ShelfVisionWarning):
            complain(f"warning: {for_shell(message, options)} [{message.code}]")
        elif category.__module__.startswith("shelfvision"):
            complain(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]  # it takes what is not needed, too
        yield


class _LogLines(logging.Handler):
    """Write log records of the library to standard error, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the message of a record."""
        complain(record.getMessage())


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """Show log records: warnings on a terminal, otherwise also one line for each epoch."""
    logger, handler = logging.getLogger("shelfvision"), _LogLines()
    before, propagated = logger.level, logger.propagate
    logger.setLevel(logging.WARNING if sys.stderr.isatty() else logging.INFO)
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        logger.propagate = propagated


def _silence_native_code() -> None:
    """Redirect the native standard error, which TensorFlow writes to, to the null device."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with contextlib.suppress(OSError, ValueError):
        own, encoding = os.dup(sys.stderr.fileno()), sys.stderr.encoding
        sys.stderr = os.fdopen(own, "w", buffering=1, encoding=encoding, errors="backslashreplace")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
