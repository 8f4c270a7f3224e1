"""Long runs whose tables are stored beside them: the paper's Table 6, and the clinic of leaks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
