"""The names that Label Studio tasks of shelfvision have, shared by the writer and the reader."""

from __future__ import annotations

import re

IMAGE = "image"
"""The key of the photo in the data of a task, and the name of the image in the configuration."""
PHOTO_ID = "photo_id"
"""The key of the photo id; JSON-MIN replaces a key ``id`` by the number of the task."""
LABEL = "label"
"""The control with the class."""
STATUS = "status"
"""The control for photos without a class."""
COMMENT = "comment"
"""The control with a remark."""
REJECTIONS = ("other product", "unusable")
"""The choices of `STATUS`, and additional labels for boxes."""
BOX = re.compile(r"box-(?P<number>\d{1,9})")
"""The id of the result for a box; Label Studio keeps it in the annotation."""
