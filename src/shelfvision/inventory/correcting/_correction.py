"""`CountCorrection`: which correction was applied to counts, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

CorrectionRule: TypeAlias = Literal["auto", "full", "none"]
"""Whether the evidence decides about the correction, or the caller."""
CorrectionMethod: TypeAlias = Literal["adjusted", "partly adjusted", "plain"]
"""How counts were corrected: in full, in part, or not."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CountCorrection:
    """The correction that was applied to the counts, and its evidence.

    Examples
    --------
    >>> from shelfvision.inventory import CountCorrection
    >>> print(CountCorrection(weight=0.0, p_value=0.01, moved=4.2, uncertainty=9.0, n_sources=1))
    Plain counts: the correction of 4.2 is not larger than its uncertainty of 9.0.
    """

    weight: float
    """The share of the full correction that was applied, 0 to 1."""
    p_value: float | None
    """The p-value of a test whether confidences of the counted photos are as in the validation
    photos; small values indicate other sessions. None if there are too few photos."""
    moved: float
    """The size of the full correction: the root of the summed squares over classes."""
    uncertainty: float
    """The uncertainty of the full correction, in the same unit."""
    n_sources: int
    """The number of sets of validation photos."""
    rule: CorrectionRule = "auto"
    """Whether the evidence decided about the weight, or the caller."""

    @property
    def method(self) -> CorrectionMethod:
        """How counts were corrected: ``"adjusted"``, ``"partly adjusted"`` or ``"plain"``."""
        if self.weight >= 1:
            return "adjusted"
        return "partly adjusted" if self.weight > 0 else "plain"

    @property
    def reason(self) -> str:
        """Why this part of the correction was applied, as a clause."""
        if self.rule != "auto":
            return f"correction={self.rule!r} was chosen"
        if not self.weight:
            return (
                f"the correction of {self.moved:.1f} is not larger than its uncertainty of "
                f"{self.uncertainty:.1f}"
            )
        if self.p_value is not None and self.weight > 1 - (self.uncertainty / self.moved) ** 2:
            return (
                "the confidences of the counted photos match the validation photos "
                f"(p = {self.p_value:.2f})"
            )
        return (
            f"the correction of {self.moved:.1f} is larger than its uncertainty of "
            f"{self.uncertainty:.1f}"
        )

    def __str__(self) -> str:
        """Return the correction and its reason in one sentence."""
        names = {
            "adjusted": "Adjusted counts",
            "partly adjusted": f"Adjusted counts, {self.weight:.0%} of the correction",
            "plain": "Plain counts",
        }
        return f"{names[self.method]}: {self.reason}."


def plain_correction(correction: CountCorrection | None) -> dict[str, object] | None:
    """Return a correction in plain types."""
    if correction is None:
        return None
    return {
        "method": correction.method,
        "reason": correction.reason,
        "weight": correction.weight,
        "p_value": correction.p_value,
        "moved": correction.moved,
        "uncertainty": correction.uncertainty,
        "n_sources": correction.n_sources,
        "rule": correction.rule,
    }
