"""Read boxes from COCO, PASCAL VOC and YOLO files."""
