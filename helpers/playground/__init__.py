"""The playground: a conditional autoencoder that trains live in the page, in JupyterLab or in a page of its own.

What it does stands in playground.js, one file that needs no network; Python only hands it over.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
