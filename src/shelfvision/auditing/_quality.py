"""Findings about single photos: unreadable, blank, dark, bright, blurred, of unusual shape."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shelfvision._photos.heic.opening import PIP_LINE
from shelfvision.auditing._finding import Finding, Severity
from shelfvision.auditing.looks import AuditedPhotos, Looks
from shelfvision.auditing.measures import outlyingness
from shelfvision.auditing.settings import AuditSettings

_Floats = npt.NDArray[np.float64]
_Mask = npt.NDArray[np.bool_]

# Absolute limits, so that an outlier is also visible to a person: grey levels of 0 to 255, the blur
# measure of 0 to 1, ratios of sizes and of sides.
_BLANK = 3.0
_DARK, _VERY_DARK = 96.0, 48.0
_BRIGHT, _VERY_BRIGHT = 128.0, 240.0
_BLURRED = 0.6
_SIDE, _ASPECT = 2.5, 1.5
# Codes of skipped files that folders usually contain.
_EXPECTED = frozenset({"hidden", "system-folder", "not-a-photo"})
# The minimum spread that is assumed for a set of photos.
_LIGHT_FLOOR, _BLUR_FLOOR = 8.0, 0.03


@dataclass(frozen=True, slots=True)
class _Fault:
    """The code, severity and texts of a fault of single photos."""

    code: str
    severity: Severity
    message: str
    detail: str = ""

    def about(self, **names: str) -> _Fault:
        """Return the same with names in the message filled in."""
        return replace(self, message=self.message.format("{}", **names))


_BLANK_PHOTOS = _Fault(
    "blank",
    "error",
    "{} of one colour only; remove photos that show no product",
    "grey level {:.0f} everywhere",
)
_DARK_PHOTOS = _Fault(
    "dark",
    "warning",
    "{} darker than the others; photograph again with more light, or remove photos that you cannot "
    "recognize yourself",
    "95 % of its pixels are below grey level {:.0f} of 255",
)
_BRIGHT_PHOTOS = _Fault(
    "bright",
    "warning",
    "{} brighter than the others; photograph again with less exposure, or remove photos that you "
    "cannot recognize yourself",
    "95 % of its pixels are above grey level {:.0f} of 255",
)
_BLURRED_PHOTOS = _Fault(
    "blurred",
    "warning",
    "{} much more blurred than the others; photograph again with a steady hand, or remove photos "
    "that you cannot recognize yourself",
    "blur {:.2f} of 1",
)
_SIZE = _Fault(
    "size",
    "warning",
    "{} of a size far from the usual side of about {usual} pixels; check for icons and for photos "
    "of whole shelves",
)
_SHAPE = _Fault(
    "aspect",
    "warning",
    "{} of an unusually long shape, which resize='stretch' distorts; crop to the product, or use "
    "resize='pad'",
)
_SMALL = _Fault(
    "small",
    "note",
    "{} smaller than the image_size of {wanted} pixels and will be enlarged; use a smaller "
    "image_size or larger photos",
)


def about_files(photos: AuditedPhotos, looks: Looks) -> Iterator[Finding]:
    """Find photos that cannot be read and files that were not used."""
    if looks.errors:
        failed = sorted(looks.errors)
        counts = Counter(looks.errors[photo].code for photo in failed)
        yield Finding(
            code="unreadable",
            severity="error",
            message=f"{_photos(len(failed))} cannot be read ({_tally(counts)}); copy each again "
            "from its source or remove it, or make the dataset with on_error='skip'",
            sets=tuple((photos.ids[photo],) for photo in failed),
            details=tuple(str(looks.errors[photo]) for photo in failed),
            rows=tuple((photo,) for photo in failed),
        )
    if photos.skipped:
        counts = Counter(file.code for file in photos.skipped)
        yield Finding(
            code="skipped",
            severity="warning" if counts.keys() - _EXPECTED else "note",
            message=f"{_things(len(photos.skipped), 'file or folder', 'files or folders')} "
            f"not used ({_tally(counts)}); check that you need none of them{_heic(counts)}",
            sets=tuple((file.path,) for file in photos.skipped),
            details=tuple(f"{file.code}: {file.reason}" for file in photos.skipped),
        )


def blank_photos(looks: Looks) -> _Mask:
    """Return which photos show one colour only."""
    return looks.readable & is_blank(looks.spread)


def is_blank(spread: _Floats) -> _Mask:
    """Return which spreads, in levels, are those of photos of one colour."""
    return np.asarray(spread < _BLANK)


def about_looks(photos: AuditedPhotos, looks: Looks, settings: AuditSettings) -> Iterator[Finding]:
    """Find blank, dark, bright and blurred photos."""
    blank = blank_photos(looks)
    seen = looks.readable & ~blank
    mean, dark, bright, blur = (looks.measure(name) for name in ("mean", "dark", "bright", "blur"))
    light = _scores(mean, seen, floor=_LIGHT_FLOOR)
    far = settings.outlier
    too_dark = (light < -far) & (bright < _DARK) | (bright < _VERY_DARK)
    too_bright = (light > far) & (dark > _BRIGHT) | (dark > _VERY_BRIGHT)
    too_soft = (_scores(blur, seen, floor=_BLUR_FLOOR) > far) & (blur > _BLURRED)
    yield from _singles(photos, _BLANK_PHOTOS, blank, mean)
    yield from _singles(photos, _DARK_PHOTOS, seen & too_dark, bright)
    yield from _singles(photos, _BRIGHT_PHOTOS, seen & too_bright, dark, falling=True)
    yield from _singles(photos, _BLURRED_PHOTOS, seen & too_soft, blur, falling=True)


def about_sizes(photos: AuditedPhotos, looks: Looks, settings: AuditSettings) -> Iterator[Finding]:
    """Find files whose own image is of an unusual size or shape."""
    known = looks.sizes[:, 0] > 0
    unknown = int((looks.readable & ~known).sum())
    if unknown:
        yield Finding(
            code="sizes-unknown",
            severity="note",
            message=f"{_photos(unknown)} {_come(unknown)} from arrays or a cache, so their "
            "original size and shape are unknown; audit the original files to check them",
        )
    if not known.any():
        return
    sides = np.where(known[:, None], looks.sizes, 1).astype(np.float64)
    far = settings.outlier
    side = np.sqrt(sides.prod(axis=1))
    ratio = sides.max(axis=1) / sides.min(axis=1)
    away = np.abs(_scores(np.log(side), known, floor=math.log(_SIDE) / far))
    longer = _scores(np.log(ratio), known, floor=math.log(_ASPECT) / far)
    detail = [f"{width} x {height} pixels" for height, width in looks.sizes.tolist()]
    usual = f"{np.median(side[known]):.0f}"
    yield from _singles(
        photos, _SIZE.about(usual=usual), known & (away > far), side, order=-away, detail=detail
    )
    yield from _singles(photos, _SHAPE, known & (longer > far), ratio, falling=True, detail=detail)
    # The boxes of shelves are resized, not the photos.
    small = known & (photos.labels >= 0) & (sides < photos.image_size).any(axis=1)
    wanted = f"{photos.image_size[0]} x {photos.image_size[1]}"
    yield from _singles(photos, _SMALL.about(wanted=wanted), small, side, detail=detail)


def _scores(values: _Floats, seen: _Mask, *, floor: float) -> _Floats:
    """Return the outlyingness of the selected values, and 0 elsewhere."""
    scores = np.zeros(len(values))
    scores[seen] = outlyingness(values[seen], floor=floor)
    return scores


def _singles(
    photos: AuditedPhotos,
    fault: _Fault,
    mask: _Mask,
    values: _Floats,
    *,
    falling: bool = False,
    order: _Floats | None = None,
    detail: Sequence[str] | None = None,
) -> Iterator[Finding]:
    """Yield a finding about the photos of a mask, ordered by a measure, if there are any."""
    found = np.flatnonzero(mask)
    if not len(found):
        return
    ranks = order if order is not None else -values if falling else values
    found = found[np.argsort(ranks[found], kind="stable")]
    yield Finding(
        code=fault.code,
        severity=fault.severity,
        message=fault.message.format(f"{_photos(len(found))} {'are' if len(found) > 1 else 'is'}"),
        sets=tuple((photos.ids[photo],) for photo in found),
        values=tuple(values[found].tolist()),
        details=tuple(
            fault.detail.format(values[photo]) if detail is None else detail[photo]
            for photo in found.tolist()
        ),
        rows=tuple((photo,) for photo in found.tolist()),
    )


def _photos(count: int) -> str:
    return _things(count, "photo", "photos")


def _things(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _come(count: int) -> str:
    return "comes" if count == 1 else "come"


def _heic(counts: Counter[str]) -> str:
    """Return how HEIC photos can be read, if there are some."""
    return f", and to read HEIC photos, run: {PIP_LINE}" if counts["needs-heif"] else ""


def _tally(counts: Counter[str]) -> str:
    return ", ".join(f"{code} {count}" for code, count in counts.most_common())


def listed_rows(
    photos: AuditedPhotos, sets: Sequence[Sequence[int]]
) -> tuple[tuple[str, ...], ...]:
    """Return the ids of sets of photos."""
    return tuple(tuple(photos.ids[photo] for photo in members) for members in sets)
