"""Every error and warning that shelfvision raises.

All errors derive from `ShelfVisionError` and from the built-in type that a caller expects, so both
``except ShelfVisionError`` and ``except ValueError`` work. A message is one sentence: parameter,
constraint, value received, remedy. Messages may be reworded; programs read `code`, a stable
identifier of the reason, and `parameter`, the argument at fault.

Examples
--------
>>> import shelfvision as shv
>>> try:
...     shv.SeededSplitter(seed=-1)
... except shv.errors.ShelfVisionError as error:
...     print(error.code, error.parameter)
not-in-range seed
"""

from __future__ import annotations

from shelfvision._text import printable

__all__ = [
    "AugmenterError",
    "BundleError",
    "BundleNotFoundError",
    "DataError",
    "DatasetNotFoundError",
    "ExportError",
    "InvalidParameterError",
    "LeakageError",
    "LeakageWarning",
    "MissingBackendError",
    "MissingDependencyError",
    "ModelError",
    "PhotoError",
    "PhotoNotFoundError",
    "ResumeError",
    "ShelfVisionError",
    "ShelfVisionWarning",
    "SplitError",
    "StorageError",
    "TrainingError",
    "TrainingWarning",
]


class _Coded(Exception):  # noqa: N818  # the common part of errors and warnings
    """A message with a stable `code` and the `parameter` at fault."""

    code: str = "error"
    """A stable identifier of the reason, for programs: ``"not-in-range"`` and the like."""
    parameter: str | None = None
    """The name of the argument at fault, or None where no single argument is."""

    def __init__(
        self, message: str, *, code: str | None = None, parameter: str | None = None
    ) -> None:
        # Names and messages of other libraries may contain terminal escape sequences.
        super().__init__(printable(message, lines=True))
        # Class attributes are the defaults; only different values are stored and pickled.
        if code is not None:
            self.code = code
        if parameter is not None:
            self.parameter = parameter


class ShelfVisionError(_Coded):
    """The base class of all errors that shelfvision raises.

    Parameters
    ----------
    message : str
        The complete message.
    code : str, optional
        A stable identifier of the reason, for programs; by default that of the class.
    parameter : str, optional
        The name of the argument at fault, if there is one.
    """


class InvalidParameterError(ShelfVisionError, ValueError):
    """An argument has a value that the called function cannot use."""

    code = "invalid-parameter"


class DataError(ShelfVisionError, ValueError):
    """A dataset cannot be used: it is empty, has one class only, or labels do not match."""

    code = "unusable-data"


class DatasetNotFoundError(ShelfVisionError, FileNotFoundError):
    """The folder, manifest or list file of a dataset does not exist."""

    code = "not-found"


class PhotoError(ShelfVisionError, OSError):
    """A photo cannot be read.

    Parameters
    ----------
    message : str
        The complete message.
    path : str, default=""
        The photo's path, or a description of where its bytes came from.
    code : str, default="unreadable"
        A stable identifier of the reason, such as ``"not-an-image"``, ``"truncated"`` or
        ``"permission"``.
    parameter : str, optional
        The name of the argument at fault, if there is one.
    """

    code = "unreadable"
    path: str
    """The photo's path, or a description of where its bytes came from."""

    def __init__(
        self,
        message: str,
        *,
        path: str = "",
        code: str | None = None,
        parameter: str | None = None,
    ) -> None:
        super().__init__(message, code=code, parameter=parameter)
        self.path = path


class PhotoNotFoundError(PhotoError, FileNotFoundError):
    """A photo does not exist."""

    code = "not-found"


class SplitError(ShelfVisionError, ValueError):
    """A dataset cannot be split as asked, or a saved split does not fit it."""

    code = "split"


class LeakageError(SplitError):
    """Sets of a split share photos (data leakage), so scores would be too high."""

    code = "leakage"


class AugmenterError(ShelfVisionError, ValueError):
    """An augmenter violates its contract, or cannot be built from its arguments."""

    code = "augmenter"


class ModelError(ShelfVisionError, ValueError):
    """A model cannot be built or used with these arguments."""

    code = "model"


class TrainingError(ShelfVisionError, RuntimeError):
    """A training run cannot start or continue, or has diverged."""

    code = "training"


class ResumeError(TrainingError, ValueError):
    """A training run cannot be resumed: its settings changed, or its files are corrupted."""

    code = "resume"


class BundleError(ShelfVisionError, ValueError):
    """A file is not a bundle that this version can load, or is corrupted or manipulated."""

    code = "bundle"


class BundleNotFoundError(BundleError, FileNotFoundError):
    """The file of a saved classifier, or of weights, does not exist."""

    code = "not-found"


class ExportError(ShelfVisionError, ValueError):
    """A classifier cannot be exported, or the exported file predicts something else."""

    code = "export"


class StorageError(ShelfVisionError, OSError):
    """A file cannot be written; an existing file is unchanged."""

    code = "storage"


class MissingDependencyError(ShelfVisionError, ImportError):
    """An optional package is not installed; the message contains the pip command."""

    code = "missing-dependency"


class MissingBackendError(MissingDependencyError):
    """No usable Keras backend is installed; the message contains the pip command."""

    code = "missing-backend"


class ShelfVisionWarning(_Coded, UserWarning):
    """The base class of all warnings of shelfvision; warnings have a ``code``, like errors."""

    code = "warning"


class LeakageWarning(ShelfVisionWarning):
    """Sets share photos (data leakage), and the caller chose to allow or drop them."""

    code = "leakage"


class TrainingWarning(ShelfVisionWarning):
    """A training run continues, but differs from what its settings suggest."""

    code = "training"
