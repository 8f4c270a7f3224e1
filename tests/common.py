"""What several tests share: one small market, and the question whether bad input is refused in so many words."""

import numpy as np
import pandas as pd
import pytest

from helpers.panel import Panel


def small_panel(missing=0.0, n_dates=40, n_tickers=12, seed=0):
    """A market without structure: three characteristics, two portfolios, and a share of the returns missing."""
    random = np.random.default_rng(seed)
    returns = random.normal(0.01, 0.1, (n_dates, n_tickers))
    returns[random.random(returns.shape) < missing] = np.nan
    return Panel(
        returns=returns,
        characteristics=random.normal(0, 1, (n_dates, n_tickers, 3)),
        portfolios=random.normal(0.01, 0.05, (n_dates, 2)),
        dates=pd.date_range("2000-01-31", periods=n_dates, freq="ME"),
        tickers=[f"T{s:02d}" for s in range(n_tickers)],
        characteristic_names=["size", "value", "momentum"],
        portfolio_names=["market", "oil"],
    )


def with_value(array, position, value):
    """A copy of the array with another value at a position."""
    changed = np.array(array, dtype=float)
    changed[position] = value
    return changed


def assert_refused(call, error, *fragments):
    """The call raises this very kind of error, and its message contains every fragment."""
    __tracebackhide__ = True
    with pytest.raises(error) as refusal:
        call()
    message = str(refusal.value)
    absent = [fragment for fragment in fragments if fragment not in message]
    assert not absent, f"{absent} not in the message: {message}"
