"""Compute the memory and work of decoding a HEIC photo, parts included, and check the limits."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from shelfvision._photos.heic.hevc import coded_size
from shelfvision._photos.heic.images import Images, Item
from shelfvision._photos.refusals import RAISE, check_size, refuse

_MAX_CODED = 1024
"""The maximum number of coded pictures; the largest photos of phones have about 200 tiles."""
_MAX_WORK = 2.5
"""The maximum number of pixels that are decoded or copied, in multiples of
`DecodeLimits.max_pixels`. The tiles of a grid and its canvas together have 2."""
_MAX_SHARED = 16 * 1024 * 1024
"""The maximum number of coded bytes that are read if images share data, as blank tiles do."""
_SLACK = 64
"""The maximum padding of a coded picture in pixels: one coding block."""
_DERIVED = frozenset((b"grid", b"iovl", b"iden"))


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of decoding an image, including its parts."""

    width: int
    height: int
    planes: float
    """Bytes per pixel of the luma and chroma planes."""
    live: float
    """Peak memory in bytes."""
    work: int
    """Number of pixels that are decoded or copied."""
    coded: int
    """Number of coded pictures."""
    read: int
    """Number of coded bytes that are read."""


class Costs:
    """The cost of each image of a file; computed on first use."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self._limits = images.limits
        self._costs: dict[int, Cost] = {}

    def of(self, number: int) -> Cost:
        """Return the cost of an image, including its parts."""
        if number in self._costs:
            return self._costs[number]
        item = self._images.items.get(number)
        if item is None or not item.kind:
            self._images.refuse(f"has no image {number}")
        if item.protected or item.elsewhere:
            self._images.refuse("is encrypted, or stores its data in another file")
        self._images.require_few_properties(item)
        if item.kind == b"hvc1":
            cost = self._cost_of_coded(item)
        elif item.kind in _DERIVED:
            cost = self._cost_of_derived(number, item)
        else:
            self._images.refuse(f"has an image of the unsupported type {item.kind!r}")
        for other in self._images.alpha_of(number):
            cost = self._with_alpha(cost, self.of(other))
        self._check_cost(cost)
        self._costs[number] = cost
        return cost

    def _cost_of_coded(self, item: Item) -> Cost:
        declared = self._images.declared_size(item)
        settings = next(self._images.properties_of(item, b"hvcC"), b"")
        if declared is None or not settings:
            self._images.refuse("has an image without a size or without decoder settings")
        content = self._images.content(item, len(self._images.data))
        coded = coded_size(settings, content, self._limits.max_chunks)
        check_size(coded.width, coded.height, self._limits, self._images.where)
        if coded.width > declared[0] + _SLACK or coded.height > declared[1] + _SLACK:
            self._images.refuse(
                f"declares {declared[0]} x {declared[1]} pixels, but contains a picture of "
                f"{coded.width} x {coded.height}"
            )
        return Cost(
            *declared,
            planes=coded.plane_bytes,
            live=coded.width * coded.height * (2 * coded.plane_bytes + 4),
            work=coded.width * coded.height,
            coded=1,
            read=len(content),
        )

    def _cost_of_derived(self, number: int, item: Item) -> Cost:
        made_of = self._images.references.get((b"dimg", number), [])
        if not 1 <= len(made_of) <= _MAX_CODED:
            self._images.refuse(f"has an image with {len(made_of)} parts")
        inner = [self.of(one) for one in made_of]
        declared = self._images.declared_size(item)
        if item.kind == b"iden":
            if len(inner) != 1:
                self._images.refuse("rotates several images as one")
            size = inner[0].width, inner[0].height
        else:
            size = self._canvas(item, len(inner))
            check_size(*size, self._limits, self._images.where)
            if declared is not None and declared != size:
                self._images.refuse(
                    f"declares {declared[0]} x {declared[1]} pixels, but its canvas has "
                    f"{size[0]} x {size[1]}"
                )
        pixels, planes = size[0] * size[1], max(one.planes for one in inner)
        # Overlays are composed in RGB; a grid is converted to RGB like a coded picture.
        canvas = 2 * planes + 4 if item.kind == b"grid" else 6
        return Cost(
            *size,
            planes=planes,
            live=max(one.live for one in inner) + pixels * canvas,
            work=pixels + sum(one.work for one in inner),
            coded=sum(one.coded for one in inner),
            read=sum(one.read for one in inner),
        )

    def _canvas(self, item: Item, parts: int) -> tuple[int, int]:
        """Return the declared width and height of the canvas of a grid or an overlay."""
        content = self._images.content(item, 16 * (parts + 2))
        version, flags = content[0], content[1]
        size = ">LL" if flags & 1 else ">HH"
        head = 4 if item.kind == b"grid" else 10
        width, height = struct.unpack_from(size, content, head)
        expected = head + struct.calcsize(size)
        if item.kind == b"iovl":
            expected += parts * struct.calcsize(size)
        elif (content[2] + 1) * (content[3] + 1) != parts:
            self._images.refuse(f"has a grid whose rows and columns differ from its {parts} tiles")
        if version or len(content) != expected:
            self._images.refuse("has a canvas in a version that is not supported")
        return width, height

    def _with_alpha(self, cost: Cost, alpha: Cost) -> Cost:
        pixels = cost.width * cost.height
        return Cost(
            cost.width,
            cost.height,
            # An alpha image of another size is resized to the size of the photo, which needs
            # its planes and one or two bytes per pixel of the result.
            live=cost.live + alpha.live - 3 * min(pixels, alpha.width * alpha.height),
            work=cost.work + alpha.work,
            coded=cost.coded + alpha.coded,
            read=cost.read + alpha.read,
            planes=cost.planes,
        )

    def _check_cost(self, cost: Cost) -> None:
        if cost.coded > _MAX_CODED:
            self._images.refuse(f"has more than {_MAX_CODED:,} coded pictures")
        if cost.read > max(2 * len(self._images.data), _MAX_SHARED):
            self._images.refuse("refers to its data more than once")
        if cost.work > _MAX_WORK * self._limits.max_pixels:
            what = f"needs {cost.work:,} pixels to be decoded in total, too many for a photo"
            refuse(self._images.where, "too-many-pixels", what, RAISE.format("max_pixels"))
