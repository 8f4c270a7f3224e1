"""The small tested module behind the course on factor models.

Three nouns carry everything: a `Panel` holds the data, a `FactorModel` is fitted to it, a `SimulatedMarket` knows the truth.
Every model is the same equation,

    r̂_s^(d) = β_s^(d) · F^(d)

and they differ only in what is given and what is solved for.

`import helpers` loads nothing else; each part is loaded when it is first used.
"""

from importlib import import_module

_HOMES = {
    "Panel": "panel",
    "managed_portfolios": "panel",
    "rank_across_tickers": "panel",
    "split_by_date": "panel",
    "FactorModel": "models",
    "TimeSeriesRegression": "regression",
    "CrossSectionalRegression": "regression",
    "PCAFactors": "pca",
    "InstrumentedPCA": "ipca",
    "SimulatedMarket": "synthetic",
    "simulate_market": "synthetic",
    "simulate_constant_betas": "synthetic",
    "ConditionalAutoencoder": "autoencoder",
    "make_model": "autoencoder",
    "train_validation_arrays": "autoencoder",
    "total_r2": "evaluation",
    "predictive_r2": "evaluation",
    "information_coefficient": "evaluation",
    "WalkForward": "walk_forward",
    "out_of_sample": "walk_forward",
    "characteristics_from_prices": "characteristics",
    "read_panel": "reader",
}
_MODULES = {"backend", "cells", "checks", "clinic", "datasets", "least_squares", "plotting", "portfolios", "published"}
_MODULES |= {"table6", "widgets", *_HOMES.values()}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(import_module(f"helpers.{_HOMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"helpers.{name}")
    raise AttributeError(f"module 'helpers' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_HOMES, *_MODULES})
