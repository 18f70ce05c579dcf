"""Score the photos of a manifest with Ray: python score_with_ray.py MODEL MANIFEST OUT [ROWS]."""

import sys
from pathlib import Path

import ray
from ray.data.checkpoint import CheckpointConfig

from shelfvision.scale import Scorer


def main(model: str, manifest: str, out: str, rows: str = "5000") -> None:
    """Score all photos that are not in `out` yet, in blocks of at most `rows`."""
    if "://" not in out:
        out = str(Path(out).absolute())  # checkpoints need an absolute path or a URL
    scorer = Scorer(model, photo_column="path", photo_kind="path")
    done = CheckpointConfig("path", f"{out}.checkpoint", delete_checkpoint_on_success=False)
    ray.data.DataContext.get_current().checkpoint_config = done
    photos = ray.data.read_parquet(manifest).select_columns(["path"])
    blocks = photos.repartition(target_num_rows_per_block=int(rows))
    blocks.map_batches(scorer, batch_format="pyarrow", batch_size=None).write_parquet(out)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    ray.init()
    main(*sys.argv[1:])
