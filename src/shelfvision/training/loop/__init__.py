"""From a dataset to trained weights: feeding, compiling and Keras's own training loop."""
