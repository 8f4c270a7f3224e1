"""Real returns as a Panel ready for the models: those that ship inside the declared libraries; offline.

Their files are read, the libraries are not loaded: these take 100 to 200 MB, for which most lessons have no use.
"""

from importlib.metadata import distribution

import pandas as pd

from helpers.panel import Panel

FRENCH_FACTORS = {"MktRF": "market", "SMB": "size", "HML": "value", "Mom": "momentum"}
INDUSTRIES = ("NoDur", "Durbl", "Manuf", "Enrgy", "Chems", "BusEq", "Telcm", "Utils", "Shops", "Hlth", "Money", "Other")


def load_industries() -> Panel:
    """Twelve American industries with the market, size, value and momentum factors: monthly, 1949 to 2017.

    Returns
    -------
    Panel
        819 dates x 12 tickers (the industries, in excess of the risk-free rate); portfolios: the four factors.
        Fractions per month.

    References
    ----------
    Ken French's data library, as it ships in `linearmodels.datasets.french`.

    Examples
    --------
    >>> load_industries()["2000":]
    Panel(207 dates x 12 tickers, 0 characteristics, 4 portfolios, 0.0% missing, 2000-01-31 to 2017-03-31)
    """
    return _french_panel(INDUSTRIES)


def load_sorted_portfolios() -> Panel:
    """Eighteen portfolios of American stocks sorted by size and value (S1V1 to S5V5) or momentum (S1M1 to S5M5).

    S1 holds small firms, S5 large ones; V1 firms of low value (growth), V5 of high value; M1 losers, M5 winners.

    Returns
    -------
    Panel
        819 dates x 18 tickers, in excess of the risk-free rate; portfolios: the four factors. Fractions per month.

    References
    ----------
    Ken French's data library, as it ships in `linearmodels.datasets.french`.
    """
    return _french_panel([f"S{size}{by}{rank}" for by in "VM" for size in (1, 3, 5) for rank in (1, 3, 5)])


def load_stocks() -> Panel:
    """Twenty large American stocks, AAPL among them, with five factor ETFs: daily, 2014 to 2022.

    Returns
    -------
    Panel
        2,263 dates x 20 tickers; portfolios: the ETFs MTUM (momentum), QUAL (quality), SIZE, USMV (low volatility),
        VLUE (value). Fractions per day, not in excess of any rate.

    Notes
    -----
    The stocks were chosen for being large in 2022: survivors, not a sample of the market of 2014.

    References
    ----------
    `skfolio.datasets.load_sp500_dataset` and `load_factors_dataset`.
    """
    etfs, prices = (
        _shipped("skfolio", f"datasets/data/{name}_dataset.csv.gz").set_index("Date") for name in ("factors", "sp500")
    )
    prices = prices.loc[etfs.index]
    returns, etf_returns = (table.pct_change().iloc[1:] for table in (prices, etfs))
    return Panel(returns=returns, portfolios=etf_returns)


def _french_panel(tickers):
    table = _shipped("linearmodels", "datasets/french/french.csv.bz2").set_index("dates")
    table.index = table.index + pd.offsets.MonthEnd(0)
    return Panel(
        returns=table[list(tickers)].sub(table["RF"], axis=0),
        portfolios=table[list(FRENCH_FACTORS)].rename(columns=FRENCH_FACTORS),
    )


def _shipped(library, name):
    """The table in a file of an installed library, its first column dates."""
    return pd.read_csv(distribution(library).locate_file(f"{library}/{name}"), parse_dates=[0])
