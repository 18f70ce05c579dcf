"""Check that an argument is a dataset."""

from __future__ import annotations

from shelfvision.data._dataset import Dataset
from shelfvision.errors import InvalidParameterError


def require_dataset(name: str, value: object) -> Dataset:
    """Return `value` if it is a `Dataset`, or raise an error that shows how to make one.

    Parameters
    ----------
    name : str
        The parameter name, for the error message.
    value : object
        The argument.

    Raises
    ------
    InvalidParameterError
        `value` is not a `Dataset`.
    """
    if not isinstance(value, Dataset):
        raise InvalidParameterError(
            f"{name} must be a shelfvision.Dataset, got {type(value).__name__}; make one with "
            "Dataset.from_directory(...), or from arrays with Dataset.from_arrays(images, labels)",
            code="wrong-type",
            parameter=name,
        )
    return value
