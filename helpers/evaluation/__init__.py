"""Honest numbers: what a model explains and predicts, how sure that is, what it rests on, what it would have earned."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
