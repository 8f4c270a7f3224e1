"""Characteristics that say nothing in the dates a model is fitted to, and so get no weight."""

import warnings

import numpy as np
import pandas as pd

from helpers.checks import first_few
from helpers.labels import short
from helpers.panel import Panel


def unused_characteristics(panel: Panel) -> pd.Index:
    """Those that are unknown, or 0, for every ticker with a return at every date."""
    told = np.zeros(panel.n_characteristics, bool)
    for _, _, block in panel.blocks():
        z = block.characteristics
        told |= (~np.isnan(z) & (z != 0) & ~np.isnan(block.returns)[:, :, None]).any(axis=(0, 1))
        if told.all():
            break
    return panel.characteristic_names[~told]


def warned_of_unused(panel: Panel, stacklevel: int) -> pd.Index:
    """Those, after a warning with their names if there are any; refused if they are all that there is."""
    unused = unused_characteristics(panel)
    if len(unused) == panel.n_characteristics:
        raise ValueError(
            "No characteristic differs from 0 where a ticker has a return, so no β can be made of them. Pass other "
            "dates."
        )
    if len(unused):
        warnings.warn(
            f"{len(unused)} characteristic(s) are unknown, or 0, for every ticker at all dates fitted to, "
            f"{short(panel.dates[0])} to {short(panel.dates[-1])}, and get no weight: {first_few(unused)}.",
            stacklevel=stacklevel + 1,
        )
    return unused


def without(panel: Panel, names: pd.Index) -> Panel:
    """The panel without these characteristics."""
    if not len(names):
        return panel
    return panel.select_characteristics(panel.characteristic_names.difference(names, sort=False))
