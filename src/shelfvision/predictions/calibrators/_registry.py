"""The registry of calibration methods by name: built-in ones and those that users register."""

from __future__ import annotations

import threading
from typing import TypeAlias, TypeVar

from shelfvision._validation import listed
from shelfvision.errors import InvalidParameterError
from shelfvision.predictions.calibrators._isotonic import IsotonicCalibration
from shelfvision.predictions.calibrators._platt import PlattScaling
from shelfvision.predictions.calibrators._protocol import Calibrator
from shelfvision.predictions.calibrators._temperature import TemperatureScaling

_BUILTIN: tuple[type[Calibrator], ...] = (
    TemperatureScaling,
    PlattScaling,
    IsotonicCalibration,
)

CalibrationMethod: TypeAlias = str | type[Calibrator]
"""The name of a calibration method, or a class that implements `Calibrator`."""

_known: dict[str, type[Calibrator]] = {str(method.name): method for method in _BUILTIN}
_lock = threading.Lock()
_DUTIES = ("name", "fit", "apply", "to_dict", "from_dict")

_Method = TypeVar("_Method", bound=type[Calibrator])


def register_calibrator(method: _Method) -> _Method:
    """Register a custom calibration method by its name, so that files with it can be loaded.

    Register it when your package is imported, as a decorator of the class or by a call. A bundle
    contains only the name and the fitted parameters, never code.

    Parameters
    ----------
    method : type
        A class that implements `Calibrator`.

    Returns
    -------
    type
        The class.

    Raises
    ------
    InvalidParameterError
        The class lacks a part of the contract, or another class is registered with the name.
    """
    _require_class(method)
    with _lock:
        _require_free(method)
        _known[str(method.name)] = method
    return method


def calibrator_class(method: object) -> type[Calibrator]:
    """Return the class of a calibration method from its name or class."""
    if isinstance(method, type):
        _require_class(method)
        _require_free(method)
        return method
    found = _known.get(method) if isinstance(method, str) else None
    if found is None:
        raise InvalidParameterError(
            f"method must be one of {listed(_known, limit=20)}, or a class with {listed(_DUTIES)}, "
            f"got {method!r:.100}; register a custom method with register_calibrator",
            code="not-an-option",
            parameter="method",
        )
    return found


def _require_free(method: type[Calibrator]) -> None:
    """Refuse a class with the name of another class, which a file with this name would load."""
    name = str(method.name)
    known = _known.get(name)
    if known is not None and _home(known) != _home(method):
        raise InvalidParameterError(
            f"name must be unique, got {name!r}, the name of {_home(known)}; choose another",
            code="duplicate",
            parameter="name",
        )


def _require_class(method: object) -> type[Calibrator]:
    missing = [duty for duty in _DUTIES if not hasattr(method, duty)]
    name = getattr(method, "name", None)
    if isinstance(method, type) and not missing and isinstance(name, str) and 0 < len(name) <= 100:
        return method
    fault = f"lacks {listed(missing)}" if missing else f"has the name {name!r:.100}"
    raise InvalidParameterError(
        f"a calibration method must be a class with {listed(_DUTIES)}, and its name a text of 1 to "
        f"100 characters, but {method!r:.100} {fault}",
        code="wrong-type",
        parameter="method",
    )


def _home(method: type) -> str:
    """Return the qualified name of a class; a new class of the same name may replace it."""
    return f"{method.__module__}.{method.__qualname__}"
