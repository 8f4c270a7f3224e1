"""The pictures of the course: `draw_*` diagrams, `plot_*` charts, and sliders.

Every function returns a Figure and shows nothing by itself. One file a subject: matrices, networks and folds are drawn;
estimates and results are plotted; sliders move any of them; style holds the colours. Where a kernel has imported this,
every figure that it shows is described for those who do not see it (`helpers.plotting.shown`).
"""

import sys

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

if "IPython" in sys.modules:  # a script has nobody to show figures to
    from helpers.plotting.shown import describe_figures

    describe_figures()
