"""Access to Keras, for the packages that build, train, run and export models.

- `backend` is the only module that imports Keras. It chooses the backend from ``KERAS_BACKEND``,
  then from ``keras.json``, then takes the first of tensorflow, jax and torch that is installed.
  `load_keras` returns the module, and raises in a process that was forked after Keras was loaded.
- `compiled` compiles a model with frozen weights for each backend: one tensorflow graph for each
  batch shape, ``jax.jit``, or a plain call without gradients on torch.
- `dtype_policy` builds and calls models in float32, whatever Keras's global policy is.
- `jax_cpu` replaces convolutions that jax computes slowly on CPUs.
- `weights` names the weights of a model and loads them from files.
- `layers` finds the head of a model and checks a model that was cut in two.
"""
