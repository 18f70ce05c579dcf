"""A load test: many clients ask the service of examples/service, run by uvicorn's own workers.

``python benchmarks/serving.py --clients 8 --seconds 20 --workers 2``. One request in ten brings a
broken photo.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

import shelfvision as shv

SERVICE = Path(__file__).parents[1] / "examples" / "service"


def saved_classifier(place: Path) -> tuple[Path, str]:
    """Save the article's network, untrained: it takes as long as a trained one."""
    path = place / "groceries.shelf"
    classifier = shv.Classifier.from_model(shv.build_model(5), class_names=list("abcde"))
    return path, classifier.save(path)


def photos() -> list[bytes]:
    """Return JPEG photos of 600 x 800 pixels, one in ten of them cut off."""
    found: list[bytes] = []
    for seed in range(20):
        small = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(small).resize((800, 600)).save(file, "JPEG", quality=85)
        found.append(file.getvalue())
    return [data[:2000] if number % 10 == 9 else data for number, data in enumerate(found)]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def wait_until_well(url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait for the first worker to answer."""
    for _ in range(1200):
        try:
            httpx.get(f"{url}/health", timeout=1).raise_for_status()
        except httpx.HTTPError:
            if server.poll() is not None:
                raise SystemExit("the server ended before it answered") from None
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server did not answer within two minutes")


def stop(server: subprocess.Popen[bytes]) -> None:
    """Ask the server to end, and end it if it does not."""
    server.terminate()
    try:
        server.wait(120)
    except subprocess.TimeoutExpired:
        server.kill()


async def ask(url: str, n_clients: int, seconds: float) -> tuple[list[float], Counter[str]]:
    """Ask from many clients at once; return seconds of every request and what came of it."""
    bodies = photos()
    taken: list[float] = []
    outcomes: Counter[str] = Counter()
    end = time.perf_counter() + seconds

    async def one(client: httpx.AsyncClient, number: int) -> None:
        while time.perf_counter() < end:
            body, number = bodies[number % len(bodies)], number + 1
            began = time.perf_counter()
            try:
                answer = await client.post(f"{url}/predict", content=body)
            except httpx.HTTPError as error:
                outcomes[type(error).__name__] += 1
                continue
            taken.append(time.perf_counter() - began)
            right = 422 if len(body) == 2000 else 200
            outcomes["as expected" if answer.status_code == right else str(answer.status_code)] += 1

    async with httpx.AsyncClient(timeout=60) as client:
        await asyncio.gather(*(one(client, 3 * number) for number in range(n_clients)))
    return taken, outcomes


def main() -> None:
    """Start the service, ask it, and print requests a second, latencies and errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        path, digest = saved_classifier(Path(place))
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        program = [sys.executable, "-m", "uvicorn", "service:app", "--log-level", "error"]
        program += ["--port", str(port), "--workers", str(arguments.workers)]
        settings = {"SHELF_BUNDLE": str(path), "SHELF_SHA256": digest}
        server = subprocess.Popen(program, cwd=SERVICE, env=os.environ | settings)
        try:
            wait_until_well(url, server)
            asyncio.run(ask(url, arguments.clients, 5))
            taken, outcomes = asyncio.run(ask(url, arguments.clients, arguments.seconds))
        finally:
            stop(server)
    cuts = statistics.quantiles(taken, n=100)
    print(
        f"{arguments.workers} workers, {arguments.clients} clients: "
        f"{len(taken) / arguments.seconds:.0f} requests/s, p50 {cuts[49] * 1e3:.0f} ms, "
        f"p99 {cuts[98] * 1e3:.0f} ms, {dict(outcomes)}"
    )


if __name__ == "__main__":
    main()
