"""Training on several devices, which the caller chooses with Keras.

The caller sets a ``keras.distribution`` on jax, or builds the model within the scope of a
``tf.distribute`` strategy on tensorflow. Each device has a replica of the model and computes its
share of every batch.

- `_found` recognizes the devices and refuses those that would train another model.
- `_division` pads batches that the number of replicas does not divide.
- `_steps` removes the padding within a training step, so that it affects neither loss, metrics nor
  batch statistics.
- `_replicas` reads and unifies the variables that differ between replicas of tensorflow.

Example: a batch of 5 photos on 2 replicas is padded to 6, ``[0 1 2 | 3 4 x]``. The step drops
``x``, and weights the gradients of the replicas with 3/5 and 2/5.
"""
