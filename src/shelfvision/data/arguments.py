"""Checks of arguments that must be datasets."""

from __future__ import annotations

from shelfvision.data._dataset import Dataset
from shelfvision.errors import InvalidParameterError


def require_dataset(name: str, value: object) -> Dataset:
    """Return a dataset, or refuse what is none and say how to make one.

    Parameters
    ----------
    name : str
        What the caller calls the argument.
    value : object
        What was given.

    Raises
    ------
    InvalidParameterError
        `value` is no `Dataset`.
    """
    if not isinstance(value, Dataset):
        raise InvalidParameterError(
            f"{name} must be a shelfvision.Dataset, not {type(value).__name__}; make one with "
            "Dataset.from_directory(...), or of arrays with Dataset.from_arrays(images, labels)",
            code="wrong-type",
            parameter=name,
        )
    return value
