"""Access to Keras: the backend, compiled functions, weights."""
