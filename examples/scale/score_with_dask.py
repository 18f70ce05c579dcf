"""Score the photos of a manifest with Dask: python score_with_dask.py MODEL MANIFEST OUT [ROWS]."""

import sys
from pathlib import Path

import dask.dataframe as dd
import pyarrow.parquet as pq
from dask.distributed import Client

from shelfvision.scale import Scorer


def main(model: str, manifest: str, out: str, rows: str = "5000") -> None:
    """Score all shards of the manifest that are not in `out` yet, in parts of about `rows`."""
    shards = sorted(Path(manifest).glob("*.parquet"))
    if not shards or any("path" not in pq.read_schema(shard).names for shard in shards):
        sys.exit(
            "MANIFEST must be a folder of Parquet files with the column path, got "
            f"{manifest!r}; check the path and the files"
        )
    scorer = Scorer(model, photo_column="path", photo_kind="path")
    for shard in shards:
        place = Path(out, shard.stem)
        if not (place / "_metadata").exists():  # written last, so this shard is not complete
            photos = dd.read_parquet(shard, columns=["path"])
            parts = photos.repartition(npartitions=max(1, len(photos) // int(rows)))
            answers = parts.map_partitions(scorer, meta=scorer.meta)
            answers.to_parquet(place, write_index=False, write_metadata_file=True, overwrite=True)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    with Client():
        main(*sys.argv[1:])
