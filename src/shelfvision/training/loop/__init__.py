"""The training loop: input checks, batches, compilation and ``keras.Model.fit``.

``_fit.py`` calls the other modules in this order. State that survives a crash is in ``run``.
"""
