"""Transfer: what of a pretrained model stays, what learns, and what is computed only once."""
