"""`ExportReport`: size and latency of an exported file, and its agreement with the classifier."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, final

from shelfvision._runtime import ExportFormat, Quantize
from shelfvision._text import printable


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """Size and latency of an exported file, and its agreement with the classifier."""

    path: str
    """The path of the file."""
    format: ExportFormat
    """``"onnx"``, ``"litert"``, ``"openvino"`` or ``"keras"``."""
    quantize: Quantize | None
    """``"dynamic"`` or ``"int8"`` if the weights are quantized, else None."""
    runtime: str
    """The runtime that verified the file, with its version."""
    calibration: Literal["none", "graph", "host"]
    """``"none"`` without a calibration, ``"graph"`` if the graph applies it, ``"host"`` if the
    program that runs the file must apply it."""
    size_bytes: int
    """The size on disk in bytes; for OpenVINO, of both files together."""
    sha256: str
    """The SHA-256 of the file; for OpenVINO, of the ``.xml`` file, which contains the digest of the
    ``.bin`` file."""
    verified_on: Literal["photos", "synthetic images"]
    """Whether file and classifier were compared on the `photos` argument or on generated images."""
    n_photos: int
    """The number of images that were compared."""
    max_difference: float
    """The largest absolute difference between two probabilities."""
    mean_shift: float
    """The mean total variation distance between the probabilities of the file and those of the
    classifier: 0 to 1."""
    top1_agreement: float
    """The share of images for which file and classifier predict the same class."""
    latency_ms: float
    """The median latency of one image in milliseconds, measured on this machine."""
    accuracy: float | None = None
    """The accuracy of the file on labelled photos; None without labels."""
    accuracy_before: float | None = None
    """The accuracy of the classifier on the same photos."""

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
