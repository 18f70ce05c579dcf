"""Transfer learning: fine-tune the upper layers of a pretrained model.

The model is cut in two. The frozen layers below the cut run once for each view of a photo, and the
layers above train on the outputs. This saves most of the computation of an epoch.
"""
