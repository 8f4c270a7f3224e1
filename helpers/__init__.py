"""The small tested module behind the course on factor models.

Three nouns carry everything: a `Panel` holds the data, a `FactorModel` is fitted to it, a `SimulatedMarket` knows the
truth. Every model is the same equation,

    r̂_s^(d) = β_s^(d) · F^(d)

and they differ only in what is given and what is solved for. The rooms, in the order in which they may know each other:

    panel  <-  data, models  <-  evaluation  <-  experiments  <-  exercises        plotting, playground beside them

`import helpers` loads nothing else; each part is loaded when it is first used. What there is stands in `__init__.pyi`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
