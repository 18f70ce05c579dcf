"""Access to Keras, for the rooms that build, train, run and export models.

- `backend` chooses the backend and imports Keras, and nobody else does: ``KERAS_BACKEND``, then
  ``keras.json``, then the first of tensorflow, jax and torch that is installed. `load_keras`
  returns the module; in a process that was forked after that, it is an error.
- `compiled` makes a compiled function of a model and frozen weights, for each backend: a graph of
  tensorflow for each shape of a batch, ``jax.jit``, or a plain call without gradients on torch.
- `dtype_policy` builds and calls models in float32, whatever the global policy of Keras is.
- `jax_cpu` replaces the convolutions that jax computes slowly on a CPU.
- `weights` names the weights of a model, and reads them from a file.
- `layers` finds the last dense layer, and checks a model that was cut in two.
"""
