"""A web service around a saved classifier: ``uvicorn service:app --workers 2``.

Environment: ``SHELF_BUNDLE`` is the file that ``Classifier.save`` wrote, ``SHELF_SHA256`` the
digest that it returned, ``SHELF_MAX_BYTES`` the largest photo (by default 8 MiB).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import anyio
import anyio.to_thread
import numpy as np
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

import shelfvision as sv

MAX_BYTES = int(os.environ.get("SHELF_MAX_BYTES", "8388608"))
AT_ONCE = 2 * (os.cpu_count() or 1)


class Answer(BaseModel):
    """What the classifier says about one photo."""

    label: str
    confidence: float
    decision: str
    """``accept``, or ``review`` where a person should look."""
    sha256: str
    """Which classifier said so."""


class About(BaseModel):
    """Which classifier answers."""

    sha256: str
    architecture: str
    class_names: tuple[str, ...]
    image_size: tuple[int, int]
    saved_with: dict[str, str]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the classifier in this worker, never before the fork, and have it compile."""
    path = os.environ["SHELF_BUNDLE"]
    info = sv.inspect(path, expected_sha256=os.environ.get("SHELF_SHA256"))
    classifier = sv.Classifier.load(path, expected_sha256=info.sha256)
    # The first prediction compiles; no request shall wait for that.
    classifier.predict(np.zeros((*classifier.image_size, 3), np.uint8))
    app.state.classifier, app.state.info = classifier, info
    app.state.limiter = anyio.CapacityLimiter(AT_ONCE)
    yield


app = FastAPI(title="What is on this photo?", lifespan=lifespan)


async def photo_of(request: Request) -> bytes:
    """Return the body of a request, and stop reading when it is too large."""
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > MAX_BYTES:
            raise HTTPException(413, f"a photo may have {MAX_BYTES} bytes at most")
    return bytes(data)


@app.post("/predict")
async def predict(request: Request, photo: Annotated[bytes, Depends(photo_of)]) -> Answer:
    """Tell which product a JPEG, PNG or WebP photo shows; the photo is the body of the request."""
    state = request.app.state
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


@app.get("/health")
async def health() -> dict[str, str]:
    """Tell that this worker has loaded its classifier; before that it answers nothing."""
    return {"status": "ok"}


@app.get("/version")
async def version(request: Request) -> About:
    """Tell which classifier answers."""
    info: sv.BundleInfo = request.app.state.info
    return About(
        sha256=info.sha256,
        architecture=info.architecture,
        class_names=info.class_names,
        image_size=info.image_size,
        saved_with=dict(info.created_with),
    )
