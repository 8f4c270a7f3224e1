"""The pictures of the course: `draw_*` diagrams, `plot_*` charts, and sliders.

Every function returns a Figure and shows nothing by itself. One file a subject: matrices, networks and folds are drawn;
estimates and results are plotted; sliders move any of them; style holds the colours.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
