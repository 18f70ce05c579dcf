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
        # Names and messages of other libraries may hold what moves a cursor.
        super().__init__(printable(message, lines=True))
        # The attributes of the class are the defaults; only what differs is kept and pickled.
        if code is not None:
            self.code = code
        if parameter is not None:
            self.parameter = parameter


class ShelfVisionError(_Coded):
    """The root of every error that shelfvision raises on purpose.

    Parameters
    ----------
    message : str
        The whole sentence.
    code : str, optional
        A stable identifier of the reason, for programs; by default that of the class.
    parameter : str, optional
        The name of the argument at fault, where one is.
    """


class InvalidParameterError(ShelfVisionError, ValueError):
    """An argument has a value that the called function cannot use."""

    code = "invalid-parameter"


class DataError(ShelfVisionError, ValueError):
    """A set of photos cannot be used as it is: empty, one class only, labels that do not match."""

    code = "unusable-data"


class DatasetNotFoundError(ShelfVisionError, FileNotFoundError):
    """The folder, manifest or list file of a dataset does not exist."""

    code = "not-found"


class PhotoError(ShelfVisionError, OSError):
    """A photo cannot be read.

    Parameters
    ----------
    message : str
        The whole sentence.
    path : str, default=""
        The photo's path, or a description of where its bytes came from.
    code : str, default="unreadable"
        A stable identifier of the reason: ``"not-an-image"``, ``"truncated"``, ``"permission"``
        and the like.
    parameter : str, optional
        The name of the argument at fault, where one is.
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
    """Parts of a split share photos, so that a score on one would measure memory of another."""

    code = "leakage"


class AugmenterError(ShelfVisionError, ValueError):
    """An augmenter broke its contract, or cannot be built from what was given."""

    code = "augmenter"


class ModelError(ShelfVisionError, ValueError):
    """A model cannot be built or used as asked."""

    code = "model"


class TrainingError(ShelfVisionError, RuntimeError):
    """A training run cannot start, go on or be trusted."""

    code = "training"


class ResumeError(TrainingError, ValueError):
    """A run on disk cannot be continued: something about it changed, or its files are damaged."""

    code = "resume"


class BundleError(ShelfVisionError, ValueError):
    """A file is not a bundle that this version can load, or was damaged or tampered with."""

    code = "bundle"


class BundleNotFoundError(BundleError, FileNotFoundError):
    """The file of a saved classifier, or of weights, does not exist."""

    code = "not-found"


class ExportError(ShelfVisionError, ValueError):
    """A classifier cannot be exported as asked, or the file does not say the same."""

    code = "export"


class StorageError(ShelfVisionError, OSError):
    """A file could not be written; whatever stood there before is unchanged."""

    code = "storage"


class MissingDependencyError(ShelfVisionError, ImportError):
    """An optional package is needed; the message gives the pip line."""

    code = "missing-dependency"


class MissingBackendError(MissingDependencyError):
    """Keras has no usable backend installed; the message gives the pip line."""

    code = "missing-backend"


class ShelfVisionWarning(_Coded, UserWarning):
    """The root of every warning that shelfvision gives; it has a ``code``, as errors do."""

    code = "warning"


class LeakageWarning(ShelfVisionWarning):
    """Parts share photos and the caller asked to allow or drop them."""

    code = "leakage"


class TrainingWarning(ShelfVisionWarning):
    """A training run goes on, but not quite as one may think."""

    code = "training"
