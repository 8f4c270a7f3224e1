"""Where panels come from: files, prices, datasets inside libraries, simulated markets; and characteristics as ranks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
