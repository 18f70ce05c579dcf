"""`ExportReport`: what an exported file costs, and how far it says the same."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from shelfvision._runtime import ExportFormat, Quantize
from shelfvision._text import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What an exported file costs, and how far it says the same as the classifier."""

    path: str
    """Where the file stands."""
    format: ExportFormat
    """``"onnx"``, ``"litert"``, ``"openvino"`` or ``"keras"``."""
    quantize: Quantize | None
    """``"dynamic"`` or ``"int8"`` where weights became whole numbers, else None."""
    runtime: str
    """What ran the file, with its version."""
    calibration: Literal["none", "graph", "host"]
    """Whether there is a calibration, and whether the graph applies it or whoever runs the file."""
    size_bytes: int
    """The size on disk; of an OpenVINO model, both files."""
    sha256: str
    """The SHA-256 of the file; of an OpenVINO model, of its ``.xml``, which names the other's."""
    verified_on: Literal["photos", "synthetic images"]
    """Whether it was compared with the classifier on photos that were given, or on generated
    images."""
    n_photos: int
    """On how many."""
    max_difference: float
    """The largest difference of any probability."""
    mean_shift: float
    """How much probability goes to another class, on average over photos: 0 to 1."""
    top1_agreement: float
    """The share of photos that get the same label."""
    latency_ms: float
    """Milliseconds for one image, median; of this machine."""
    accuracy: float | None = None
    """The share of right labels, where photos with labels were given."""
    accuracy_before: float | None = None
    """The same of the classifier."""

    def to_dict(self) -> dict[str, object]:
        """Return the report as plain JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        """Return the report as a few lines of text."""
        kind = self.format + (f", {self.quantize}" if self.quantize else "")
        size = f"{self.size_bytes / 1000:,.0f} kB"
        same = f"same label {self.top1_agreement:.2%}"
        differ = f"difference {self.max_difference:.2g} at most, mean shift {self.mean_shift:.2g}"
        where = printable(str(self.path))
        lines = [
            f"{where} ({kind}): {size}, {self.latency_ms:.2f} ms an image on {self.runtime}",
            f"against the classifier on {self.n_photos} {self.verified_on}: {same}, {differ}",
        ]
        if self.accuracy is not None and self.accuracy_before is not None:
            lines.append(f"accuracy {self.accuracy:.4f}, before {self.accuracy_before:.4f}")
        if self.calibration == "host":
            lines.append(
                "its calibration is not in the graph: shelfvision.export.Predictor applies it, "
                "other programs have to"
            )
        return "\n".join(lines)
