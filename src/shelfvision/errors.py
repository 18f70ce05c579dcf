"""Every error and warning that shelfvision raises.

All errors derive from `ShelfVisionError` and from the built-in kind that a caller would
expect, so both ``except ShelfVisionError`` and ``except ValueError`` work. Messages are one
sentence: what went wrong, where, what was got, what to do.
"""

from __future__ import annotations

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


class ShelfVisionError(Exception):
    """The root of every error that shelfvision raises on purpose."""


class InvalidParameterError(ShelfVisionError, ValueError):
    """An argument has a value that the called function cannot use."""


class DataError(ShelfVisionError, ValueError):
    """A set of photos cannot be used as it is: empty, one class only, labels that do not match."""


class DatasetNotFoundError(ShelfVisionError, FileNotFoundError):
    """The folder, manifest or list file of a dataset does not exist."""


class PhotoError(ShelfVisionError, OSError):
    """A photo cannot be read.

    Parameters
    ----------
    message : str
        The whole sentence.
    path : str, default=""
        The photo's path, or a description of where its bytes came from.
    code : str, default="unreadable"
        A short stable word for the reason, for programs: ``"not-an-image"``, ``"truncated"``,
        ``"permission"`` and the like.
    """

    path: str
    """The photo's path, or a description of where its bytes came from."""
    code: str
    """A short stable word for the reason."""

    def __init__(self, message: str, *, path: str = "", code: str = "unreadable") -> None:
        super().__init__(message)
        self.path = path
        self.code = code


class PhotoNotFoundError(PhotoError, FileNotFoundError):
    """A photo does not exist."""


class SplitError(ShelfVisionError, ValueError):
    """A dataset cannot be split as asked, or a saved split does not fit it."""


class LeakageError(SplitError):
    """Parts of a split share photos, so that a score on one would measure memory of another."""


class AugmenterError(ShelfVisionError, ValueError):
    """An augmenter broke its contract, or cannot be built from what was given."""


class ModelError(ShelfVisionError, ValueError):
    """A model cannot be built or used as asked."""


class TrainingError(ShelfVisionError, RuntimeError):
    """A training run cannot start, go on or be trusted."""


class ResumeError(TrainingError, ValueError):
    """A run on disk cannot be continued: something about it changed, or its files are damaged."""


class BundleError(ShelfVisionError, ValueError):
    """A file is not a bundle that this version can load, or was damaged or tampered with."""


class BundleNotFoundError(BundleError, FileNotFoundError):
    """The file of a saved classifier, or of weights, does not exist."""


class ExportError(ShelfVisionError, ValueError):
    """A classifier cannot be exported as asked, or the file does not say the same."""


class StorageError(ShelfVisionError, OSError):
    """A file could not be written; whatever stood there before is unchanged."""


class MissingDependencyError(ShelfVisionError, ImportError):
    """An optional package is needed; the message gives the pip line."""


class MissingBackendError(MissingDependencyError):
    """Keras has no usable backend installed; the message gives the pip line."""


class ShelfVisionWarning(UserWarning):
    """The root of every warning that shelfvision gives."""


class LeakageWarning(ShelfVisionWarning):
    """Parts share photos and the caller asked to allow or drop them."""


class TrainingWarning(ShelfVisionWarning):
    """A training run goes on, but not quite as one may think."""
