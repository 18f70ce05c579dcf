"""A web service around a saved classifier: ``uvicorn service:app --workers 2``.

``/predict`` classifies one photo. ``/inventory`` counts the products in the boxes of a shelf photo,
and compares the counts with the expected stock.

Environment variables:

- ``SHELF_BUNDLE``: the file that ``Classifier.save`` wrote;
- ``SHELF_SHA256``: the digest that it returned;
- ``SHELF_MAX_BYTES``: the maximum size of a photo, by default 8 MiB;
- ``SHELF_MEMORY``: the memory for all requests of a worker together, by default 1 GiB. A request
  that needs more than is left waits until other requests are finished.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

import anyio
import anyio.to_thread
import numpy as np
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import Base64Bytes, BaseModel, Field, NonNegativeInt, ValidationError

import shelfvision as shv

MAX_BYTES = int(os.environ.get("SHELF_MAX_BYTES", "8388608"))
MEMORY = int(os.environ.get("SHELF_MEMORY", str(1024**3)))
AT_ONCE = 2 * (os.cpu_count() or 1)
# A body is in memory up to four times: as received, as bytes, and as base64 text and its bytes.
COPIES = 4
SECONDS_TO_SEND = 30


class Answer(BaseModel):
    """The prediction for one photo."""

    label: str
    confidence: float
    decision: str | None
    """``accept``, or ``review`` if a person should check it; null without thresholds."""
    sha256: str
    """The SHA-256 of the classifier."""


class About(BaseModel):
    """The classifier of this service."""

    sha256: str
    architecture: str
    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    saved_with: dict[str, str]


class Shelf(BaseModel):
    """A shelf photo with the boxes of its products."""

    photo: Base64Bytes
    boxes: list[tuple[float, float, float, float]] = Field(min_length=1, max_length=1000)
    """Left, top, right and bottom of each product, in pixels of the upright photo."""
    expected: dict[str, NonNegativeInt] | None = None
    """The expected count of each product."""
    context: float | None = Field(default=None, ge=0, le=10)
    """The context margin of crops; by default the crop rule in the bundle."""
    shape: Literal["box", "image"] | None = None
    """The shape of crops; by default the crop rule in the bundle."""


class Count(BaseModel):
    """The adjusted count of a product, with its confidence interval."""

    count: float
    low: int
    high: int
    taken_for: int
    """The number of boxes with this predicted label, before the correction for confusions."""


class Difference(BaseModel):
    """A product whose count differs from the expected count."""

    product: str
    status: str
    expected: int | None
    """None for a product without an expected count."""
    confidence: float


class Stock(BaseModel):
    """The products on a shelf."""

    labels: list[str]
    """The predicted product of each box, in the order of the boxes."""
    review: list[int]
    """The indices of boxes that a person should check."""
    products: dict[str, Count]
    differences: list[Difference]
    """Differences from the expected counts, most confident first; empty without those."""
    sha256: str


class Budget:
    """A memory budget for all requests; a request that needs more than is left waits in a queue.

    Parameters
    ----------
    total : int
        The size of the budget in bytes.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._left = total
        self._turn = anyio.Lock()
        self._returned = anyio.Event()

    @asynccontextmanager
    async def hold(self, amount: int) -> AsyncIterator[None]:
        """Reserve bytes, and release them at the end; refuse more than the total."""
        if amount > self.total:
            raise HTTPException(
                413, f"the request needs {amount:,} bytes, more than {self.total:,}"
            )
        # First come, first served, so that small requests do not delay a large one forever.
        async with self._turn:
            while self._left < amount:
                self._returned = anyio.Event()
                await self._returned.wait()
            self._left -= amount
        try:
            yield
        finally:
            self._left += amount
            self._returned.set()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the classifier in this worker, after the fork, and compile it with a prediction."""
    path = os.environ.get("SHELF_BUNDLE")
    if path is None:
        raise RuntimeError(
            "SHELF_BUNDLE is not set; start with SHELF_BUNDLE=groceries.shelf uvicorn service:app"
        )
    info = shv.inspect(path, expected_sha256=os.environ.get("SHELF_SHA256"))
    classifier = shv.Classifier.load(path, expected_sha256=info.sha256)
    # The first prediction compiles the model, so no request has to wait for it.
    classifier.predict(np.zeros((*classifier.image_size, 3), np.uint8))
    app.state.classifier, app.state.info = classifier, info
    app.state.limiter = anyio.CapacityLimiter(AT_ONCE)
    # Two budgets prevent a deadlock: a request that waits for pixels holds its body only.
    app.state.bodies, app.state.pixels = Budget(MEMORY // 4), Budget(MEMORY - MEMORY // 4)
    yield


app = FastAPI(title="What is on this photo?", lifespan=lifespan)


async def body_of(request: Request, limit: int) -> bytes:
    """Return the body of a request; stop reading if it is too large or too slow."""
    data = bytearray()
    with anyio.move_on_after(SECONDS_TO_SEND):
        async for part in request.stream():
            data += part
            if len(data) > limit:
                raise HTTPException(413, f"the photo must have at most {MAX_BYTES} bytes")
        return bytes(data)
    raise HTTPException(408, f"the request was not sent within {SECONDS_TO_SEND} seconds")


def size_of(request: Request, limit: int) -> int:
    """Return the maximum size of the body: the content length, or the limit without one."""
    told = request.headers.get("content-length", "")
    return min(int(told), limit) if told.isdecimal() and len(told) < 12 else limit


async def photo_of(request: Request) -> AsyncIterator[bytes]:
    """Yield the photo in the body of a request; its memory is reserved until the response."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise HTTPException(415, "send the photo as the body (curl --data-binary), not as a form")
    async with request.app.state.bodies.hold(COPIES * size_of(request, MAX_BYTES)):
        yield await body_of(request, MAX_BYTES)


async def shelf_of(request: Request) -> AsyncIterator[Shelf]:
    """Yield the shelf in the body of a request."""
    # Base64 needs four bytes for three; the rest is for a thousand boxes and products.
    limit = MAX_BYTES * 4 // 3 + 200_000
    async with request.app.state.bodies.hold(COPIES * size_of(request, limit)):
        data = await body_of(request, limit)
        try:
            shelf = Shelf.model_validate_json(data)
        except ValidationError as error:
            said = error.errors(include_input=False, include_url=False)
            raise HTTPException(422, said) from error
        yield shelf


def memory_of(photo: bytes) -> int:
    """Return the memory for decoding a photo; 0 if the photo is refused before decoding."""
    try:
        return shv.data.memory_to_decode(photo)
    except shv.errors.PhotoError:
        return 0


@app.post("/predict")
async def predict(request: Request, photo: Annotated[bytes, Depends(photo_of)]) -> Answer:
    """Classify a JPEG, PNG or WebP photo; the photo is the body of the request."""
    state = request.app.state
    async with state.pixels.hold(memory_of(photo)):
        found = await anyio.to_thread.run_sync(
            lambda: state.classifier.predict(photo, on_error="skip")[0], limiter=state.limiter
        )
    if found.error is not None:
        raise HTTPException(422, found.error)
    return Answer(
        label=found.label,
        confidence=found.confidence,
        decision=found.decision,
        sha256=state.info.sha256,
    )


@app.post("/inventory")
async def inventory(request: Request, shelf: Annotated[Shelf, Depends(shelf_of)]) -> Stock:
    """Count the products in the boxes of a shelf photo; the body is a `Shelf` as JSON."""
    state = request.app.state
    if state.classifier.validation_scores is None:
        raise HTTPException(
            501,
            "the classifier has no validation scores, which adjusted counts need; train with a "
            "validation set, or save classifier.with_validation(photos), and start with that file",
        )
    try:
        async with state.pixels.hold(memory_of(shelf.photo)):
            return await anyio.to_thread.run_sync(
                lambda: counted(state.classifier, shelf, state.info.sha256), limiter=state.limiter
            )
    except shv.errors.ShelfVisionError as error:
        raise HTTPException(422, str(error)) from error


def counted(classifier: shv.Classifier, shelf: Shelf, sha256: str) -> Stock:
    """Return the adjusted counts of a shelf."""
    found = classifier.predict_regions(
        shelf.photo, shelf.boxes, context=shelf.context, shape=shelf.shape
    ).predictions
    stock = shv.take_inventory(classifier, found)
    checks = () if shelf.expected is None else stock.against(shelf.expected)
    return Stock(
        labels=list(found.labels),
        review=[int(box) for box in np.flatnonzero(found.decisions == "review")],
        products={
            row.product: Count(count=row.count, low=row.low, high=row.high, taken_for=row.naive)
            for row in stock.rows()
        },
        differences=[
            Difference(
                product=one.product,
                status=one.status,
                expected=one.expected,
                confidence=one.confidence,
            )
            for one in checks
            if one.status != "as expected"
        ],
        sha256=sha256,
    )


@app.get("/health")
async def health() -> dict[str, str]:
    """Report that this worker has loaded its classifier; before that, it does not respond."""
    return {"status": "ok"}


@app.get("/version")
async def version(request: Request) -> About:
    """Describe the classifier."""
    info: shv.BundleInfo = request.app.state.info
    return About(
        sha256=info.sha256,
        architecture=info.architecture,
        class_names=info.class_names,
        image_size=info.image_size,
        saved_with=dict(info.created_with),
    )
