"""The arithmetic of calibration: one temperature, a line or a rising curve for every class."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from shelfvision.errors import InvalidParameterError
from shelfvision.predictions._plain import list_of, number_of
from shelfvision.predictions.columns import Floats, Integers, winners_of

Line: TypeAlias = tuple[float, float]
"""Slope and intercept."""
Curve: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]
"""Corners of a rising curve: probabilities said, and probabilities meant."""
Rows: TypeAlias = npt.NDArray[np.float32]

TEMPERATURES = (0.01, 100.0)
"""The range in which a temperature is looked for."""
_UNCHANGED_LINE: Line = (1.0, 0.0)
_UNCHANGED_CURVE: Curve = ((0.0, 1.0), (0.0, 1.0))


def temperature_of(rows: Rows, labels: Integers) -> float:
    """Return the temperature under which the labels are most likely, one mistake more imagined.

    Where every photo is right, the likelihood alone would say that the network never errs. As
    Platt does with his targets, one mistake is added in all, spread evenly over the photos; each
    time it is the strongest other class.
    """
    from scipy.optimize import minimize_scalar

    logs = _logs(rows)
    at = np.arange(len(rows))
    true = logs[at, labels]
    others = logs.copy()
    others[at, labels] = -np.inf
    share = 1 / (len(rows) + 2)
    aim = float(np.mean((1 - share) * true + share * others.max(axis=1)))

    def loss(power: float) -> float:
        from scipy.special import logsumexp

        scale = np.exp(-power)
        return float(np.mean(logsumexp(logs * scale, axis=1)) - aim * scale)

    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return float(np.clip(np.exp(found.x), *TEMPERATURES))


def cooled(rows: Rows, temperature: float) -> Rows:
    """Return the softmax of log-probabilities divided by the temperature."""
    logs = _logs(rows) / temperature
    raised = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


def lines_of(rows: Rows, labels: Integers) -> tuple[Line, ...]:
    """Return Platt's slope and intercept on the log-odds of every class against the rest."""
    odds = _log_odds(rows)
    return tuple(_line(odds[:, c], labels == c) for c in range(rows.shape[1]))


def straightened(rows: Rows, lines: tuple[Line, ...]) -> Rows:
    """Return what the lines make of every class, rows brought back to a sum of 1."""
    from scipy.special import expit

    slopes, intercepts = np.array(lines, dtype=np.float64).T
    return _normalised(expit(_log_odds(rows) * slopes + intercepts))


def curves_of(rows: Rows, labels: Integers) -> tuple[Curve, ...]:
    """Return the rising curve that fits every class against the rest best."""
    said = rows.astype(np.float64)
    return tuple(_curve(said[:, c], labels == c) for c in range(rows.shape[1]))


def bent(rows: Rows, curves: tuple[Curve, ...]) -> Rows:
    """Return what the curves make of every class, rows brought back to a sum of 1."""
    said = rows.astype(np.float64)
    columns = [np.interp(said[:, c], *curve) for c, curve in enumerate(curves)]
    return _normalised(np.stack(columns, axis=1))


def lines_from(value: object) -> tuple[Line, ...]:
    """Return lines that were written as JSON."""
    pairs = [_two(line, "a line") for line in list_of(value, "lines")]
    return tuple((number_of(a, "a slope"), number_of(b, "an intercept")) for a, b in pairs)


def curves_from(value: object) -> tuple[Curve, ...]:
    """Return curves that were written as JSON."""
    pairs = [_two(curve, "a curve") for curve in list_of(value, "curves")]
    return tuple(_checked_curve(_shares(said), _shares(meant)) for said, meant in pairs)


def _logs(rows: Rows) -> Floats:
    """Return log-probabilities; what a softmax rounded to 0 is as small as numbers get."""
    smallest = float(np.finfo(np.float32).tiny)
    return np.log(np.maximum(rows.astype(np.float64), smallest))


def _log_odds(rows: Rows) -> Floats:
    """Return the log-odds of every class; what is left beside the winner is summed exactly."""
    said = rows.astype(np.float64)
    winners, _ = winners_of(rows)
    at = np.arange(len(rows))
    others = said.copy()
    others[at, winners] = 0
    rest = 1 - said
    rest[at, winners] = others.sum(axis=1)
    smallest = float(np.finfo(np.float32).tiny)
    return np.log(np.maximum(said, smallest)) - np.log(np.maximum(rest, smallest))


def _line(odds: Floats, own: npt.NDArray[np.bool_]) -> Line:
    from scipy.optimize import minimize
    from scipy.special import expit

    n_own = int(own.sum())
    if n_own in (0, len(own)):
        return _UNCHANGED_LINE
    aims = np.where(own, (n_own + 1) / (n_own + 2), 1 / (len(own) - n_own + 2))

    def loss(line: Floats) -> tuple[float, Floats]:
        bent_odds = line[0] * odds + line[1]
        surplus = expit(bent_odds) - aims
        total = np.sum(np.logaddexp(0, bent_odds) - aims * bent_odds)
        return float(total), np.array([np.sum(surplus * odds), np.sum(surplus)])

    found = minimize(loss, np.array(_UNCHANGED_LINE), jac=True, method="L-BFGS-B", tol=1e-10)
    return float(found.x[0]), float(found.x[1])


def _curve(said: Floats, own: npt.NDArray[np.bool_]) -> Curve:
    from sklearn.isotonic import IsotonicRegression

    if own.all() or not own.any():
        return _UNCHANGED_CURVE
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(said, own)
    corners = fitted.X_thresholds_, fitted.y_thresholds_
    return tuple(map(float, corners[0])), tuple(map(float, corners[1]))


def _normalised(columns: Floats) -> Rows:
    """Return rows that sum to 1; where every class was denied, all are alike."""
    totals = columns.sum(axis=1, keepdims=True)
    alike = np.full_like(columns, 1 / columns.shape[1])
    shares = np.divide(columns, totals, out=alike, where=~(totals <= 0))
    return np.asarray(shares, dtype=np.float32)


def _two(value: object, what: str) -> tuple[object, object]:
    pair = list_of(value, what)
    if len(pair) != 2:
        raise InvalidParameterError(
            f"{what} has {len(pair)} entries; it must have two",
            code="wrong-length",
            parameter="values",
        )
    return pair[0], pair[1]


def _shares(value: object) -> tuple[float, ...]:
    return tuple(number_of(x, "a corner of a curve", 0, 1) for x in list_of(value, "a curve"))


def _checked_curve(said: tuple[float, ...], meant: tuple[float, ...]) -> Curve:
    rising = all(list(side) == sorted(side) for side in (said, meant))
    if not said or len(said) != len(meant) or not rising:
        raise InvalidParameterError(
            "a curve must have as many probabilities meant as said, at least one, and both rising; "
            "pass what to_dict gives",
            code="inconsistent",
            parameter="values",
        )
    return said, meant
