"""Boxes from the files of other tools: COCO, PASCAL VOC, YOLO."""
