"""Gradients and compilation, which Keras leaves to TensorFlow (the default) or JAX (KERAS_BACKEND=jax)."""

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    # Autograph, which rewrites Python's loops, writes files to do so; what is compiled here has none to rewrite.

    def compiled(function):
        """The function as fused machine code, made once for each shape of its arguments."""
        return tf.function(function, jit_compile=True, autograph=False)

    def compiled_loop(function):
        """A function that repeats compiled ones, without returning to Python between them."""
        return tf.function(function, reduce_retracing=True, autograph=False)

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
