"""`Card`: the description inside an exported file, as checked values.

The card is a JSON entry in the file's metadata. It contains all that a prediction needs besides the
graph, so that one file is enough.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn, Self, cast

from shelfvision._class_names import MAX_CLASSES, as_class_names
from shelfvision._photos.preprocessing import Preprocessing, preprocessing_of_old_file
from shelfvision._product_codes import ProductCodes, codes_of_file, plain_codes
from shelfvision._storage.json_values import canonical_json, versioned
from shelfvision.errors import BundleError, InvalidParameterError
from shelfvision.models.spec import MAX_SIDE
from shelfvision.predictions import Calibration, Profile, Thresholds
from shelfvision.predictions.measured import KEPT_CLASSES, MeasuredRow
from shelfvision.predictions.validation_scores import MAX_ROWS

VERSION = 3
"""The version of the card that is written; older versions can be read."""
ENTRY = "shelfvision"
"""The key of the card in the file's metadata."""
CARD_FILE = f"{ENTRY}.json"
"""The name of the card as a member of a zip file."""
MAX_CARD = 2**22
"""The largest size of a card in bytes."""
INPUT, OUTPUT = "image", "probabilities"
"""The names of the graph's input and output."""
_KEYS = {
    *("calibration", "calibration_in_graph", "class_names", "created_with", "format"),
    *("input", "output", "quantize", "source_sha256", "thresholds", "weights_sha256"),
}
_SHARES = "trained_shares"
_CODES = "product_codes"
_MEASURED = "measured"
_PROFILE = "profile"
_SIZE_KEYS = {"image_size", "resize"}
_KEYS_OF = {
    1: _KEYS | _SIZE_KEYS,
    2: _KEYS | _SIZE_KEYS | {"decode", _SHARES},
    3: _KEYS | {"decode", _SHARES, "preprocessing"},
}
"""The keys of the card in each version."""
_PIXELS = "uint8 RGB, 0 to 255, shape (n, height, width, 3)"
_SCORES = "float32, shape (n, number of classes)"
DECODE: Mapping[str, object] = MappingProxyType(
    {
        "orientation": "upright by EXIF",
        "color": "RGB, transparent pixels over the background, 16 bits scaled to 8",
        "background": [255, 255, 255],
        "resampling": "bilinear, antialiased",
        "reducing_gap": 3.0,
        "jpeg_draft_margin": 1.5,
    }
)
"""How a photo is decoded to pixels; other programs need it to compute identical pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """All that predicting with an exported file needs besides its graph."""

    class_names: tuple[str, ...]
    """The class names in the order of the outputs."""
    preprocessing: Preprocessing
    """The conversion from photos to the pixels of the graph's input."""
    calibration: Calibration | None = None
    """The calibration of the probabilities, if any."""
    calibration_in_graph: bool = False
    """Whether the graph applies the calibration; otherwise the program that runs it must."""
    thresholds: Thresholds | None = None
    """The lowest confidence for accepting a prediction, if any."""
    trained_shares: tuple[float, ...] | None = None
    """The class prior of the training set; None if it is unknown."""
    quantize: str | None = None
    """``"dynamic"`` or ``"int8"`` if the weights are quantized."""
    source_sha256: str = ""
    """The SHA-256 of the bundle of the exported classifier."""
    weights_sha256: str | None = None
    """The SHA-256 of the weights if they are in a second file."""
    measured: tuple[MeasuredRow, ...] = ()
    """True class, group and largest probabilities of each validation photo."""
    created_with: tuple[tuple[str, str], ...] = ()
    """Versions of the packages that wrote the file."""
    product_codes: ProductCodes | None = None
    """The product code of each class; None without codes."""
    profile: Profile | None = None
    """How the validation photos look; None without a profile."""

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the graph's input in pixels."""
        return self.preprocessing.image_size

    @property
    def host_calibration(self) -> Calibration | None:
        """The calibration that must be applied to the graph's outputs, if any."""
        return None if self.calibration_in_graph else self.calibration

    def to_json(self) -> str:
        """Return the card as JSON in ASCII."""
        calibration, thresholds = self.calibration, self.thresholds
        fields: dict[str, object] = {
            "format": VERSION,
            "input": {"name": INPUT, "pixels": _PIXELS},
            "output": {"name": OUTPUT, "scores": _SCORES},
            "class_names": list(self.class_names),
            "preprocessing": self.preprocessing.to_dict(),
            "decode": dict(DECODE),
            "calibration": None if calibration is None else calibration.to_dict(),
            "calibration_in_graph": self.calibration_in_graph,
            "thresholds": None if thresholds is None else thresholds.to_dict(),
            _SHARES: None if self.trained_shares is None else list(self.trained_shares),
            "quantize": self.quantize,
            "source_sha256": self.source_sha256,
            "weights_sha256": self.weights_sha256,
            "created_with": dict(self.created_with),
        }
        if self.product_codes is not None:
            fields[_CODES] = plain_codes(self.product_codes)
        if self.measured:
            fields[_MEASURED] = [
                [label, group, [list(one) for one in classes]]
                for label, group, classes in self.measured
            ]
        if self.profile is not None:
            fields[_PROFILE] = self.profile.to_dict()
        return canonical_json(fields)

    @classmethod
    def from_json(cls, text: str | bytes, where: str) -> Self:
        """Return the card from the JSON text of a file, or raise if it is invalid."""
        if len(text) > MAX_CARD:
            _refuse(
                where,
                f"its entry {ENTRY!r} must have at most {MAX_CARD} bytes, got {len(text)}",
            )
        fields = versioned(
            text,
            where,
            kind="export",
            newest=VERSION,
            fail=lambda code, fault: _refuse(where, fault, code),
        )
        if set(fields) - {_CODES, _MEASURED, _PROFILE} != _KEYS_OF[cast("int", fields["format"])]:
            _refuse(where, "its description has missing or unknown entries")
        try:
            return cls._from_fields(fields)
        except (InvalidParameterError, TypeError) as error:
            code = getattr(error, "code", "damaged")
            raise BundleError(f"{where} cannot be used as an export: {error}", code=code) from error

    @classmethod
    def _from_fields(cls, fields: dict[str, object]) -> Self:
        calibration, thresholds = fields["calibration"], fields["thresholds"]
        names, created = fields["class_names"], fields["created_with"]
        _require(isinstance(names, list) and 2 <= len(names) <= MAX_CLASSES, "class_names")
        _require(isinstance(created, dict) and _all_text(created.values()), "created_with")
        _require(isinstance(fields["calibration_in_graph"], bool), "calibration_in_graph")
        _require(isinstance(fields["quantize"], str | None), "quantize")
        _require(fields.get("decode", DECODE) == DECODE, "decode")
        card = cls(
            class_names=as_class_names(cast("list[str]", names)),
            preprocessing=_preprocessing(fields),
            calibration=None if calibration is None else Calibration.from_dict(_dict(calibration)),
            calibration_in_graph=cast("bool", fields["calibration_in_graph"]),
            thresholds=None if thresholds is None else Thresholds.from_dict(_dict(thresholds)),
            trained_shares=_shares(fields.get(_SHARES)),
            quantize=cast("str | None", fields["quantize"]),
            source_sha256=_digest(fields["source_sha256"]),
            weights_sha256=None
            if fields["weights_sha256"] is None
            else _digest(fields["weights_sha256"]),
            created_with=tuple(sorted(cast("dict[str, str]", created).items())),
            product_codes=_codes_of(fields),
            measured=_measured_of(fields.get(_MEASURED, []), len(cast("list[str]", names))),
            profile=Profile.from_dict(_dict(fields[_PROFILE])) if _PROFILE in fields else None,
        )
        _require_fit(card)
        return card


def _codes_of(fields: dict[str, object]) -> ProductCodes | None:
    if _CODES not in fields:
        return None
    return codes_of_file(fields[_CODES], tuple(cast("list[str]", fields["class_names"])))


def _measured_of(value: object, k: int) -> tuple[MeasuredRow, ...]:
    """Return the checked summary of the validation photos."""
    _require(isinstance(value, list) and len(value) <= MAX_ROWS, _MEASURED)
    found = []
    for row in cast("list[object]", value):
        _require(isinstance(row, list) and len(row) == 3, _MEASURED)
        label, group, classes = cast("list[object]", row)
        _require(type(label) is int and 0 <= label < k, _MEASURED)
        _require(type(group) is int and 0 <= group < 2**31, _MEASURED)
        found.append((cast("int", label), cast("int", group), _classes_of(classes, k)))
    return tuple(found)


def _classes_of(value: object, k: int) -> tuple[tuple[int, float], ...]:
    """Return the checked probabilities of a validation photo."""
    _require(isinstance(value, list) and 0 < len(value) <= min(k, KEPT_CLASSES), _MEASURED)
    found: dict[int, float] = {}
    for pair in cast("list[object]", value):
        _require(isinstance(pair, list) and len(pair) == 2, _MEASURED)
        place, share = cast("list[object]", pair)
        _require(type(place) is int and 0 <= place < k and place not in found, _MEASURED)
        _require(type(share) in (int, float), _MEASURED)
        _require(0 <= cast("float", share) <= 1 + 1e-6, _MEASURED)
        found[cast("int", place)] = float(cast("float", share))
    return tuple(found.items())


def _require_fit(card: Card) -> None:
    """Refuse a calibration, thresholds or a prior for another number of classes."""
    k = len(card.class_names)
    if card.calibration is not None:
        _require(card.calibration.num_classes == k, "calibration")
    if card.thresholds is not None and card.thresholds.per_class:
        _require(len(card.thresholds.values) == k, "thresholds")
    if card.trained_shares is not None:
        _require(len(card.trained_shares) == k, _SHARES)
    if card.profile is not None:
        _require(set(card.profile.class_counts) <= set(card.class_names), _PROFILE)


def _require(right: object, entry: str) -> None:
    if not right:
        raise InvalidParameterError(
            f"its entry {entry!r} is invalid; export it again", code="damaged"
        )


def _dict(value: object) -> dict[str, object]:
    _require(isinstance(value, dict), "preprocessing, calibration or thresholds")
    return cast("dict[str, object]", value)


def _all_text(values: object) -> bool:
    return all(isinstance(value, str) for value in cast("list[object]", values))


def _preprocessing(fields: Mapping[str, object]) -> Preprocessing:
    """Return the preprocessing; versions 1 and 2 contain only image size and resize."""
    if "preprocessing" in fields:
        rule = Preprocessing.from_dict(_dict(fields["preprocessing"]))
    else:
        rule = preprocessing_of_old_file(fields["image_size"], fields["resize"])
    _require(max(rule.image_size) <= MAX_SIDE, "image_size")
    return rule


def _shares(value: object) -> tuple[float, ...] | None:
    if value is None:
        return None
    _require(isinstance(value, list) and all(type(x) in (int, float) for x in value), _SHARES)
    shares = tuple(float(share) for share in cast("list[float]", value))
    _require(all(share >= 0 for share in shares) and abs(sum(shares) - 1) < 1e-6, _SHARES)
    return shares


def _digest(value: object) -> str:
    _require(isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value), "a digest")
    return cast("str", value)


def _refuse(where: str, fault: str, code: str = "damaged") -> NoReturn:
    raise BundleError(
        f"{where} cannot be used as an export: {fault}; export the classifier again",
        code=code,
    )
