"""Read the boxes of many photos: COCO JSON, folders of PASCAL VOC XML, YOLO datasets, mappings."""
