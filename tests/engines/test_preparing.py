"""Photos are measured, compared and grouped in Ray Data, Dask and Spark as in one process."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("psutil", reason="needs psutil; nox -s engines installs it")

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from shelfvision.scale import NearBuckets, NearPairs, PhotoFeatures, audit_features, near_groups
from support import scaling

PAGE = scaling.ROOT / "docs" / "how-to" / "prepare-at-scale.md"
MEASURE = PhotoFeatures(photo_column="path", photo_kind="path", label_column="label")
BUCKETS, NEAR = NearBuckets(), NearPairs()


def smaller(path: str) -> bytes:
    """Return a photo at three quarters of its size."""
    file = io.BytesIO()
    with Image.open(path) as photo:
        photo.resize((48, 36)).save(file, "JPEG", quality=90)
    return file.getvalue()


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a manifest of photos, exact copies, smaller copies and broken photos, in 4 shards."""
    place = tmp_path_factory.mktemp("prepared")
    paths = scaling.write_photos(place / "photos", 60)
    (place / "copies").mkdir()
    for number, path in enumerate(paths[:30]):
        data = smaller(path) if number % 2 else Path(path).read_bytes()
        (place / "copies" / f"{number:02}.jpg").write_bytes(data)
    paths += sorted(map(str, (place / "copies").iterdir()))
    paths += scaling.write_broken_photos(place / "broken")
    table = pa.table({"path": paths, "label": ["ab"[len(path) % 2] for path in paths]})
    (place / "manifest").mkdir()
    for number in range(4):
        rows = table.take(list(range(number, len(paths), 4)))
        pq.write_table(rows, place / "manifest" / f"{number}.parquet")
    return place / "manifest"


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """Return rows in one order and with one value for what is missing."""
    rows = [{name: value or None for name, value in row.items()} for row in table.to_pylist()]
    return sorted(rows, key=lambda row: sorted(map(str, row.items())))


def assert_same(features: pa.Table, pairs: pa.Table, manifest: Path) -> None:
    """Assert that an engine found what one process finds in the same photos."""
    expected = MEASURE(pq.read_table(manifest))
    near = NEAR(BUCKETS(expected))
    features, pairs = (
        found.select(one.column_names).cast(one.schema)
        for found, one in ((features, expected), (pairs, near))
    )
    assert rows_of(features) == rows_of(expected)
    assert rows_of(pairs) == rows_of(near)
    assert len(pairs) >= 15, "each smaller copy is a near-duplicate"
    assert features["error_code"].drop_null().to_pylist().count("not-found") == 2
    groups = (near_groups(one).to_pylist() for one in (pairs, near))
    assert len({str(sorted(map(str, one))) for one in groups}) == 1
    reports = [
        audit_features(one, near_pairs=two) for one, two in ((features, pairs), (expected, near))
    ]
    assert reports[0].findings == reports[1].findings


def test_ray_prepares_photos_as_one_process(ray: Any, manifest: Path) -> None:
    photos = ray.data.read_parquet(str(manifest)).repartition(target_num_rows_per_block=30)
    features = photos.map_batches(MEASURE, batch_format="pyarrow", batch_size=None).materialize()
    entries = features.map_batches(BUCKETS, batch_format="pyarrow", batch_size=None)
    pairs = entries.groupby("bucket").map_groups(NEAR, batch_format="pyarrow")
    assert_same(whole(ray, features), whole(ray, pairs), manifest)


def whole(engine: Any, dataset: Any) -> pa.Table:
    tables = [one for one in engine.get(dataset.to_arrow_refs()) if one.num_rows]
    return pa.concat_tables(tables)


def test_the_program_for_dask_prepares_photos_as_one_process(
    manifest: Path, tmp_path: Path
) -> None:
    pytest.importorskip("distributed", reason="needs Dask; nox -s engines installs it")
    (program,) = re.findall(
        r"^```py\n(import sys.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    (tmp_path / "prepare.py").write_text(program, encoding="utf-8")
    words = [sys.executable, str(tmp_path / "prepare.py"), str(manifest), str(tmp_path)]
    subprocess.run(words, env=scaling.settings(), check=True)
    features, pairs, groups = (
        pq.read_table(tmp_path / name) for name in ("features", "pairs", "groups")
    )
    assert_same(features, pairs, manifest)
    joined = dict(
        zip(*(near_groups(pairs)[name].to_pylist() for name in ("digest", "group")), strict=True)
    )
    for row in groups.to_pylist():
        if row["digest"] in joined:
            assert row["group"] == joined[row["digest"]]


def test_spark_prepares_photos_as_one_process(spark: Any, manifest: Path) -> None:
    photos = spark.read.parquet(str(manifest))
    features = photos.mapInArrow(MEASURE.over, MEASURE.ddl).persist()
    entries = features.mapInArrow(BUCKETS.over, BUCKETS.ddl)
    # Spark passes the key too to callables of two arguments, and counts `self` as one.
    pairs = entries.groupBy("bucket").applyInArrow(lambda bucket: NEAR(bucket), NEAR.ddl)  # noqa: PLW0108
    assert_same(features.toArrow(), pairs.toArrow(), manifest)
