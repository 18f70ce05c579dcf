"""`Scorer`: one callable scores any kind of batch, with one schema."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shelfvision as shv
from shelfvision._runtime.sessions import load_session
from shelfvision.errors import (
    BundleError,
    BundleNotFoundError,
    InvalidParameterError,
    MissingDependencyError,
)
from shelfvision.export import Predictor
from shelfvision.scale import Scorer, _opening
from support import refuses

from .conftest import BUNDLE, EXPORT, encoded

pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pytest.importorskip("onnxruntime")

EARLIER = BUNDLE.with_name("version-2.shelf")
DEFAULT = ["path", "label", "confidence", "decision", "error", "error_code"]


def as_dict(photos: list[Any], ids: list[str]) -> dict[str, Any]:
    cells = np.empty(len(photos), dtype=object)
    cells[:] = photos
    return {"bytes": cells, "path": np.array(ids, dtype=object)}


KINDS: dict[str, Callable[[list[Any], list[str]], Any]] = {
    "dict": as_dict,
    "dict of lists": lambda photos, ids: {"bytes": photos, "path": ids},
    "pandas": lambda photos, ids: pd.DataFrame({"bytes": photos, "path": ids}),
    "polars": lambda photos, ids: pl.DataFrame({"path": ids, "bytes": photos}),
    "table": lambda photos, ids: pa.table({"path": ids, "bytes": photos}),
    "record batch": lambda photos, ids: pa.RecordBatch.from_pydict({"path": ids, "bytes": photos}),
}


def as_table(result: Any) -> Any:
    """Return a result of any kind as an Arrow table; missing text of a dict becomes null."""
    if isinstance(result, dict):
        columns = {
            name: [one or None for one in column.tolist()] if column.dtype.kind == "U" else column
            for name, column in result.items()
        }
        columns = {
            name: pa.array(
                column, from_pandas=True, type=pa.string() if name != "confidence" else None
            )
            for name, column in columns.items()
        }
        return pa.table(columns)
    if isinstance(result, pd.DataFrame):
        return pa.Table.from_pandas(result, preserve_index=False)
    if isinstance(result, pl.DataFrame):
        return result.to_arrow()
    return pa.table(result) if isinstance(result, pa.RecordBatch) else result


def values(result: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = as_table(result).to_pydict()
    return found


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer(EXPORT)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_batch_gives_the_predictions_of_a_predictor(
    kind: str, scorer: Scorer, photos: list[bytes], ids: list[str]
) -> None:
    batch = KINDS[kind](photos, ids)
    result = scorer(batch)
    assert isinstance(result, type(batch))
    found = values(result)
    expected = Predictor(EXPORT).predict(photos)
    assert list(found) == DEFAULT
    assert found["path"] == ids
    assert found["label"] == list(expected.labels)
    assert np.array_equal(np.array(found["confidence"], np.float32), expected.confidences)
    assert found["decision"] == list(expected.decisions)
    assert found["error"] == found["error_code"] == [None] * len(ids)


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_that_cannot_be_read_is_a_row_with_its_error(
    kind: str, scorer: Scorer, photos: list[bytes]
) -> None:
    cells = [photos[0], None, b"", b"nothing", photos[1][:300], photos[1]]
    found = values(scorer(KINDS[kind](cells, list("abcdef"))))
    codes = [None, "missing", "empty", "not-an-image", "truncated", None]
    assert found["error_code"] == codes
    assert [error is None for error in found["error"]] == [code is None for code in codes]
    assert [label is None for label in found["label"]] == [code is not None for code in codes]
    assert found["decision"][1:5] == ["review"] * 4
    expected = Predictor(EXPORT).predict([cell or b"" for cell in cells], on_error="skip")
    known = np.array([np.nan if one is None else one for one in found["confidence"]], np.float32)
    assert np.array_equal(known, expected.confidences, equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", ["none", "failed"])
def test_the_schema_does_not_depend_on_the_rows(
    kind: str, rows: str, scorer: Scorer, photos: list[bytes], ids: list[str]
) -> None:
    """A shard without errors, without photos or without readable photos fits the others."""
    cells = {"none": [], "failed": [b"x", None, b""]}[rows]
    other = scorer(KINDS[kind](cells, ids[: len(cells)]))
    assert types_of(other) == types_of(scorer(KINDS[kind](photos[:4], ids[:4])))


def types_of(result: Any) -> Any:
    if isinstance(result, dict):
        # Ray infers the types of a block from the arrays.
        return {name: pa.array(column).type for name, column in result.items()}
    if isinstance(result, pd.DataFrame):
        return dict(result.dtypes)
    return result.schema


def test_arrow_results_have_the_schema(scorer: Scorer, photos: list[bytes], ids: list[str]) -> None:
    for make in (KINDS["table"], KINDS["record batch"]):
        assert scorer(make(photos, ids)).schema.equals(scorer.schema, check_metadata=True)
    text, number = pa.string(), pa.float32()
    assert scorer.schema.types == [text, text, number, text, text, text]
    assert scorer.schema.names == DEFAULT


def test_the_ddl_quotes_names() -> None:
    ddl = Scorer(EXPORT, id_column="a`b", columns=["confidence"], probabilities=True).ddl
    assert ddl == (
        "`a``b` STRING, `confidence` FLOAT, `p(juice)` FLOAT, `p(milk \u00e9)` FLOAT, "
        "`p(soy <&> yoghurt)` FLOAT, `error` STRING, `error_code` STRING"
    )


def test_meta_is_an_empty_frame_of_the_dtypes_of_results(
    scorer: Scorer, photos: list[bytes], ids: list[str]
) -> None:
    frame = scorer(KINDS["pandas"](photos[:2], ids[:2]))
    assert len(scorer.meta) == 0
    assert dict(scorer.meta.dtypes) == dict(frame.dtypes)


def test_a_pandas_result_has_the_index_of_the_batch(
    scorer: Scorer, photos: list[bytes], ids: list[str]
) -> None:
    batch = KINDS["pandas"](photos[:3], ids[:3]).set_index(pd.Index([7, 7, 9], name="row"))
    assert scorer(batch).index.equals(batch.index)
    assert scorer(batch).index.name == "row"


def test_columns_are_selected(photos: list[bytes], ids: list[str]) -> None:
    batch = KINDS["table"](photos[:2], ids[:2])
    chosen = Scorer(EXPORT, columns=["confidence", "label"], id_column=None)(batch)
    assert chosen.column_names == ["label", "confidence", "error", "error_code"]


def test_probabilities_are_those_of_a_predictor(photos: list[bytes], ids: list[str]) -> None:
    scorer = Scorer(EXPORT, probabilities=True)
    found = scorer(KINDS["table"]([*photos[:3], b""], ids[:4]))
    expected = Predictor(EXPORT).predict(photos[:3])
    for place, name in enumerate(expected.class_names):
        column = found[f"p({name})"].to_pylist()
        assert column[3] is None
        assert np.array_equal(np.array(column[:3], np.float32), expected.probabilities[:, place])


def test_a_bundle_gives_the_predictions_and_embeddings_of_its_classifier(
    photos: list[bytes], ids: list[str]
) -> None:
    scorer = Scorer(BUNDLE, embed=True)
    cells = [photos[0], b"", *photos[1:5]]
    found = scorer(KINDS["table"](cells, ids[:6]))
    classifier = shv.Classifier.load(BUNDLE)
    expected = classifier.predict(cells, on_error="skip")
    assert np.array_equal(found["confidence"].to_numpy(), expected.confidences, equal_nan=True)
    embeddings = found["embedding"].to_pylist()
    assert embeddings.pop(1) is None
    assert np.array_equal(np.array(embeddings, np.float32), classifier.embed(photos[:5]))
    assert found.schema == scorer.schema == scorer(KINDS["table"]([], [])).schema
    matrix = scorer(as_dict(cells, ids[:6]))["embedding"]
    assert matrix.shape == (6, len(embeddings[0]))
    assert np.isnan(matrix[1]).all()
    assert np.array_equal(np.delete(matrix, 1, axis=0), np.array(embeddings, np.float32))


def test_embeddings_of_an_export_are_refused() -> None:
    with refuses(InvalidParameterError, "conflict", "embed"):
        Scorer(EXPORT, embed=True)


@pytest.mark.parametrize(
    "cell",
    [bytearray, memoryview, lambda photo: np.frombuffer(photo, np.uint8), np.bytes_],
    ids=["bytearray", "memoryview", "uint8", "numpy bytes"],
)
def test_bytes_may_come_in_any_buffer(
    cell: Callable[[bytes], object], scorer: Scorer, photos: list[bytes]
) -> None:
    found = scorer(as_dict([cell(photo) for photo in photos[:3]], list("abc")))
    assert np.array_equal(found["confidence"], Predictor(EXPORT).predict(photos[:3]).confidences)


@pytest.mark.parametrize("cell", [3, 2.5, "a.jpg", [1, 2], {"a": 1}, object(), np.zeros((4, 4, 3))])
def test_a_cell_of_another_type_is_a_row_with_an_error(
    cell: object, scorer: Scorer, photos: list[bytes]
) -> None:
    found = scorer(as_dict([photos[0], cell], ["a", "b"]))
    assert found["error_code"].tolist() == ["", "wrong-type"]


@pytest.mark.parametrize("cell", [None, float("nan"), pd.NA, pd.NaT, ""])
def test_a_missing_cell_is_a_row_with_an_error(cell: object, scorer: Scorer) -> None:
    assert scorer(as_dict([cell], ["a"]))["error_code"].tolist() == ["missing"]


def test_paths_are_read_by_the_worker(tmp_path: Path, photos: list[bytes]) -> None:
    good, broken = tmp_path / "a.jpg", tmp_path / "b.jpg"
    good.write_bytes(photos[0])
    broken.write_bytes(b"")
    paths = [str(good), str(broken), str(tmp_path / "none.jpg"), str(tmp_path), None, 3, "a\0b"]
    scorer = Scorer(EXPORT, photo_column="path", photo_kind="path")
    found = values(scorer({"path": np.array(paths, dtype=object)}))
    assert found["error_code"][:6] == [
        *(None, "empty", "not-found", "not-a-file", "missing", "wrong-type"),
    ]
    assert found["error_code"][6] is not None
    assert found["confidence"][0] == Predictor(EXPORT).predict(photos[:1]).confidences[0]


def test_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no FIFOs")
    os.mkfifo(tmp_path / "pipe")
    scorer = Scorer(EXPORT, photo_column="path", photo_kind="path")
    found: Any = scorer({"path": [str(tmp_path / "pipe")]})
    assert found["error_code"].tolist() == ["not-a-file"]


def test_numbers_are_ids_as_text(scorer: Scorer, photos: list[bytes]) -> None:
    for column in ([7, 4006381333931], np.array([7, 4006381333931]), [7.0, 4006381333931.0]):
        found: Any = scorer({"bytes": photos[:2], "path": column})
        assert found["path"].tolist() == ["7", "4006381333931"]


def test_the_ids_of_a_result_are_exactly_those_of_the_batch(
    scorer: Scorer, photos: list[bytes]
) -> None:
    odd = ["  a.jpg ", "Ka\u0308se.jpg", "", "a.jpg", "a.jpg"]
    batch = KINDS["table"](photos[:5], odd)
    assert scorer(batch)["path"].to_pylist() == odd
    missing = pa.table({"bytes": photos[:2], "path": pa.array([None, "b"])})
    assert scorer(missing)["path"].to_pylist() == [None, "b"]


def test_columns_of_any_arrow_type_are_read(scorer: Scorer, photos: list[bytes]) -> None:
    expected = scorer(KINDS["table"](photos[:3], list("aba")))
    for text in (pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()):
        for binary in (pa.large_binary(), pa.binary_view()):
            ids = pa.array(list("aba")).cast(text)
            batch = pa.table({"path": ids, "bytes": pa.array(photos[:3], type=binary)})
            assert scorer(batch).equals(expected)


def test_a_table_of_several_chunks_is_one_batch(
    scorer: Scorer, photos: list[bytes], ids: list[str]
) -> None:
    whole = KINDS["table"](photos, ids)
    cut = pa.concat_tables([whole.slice(0, 5), whole.slice(5, 0), whole.slice(5)])
    assert scorer(cut).equals(scorer(whole))


def test_over_yields_parts_of_limited_size(
    scorer: Scorer, photos: list[bytes], ids: list[str]
) -> None:
    """Spark passes an iterator of batches of many rows, and writes what comes back."""
    small = KINDS["record batch"]([b"x"], ["x"])
    large = KINDS["record batch"]([b"x"] * 2500, [str(row) for row in range(2500)])
    found = list(scorer.over(iter([small, large, small.slice(0, 0)])))
    assert [len(part) for part in found] == [1, 1024, 1024, 452, 0]
    assert [row for part in found for row in part["path"].to_pylist()] == [
        *("x", *(str(row) for row in range(2500))),
    ]
    frames = list(scorer.over(iter([KINDS["pandas"](photos[:3], ids[:3])])))
    assert isinstance(frames[0], pd.DataFrame)


def test_over_reads_one_batch_at_a_time(scorer: Scorer) -> None:
    taken: list[int] = []

    def batches() -> Any:
        for row in range(3):
            taken.append(row)
            yield KINDS["table"]([b"x"], [str(row)])

    results = scorer.over(batches())
    assert taken == []
    next(results)
    assert taken == [0]


def test_a_pickle_is_small_and_scores_the_same(
    scorer: Scorer, photos: list[bytes], ids: list[str]
) -> None:
    data = pickle.dumps(Scorer(EXPORT, threads=2, probabilities=True))
    assert len(data) < 1000
    again = pickle.loads(data)
    assert again.schema == Scorer(EXPORT, probabilities=True).schema
    assert "2 threads" in repr(again)
    batch = KINDS["table"](photos[:3], ids[:3])
    assert again(batch).select(DEFAULT).equals(scorer(batch))


@pytest.mark.parametrize("before", [EXPORT, BUNDLE], ids=["export", "bundle"])
def test_a_worker_refuses_another_file(
    before: Path, tmp_path: Path, photos: list[bytes], ids: list[str]
) -> None:
    path = Path(shutil.copy(before, tmp_path / before.name))
    data = pickle.dumps(Scorer(path))
    other = EXPORT.parent / "version-3" / "tiny.onnx" if before is EXPORT else EARLIER
    shutil.copy(other, path)
    with refuses(BundleError, "wrong-digest", "bundle"):
        pickle.loads(data)(KINDS["table"](photos[:1], ids[:1]))


def test_another_file_than_the_trusted_one_is_refused() -> None:
    trusted = Scorer(EXPORT).sha256
    assert Scorer(EXPORT, sha256=trusted.upper()).sha256 == trusted
    with refuses(BundleError, "wrong-digest", "sha256"):
        Scorer(EXPORT, sha256="0" * 64)
    with refuses(InvalidParameterError, "wrong-type", "sha256"):
        Scorer(EXPORT, sha256="abc")


def test_a_file_that_is_missing_or_foreign_is_refused(tmp_path: Path) -> None:
    with refuses(BundleNotFoundError, "not-found", "bundle"):
        Scorer(tmp_path / "none.onnx")
    (tmp_path / "a.onnx").write_bytes(b"nothing that anybody knows")
    with refuses(BundleError, "foreign-format"):
        Scorer(tmp_path / "a.onnx")
    with refuses(BundleError, "not-a-file", "bundle"):
        Scorer(tmp_path)


@pytest.mark.parametrize(
    ("settings", "code", "parameter"),
    [
        ({"photo_kind": "pixels"}, "not-an-option", "photo_kind"),
        ({"photo_column": 3}, "wrong-type", "photo_column"),
        ({"photo_column": ""}, "wrong-type", "photo_column"),
        ({"id_column": 3}, "wrong-type", "id_column"),
        ({"id_column": "label"}, "duplicate", "id_column"),
        ({"id_column": "error"}, "duplicate", "id_column"),
        ({"columns": ["id"]}, "not-an-option", "columns"),
        ({"threads": 0}, "not-in-range", "threads"),
        ({"threads": True}, "not-in-range", "threads"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], code: str, parameter: str) -> None:
    with refuses(InvalidParameterError, code, parameter):
        Scorer(EXPORT, **settings)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_without_the_columns_is_refused(
    kind: str, photos: list[bytes], ids: list[str]
) -> None:
    batch = KINDS[kind](photos[:1], ids[:1])
    with refuses(InvalidParameterError, "missing-column", "photo_column"):
        Scorer(EXPORT, photo_column="content")(batch)
    with refuses(InvalidParameterError, "missing-column", "id_column"):
        Scorer(EXPORT, id_column="name")(batch)


@pytest.mark.parametrize(
    "batch", [None, b"photo", ["a.jpg"], np.zeros(3), 5, pl.LazyFrame({"path": ["a"]})]
)
def test_a_batch_of_another_kind_is_refused(batch: Any, scorer: Scorer) -> None:
    with refuses(InvalidParameterError, "wrong-type", "batch"):
        scorer(batch)


def test_one_row_instead_of_a_batch_is_refused(scorer: Scorer, photos: list[bytes]) -> None:
    """Ray's map passes a single row, map_batches a batch."""
    with refuses(InvalidParameterError, "wrong-type", "batch"):
        scorer({"bytes": photos[0], "path": "a.jpg"})
    with refuses(InvalidParameterError, "wrong-length", "batch"):
        scorer({"bytes": photos[:2], "path": ["a.jpg"]})


def test_a_batch_with_a_column_twice_is_refused(scorer: Scorer, photos: list[bytes]) -> None:
    twice = pa.Table.from_arrays(
        [pa.array(photos[:1])] * 2 + [pa.array(["a"])], names=["bytes", "bytes", "path"]
    )
    for batch in (twice, twice.to_pandas()):
        with refuses(InvalidParameterError, "duplicate", "photo_column"):
            scorer(batch)


def test_a_process_opens_the_file_once(
    monkeypatch: pytest.MonkeyPatch, photos: list[bytes], ids: list[str]
) -> None:
    opened: list[str] = []
    load = load_session

    def counted(*arguments: Any, **settings: Any) -> Any:
        opened.append(threading.current_thread().name)
        return load(*arguments, **settings)

    monkeypatch.setattr("shelfvision.scale._opening.load_session", counted)
    monkeypatch.setattr(_opening, "_models", type(_opening._models)())
    data, batch = pickle.dumps(Scorer(EXPORT)), KINDS["table"](photos[:8], ids[:8])
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: pickle.loads(data)(batch), range(16)))
    assert len(opened) == 1
    assert all(result.equals(results[0]) for result in results)


def test_a_process_keeps_a_few_models(
    monkeypatch: pytest.MonkeyPatch, photos: list[bytes], ids: list[str]
) -> None:
    monkeypatch.setattr(_opening, "_models", type(_opening._models)())
    batch = KINDS["table"](photos[:1], ids[:1])
    for threads in range(1, 8):
        Scorer(EXPORT, threads=threads)(batch)
    assert [key[2] for key in _opening._models] == [4, 5, 6, 7]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_opens_its_own_model(
    scorer: Scorer, photos: list[bytes], ids: list[str]
) -> None:
    """The threads of a runtime do not exist in a forked child."""
    program = f"""
import os, pickle, sys
import pyarrow as pa
from shelfvision.scale import Scorer, _opening
sys.path.insert(0, {str(Path(__file__).parent)!r})
scorer = Scorer({str(EXPORT)!r}, threads=2)
batch = pa.table({{"bytes": [{photos[0]!r}], "path": ["a"]}})
before = scorer(batch)
parents = list(_opening._models.values())
child = os.fork()
if child == 0:
    same = scorer(batch).equals(before)
    own = list(_opening._models.values())
    os._exit(0 if same and own[0] is not parents[0] else 1)
_, status = os.waitpid(child, 0)
assert scorer(batch).equals(before)
sys.exit(os.waitstatus_to_exitcode(status))
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=120, check=False)
    assert done.returncode == 0


def test_an_export_is_scored_without_keras(photos: list[bytes]) -> None:
    program = f"""
import sys
import pyarrow as pa
from shelfvision.scale import Scorer
found = Scorer({str(EXPORT)!r})(pa.table({{"bytes": [{photos[0]!r}], "path": ["a"]}}))
assert found["label"][0].is_valid
heavy = {{"keras", "tensorflow", "jax", "torch", "ray", "dask", "pyspark", "matplotlib"}}
sys.exit(", ".join(sorted(heavy & set(sys.modules))) or None)
"""
    subprocess.run([sys.executable, "-c", program], timeout=120, check=True)


def test_photos_with_their_orientation_are_turned(scorer: Scorer) -> None:
    """Scoring reads photos with the decoder of training."""
    photo = encoded(1)
    turned = (
        photo[:2]
        + b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
        + photo[2:]
    )
    found: Any = scorer({"bytes": [photo, turned], "path": ["a", "b"]})
    expected = Predictor(EXPORT).predict([photo, turned])
    assert np.array_equal(found["confidence"], expected.confidences)
    assert found["confidence"][0] != found["confidence"][1]


def test_without_pyarrow_the_error_has_the_pip_line(
    monkeypatch: pytest.MonkeyPatch, scorer: Scorer
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(MissingDependencyError, match=r"shelfvision\[scale\]"):
        _ = scorer.schema


@pytest.mark.parametrize("kind", KINDS)
def test_columns_are_copied_in_their_declared_type(kind: str, photos: list[bytes]) -> None:
    scorer = Scorer(EXPORT, keep={"store": "string", "week": "int32"}, columns=["label"])
    columns = {"bytes": photos[:2], "path": ["a", "b"], "store": [7, 8], "week": [1, 2]}
    batch: Any = columns
    if kind == "pandas":
        batch = pd.DataFrame(columns)
    elif kind == "polars":
        batch = pl.DataFrame(columns)
    elif kind in ("table", "record batch"):
        batch = pa.table(columns)
    found = scorer(batch)
    if isinstance(found, dict):
        assert found["store"].tolist() == ["7", "8"]
        assert found["week"].dtype == np.int32
        return
    found = as_table(found)
    assert found.column_names == ["path", "store", "week", "label", "error", "error_code"]
    assert found["store"].to_pylist() == ["7", "8"]
    assert found["week"].to_pylist() == [1, 2]
    assert scorer.ddl.startswith("`path` STRING, `store` STRING, `week` INT, `label` STRING")


def test_a_copied_column_of_another_type_is_refused(photos: list[bytes]) -> None:
    batch = pa.table({"bytes": photos[:1], "path": ["a"], "week": ["first"]})
    with refuses(InvalidParameterError, "wrong-type", "keep"):
        Scorer(EXPORT, keep={"week": "int32"})(batch)
    with refuses(InvalidParameterError, "missing-column", "keep"):
        Scorer(EXPORT, keep={"store": "int32"})(batch)
    with refuses(InvalidParameterError, "duplicate", "keep"):
        Scorer(EXPORT, keep={"label": "string"})
    with refuses(InvalidParameterError, "not-an-option", "keep") as caught:
        Scorer(EXPORT, keep={"week": "week"})  # type: ignore[dict-item]  # the point of the test
    assert "keep['week'] must be one of" in str(caught.value)
    with refuses(InvalidParameterError, "wrong-type", "keep"):
        Scorer(EXPORT, keep=["week"])  # type: ignore[arg-type]  # the point of the test
