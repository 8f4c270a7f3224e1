"""Keras, loaded without the notes on the machine's hardware that TensorFlow writes past Python's own streams.

Keras' layers and operations are the same on every backend. Gradients and compilation are not part of them: the three
functions here are all that the course needs besides, on TensorFlow (the default) or JAX (KERAS_BACKEND=jax).
"""

import os
from contextlib import contextmanager

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextmanager
def _standard_error_silenced():
    """File descriptor 2 leads nowhere inside the block.

    TensorFlow's C++ code ignores sys.stderr and its own log level.
    """
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


with _standard_error_silenced():
    import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    def compiled(function):
        """The function as fused machine code, made once for each shape of its arguments."""
        return tf.function(function, jit_compile=True)

    def compiled_loop(function):
        """A function that repeats compiled ones, without returning to Python between them."""
        return tf.function(function, reduce_retracing=True)

    def with_gradient(loss):
        """A function of the same arguments that gives (∂loss/∂weights, extra), where loss gives (value, extra)."""

        def gradient(weights, *arguments):
            with tf.GradientTape() as tape:
                tape.watch(weights)
                value, extra = loss(weights, *arguments)
            return tape.gradient(value, weights), extra

        return gradient

elif keras.backend.backend() == "jax":
    import jax

    compiled = compiled_loop = jax.jit

    def with_gradient(loss):
        """A function of the same arguments that gives (∂loss/∂weights, extra), where loss gives (value, extra)."""
        return jax.grad(loss, has_aux=True)

else:
    raise ImportError(
        f"KERAS_BACKEND must be tensorflow or jax; it is {keras.backend.backend()}. Unset it for tensorflow."
    )

__all__ = ["compiled", "compiled_loop", "keras", "with_gradient"]
