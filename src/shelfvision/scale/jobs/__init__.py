"""Score many photos into a folder of Parquet files, in a job that survives every crash.

A job writes one Parquet file per *shard*, a range of the list of photos. The folder looks like
this::

    OUT/
      part-000000.parquet           the scores of the first shard
      part-000001.parquet
      _shelfvision/
        plan.json                   what is scored, with digests of photos, model and settings
        photos.arrow                the list of photos, one record batch per shard
        parts/part-000000.json      digest, number of rows and errors of a finished file
        claims/part-000001.lock     the shard that a process is scoring right now

Readers of data sets ignore ``_shelfvision``, because its name starts with an underscore.

Commit of a shard
    The Parquet file is encoded in memory and decoded again: number of rows, schema and ids have to
    be right. Then its record (SHA-256) is written, and then the file itself, both atomically: to a
    temporary name, fsync, comparison with what the disk returns, rename. A shard is finished if
    its file has the SHA-256 of its record. So after a kill at any instant a shard is either
    finished or missing, and a restart scores exactly the missing ones.

Claims
    A process scores a shard only while it holds the shard's lock (`FolderLock`). The operating
    system releases the lock of a killed process. Several processes and several invocations
    therefore share a job. If a file system has no locks, two of them may score a shard twice; the
    second file replaces the first one, so each photo is still in the output once.
"""
