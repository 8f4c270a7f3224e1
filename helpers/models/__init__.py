"""The one equation, r̂ = β · F, by what is given and what is solved for; and the regressions on arrays behind it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
