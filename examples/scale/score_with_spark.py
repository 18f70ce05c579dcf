"""Score the photos of a manifest with Spark: score_with_spark.py MODEL MANIFEST OUT [TASKS]."""

import sys

from pyspark.sql import DataFrame, SparkSession

from shelfvision.scale import Scorer


def main(model: str, manifest: str, out: str, tasks: str = "8") -> None:
    """Score all shards of the manifest that are not in `out` yet, each in `tasks` tasks."""
    spark = SparkSession.builder.getOrCreate()
    scorer = Scorer(model, photo_column="path", photo_kind="path")
    stream = spark.readStream.schema("path string").option("maxFilesPerTrigger", 1)
    answers = stream.parquet(manifest).repartition(int(tasks)).mapInArrow(scorer.over, scorer.ddl)

    def write(batch: DataFrame, number: int) -> None:
        batch.write.mode("overwrite").parquet(f"{out}/batch={number}")

    job = answers.writeStream.foreachBatch(write).option("checkpointLocation", f"{out}.checkpoint")
    job.trigger(availableNow=True).start().awaitTermination()


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
