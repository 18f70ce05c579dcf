"""The base classes of scikit-learn, with types.

scikit-learn brings no types. Type checkers therefore see the declarations below; at run time these
are the classes themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Self

    import numpy.typing as npt
    from sklearn.utils import Tags

    class BaseEstimator:
        """Parameters by name."""

        def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002  (scikit-learn's)
            """Return the parameters."""

        def set_params(self, **params: object) -> Self:
            """Set parameters."""

        def set_fit_request(self, *, groups: bool | str | None) -> Self:
            """Request metadata for `fit`."""

        def __sklearn_tags__(self) -> Tags:
            """Return the tags."""

    class ClassifierMixin:
        """The mean accuracy as score."""

        def score(
            self,
            X: Any,  # noqa: N803  (scikit-learn's)
            y: Any,
            sample_weight: npt.ArrayLike | None = None,
        ) -> float:
            """Return the score."""
else:
    from sklearn.base import BaseEstimator, ClassifierMixin

__all__ = ["BaseEstimator", "ClassifierMixin"]
