"""Markets made by the model itself, so that the truth is known and every claim can be checked against it."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.checks import as_choice, as_count, as_finite, as_flag, as_positive, read_only
from helpers.data.ranks import rank_across_tickers
from helpers.equation import product
from helpers.panel import Panel, require_panel
from helpers.tables import DATES_AND_TICKERS, Tables

FAMILIAR_TICKERS = tuple(
    "AAPL MSFT AMZN GOOG META NVDA TSLA INTC IBM CSCO JPM BAC GS XOM CVX "
    "JNJ PFE MRK PG KO PEP WMT HD MCD NKE DIS GE BA CAT F".split()
)


@dataclass(frozen=True, eq=False)
class SimulatedMarket:
    """A panel together with the truth that made it.

    Parameters
    ----------
    panel : Panel
    betas : (n_dates, n_tickers, n_factors)
        The true β.
    factors : (n_dates, n_factors)
        The true F, in fractions per period.
    """

    panel: Panel
    betas: np.ndarray
    factors: np.ndarray

    def __post_init__(self):
        require_panel(self.panel)
        tables = Tables()
        tables.takes_in("the panel", {"n_dates": self.panel.dates, "n_tickers": self.panel.tickers})
        betas = tables.array("betas", self.betas, (*DATES_AND_TICKERS, "n_factors"))
        factors = tables.array("factors", self.factors, ("n_dates", "n_factors"))
        object.__setattr__(self, "betas", read_only(np.array(betas)))
        object.__setattr__(self, "factors", read_only(np.array(factors)))

    @property
    def reconstruction(self) -> np.ndarray:
        """What the true β · F explains of the returns, (n_dates, n_tickers): no model can be expected to do better."""
        return product(self.betas, self.factors)

    def __getitem__(self, dates: Any) -> "SimulatedMarket":
        """The market of some of its dates, as `panel[dates]`."""
        rows = self.panel.rows(dates)
        return SimulatedMarket(self.panel[dates], self.betas[rows], self.factors[rows])


def simulate_market(
    case: Literal["linear", "nonlinear"] = "linear",
    n_dates: int = 180,
    n_tickers: int = 200,
    n_characteristics: int = 50,
    seed: int = 0,
    stationary: bool = False,
    premium: float = 0.03,
    persistence: ArrayLike | None = None,
) -> SimulatedMarket:
    """A market in which β is a known function of the characteristics: the simulation of Gu, Kelly and Xiu.

        r_s^(d) = β_s^(d) · F^(d) + ε_s^(d)        β = g(c)        F^(d) = W x^(d) + η^(d)
        c̄_j^(d) = ρ_j c̄_j^(d-1) + e_j^(d)         c = 2 rank(c̄) / (n_tickers + 1) - 1, across tickers
        "linear":    g(c) = (1.2 c1, c2, 0.8 c3)
        "nonlinear": g(c) = (c1², 2 c1 c2, 0.6 sgn(c3))

    x ~ N(premium, 0.1² I) are the observed portfolios, of which the first three (W = [I 0]) make the factors; η ~
    N(0, 0.01² I); ε = 0.1 t_5; ρ_j ~ U[0.9, 1]; e ~ N(0, 1). The other characteristics and portfolios are noise.

    Parameters
    ----------
    case : {"linear", "nonlinear"}
    n_dates, n_tickers : int
    n_characteristics : int
        At least 3; there are as many observed portfolios.
    seed : int
    stationary : bool
        Whether c̄ begins as spread out across tickers as it will stay, with the variance 1 / (1 - ρ²), or with a single
        e. The paper does not say. Spread out from the beginning, tickers change places less, and constant β explains a
        little more.
    premium : float
        The mean of every portfolio, a fraction per period. With 0, what is known before a date says nothing about its
        returns, while β · F explains as much as ever.
    persistence : (n_characteristics,), optional
        ρ, between 0 and 1, and below 1 if stationary. Left out, it is drawn from U[0.9, 1] and differs from seed to
        seed. All other draws of a seed are the same with any ρ. The labels of a Series must be c1, c2 and so on.

    Returns
    -------
    SimulatedMarket
        Its portfolios are x, in fractions per period. Row d of the characteristics is the paper's c_{t-1}: known before
        r_t.

    References
    ----------
    Gu, Kelly, Xiu (2021), section 4.

    Examples
    --------
    >>> market = simulate_market("nonlinear", n_dates=24, n_tickers=10, n_characteristics=4)
    >>> market.panel.characteristics.shape, market.betas.shape, market.factors.shape
    ((24, 10, 4), (24, 10, 3), (24, 3))
    """
    as_choice("case", case, ("linear", "nonlinear"))
    n_dates, n_tickers = as_count("n_dates", n_dates), as_count("n_tickers", n_tickers, at_least=2)
    p = as_count("n_characteristics", n_characteristics, at_least=3, why="The first three make the betas.")
    premium = as_finite("premium", premium)
    random = np.random.default_rng(as_count("seed", seed, at_least=0))

    stationary = as_flag("stationary", stationary)

    names = pd.Index([f"c{j}" for j in range(1, p + 1)])
    rho = random.uniform(0.9, 1.0, p)  # drawn even if another is given, so that what is drawn next is the same
    if persistence is not None:
        rho = _as_persistence(persistence, names, stationary)
    raw = random.standard_normal((n_dates, n_tickers, p))
    if stationary:
        raw[0] /= np.sqrt(1 - rho**2)
    for d in range(1, n_dates):
        raw[d] += rho * raw[d - 1]
    c = rank_across_tickers(raw)

    c1, c2, c3 = c[..., 0], c[..., 1], c[..., 2]
    betas = np.stack([1.2 * c1, c2, 0.8 * c3] if case == "linear" else [c1**2, 2 * c1 * c2, 0.6 * np.sign(c3)], axis=-1)
    portfolios = random.normal(premium, 0.1, (n_dates, p))
    factors = portfolios[:, :3] + random.normal(0.0, 0.01, (n_dates, 3))
    noise = 0.1 * random.standard_t(5, (n_dates, n_tickers))
    panel = Panel(
        returns=product(betas, factors) + noise,
        characteristics=c,
        portfolios=portfolios,
        tickers=[f"S{s:03d}" for s in range(1, n_tickers + 1)],
        characteristic_names=names,
        portfolio_names=[f"x{j}" for j in range(1, p + 1)],
    )
    return SimulatedMarket(panel, betas, factors)


def _as_persistence(persistence, names, stationary):
    """ρ as an array, refused where it is that of other characteristics or does not lie between 0 and 1."""
    tables = Tables()
    tables.takes_in("the market", {"n_characteristics": names})
    rho = tables.array("persistence", persistence, ("n_characteristics",))
    outside = (rho < 0) | (rho > 1) | (stationary & (rho == 1))
    if outside.any():
        raise ValueError(
            "persistence must lie between 0 and 1, and below 1 if stationary=True, since a random walk never stops "
            f"spreading; {rho[outside][0]:g} was given."
        )
    return rho


def simulate_constant_betas(
    n_dates: int = 240, n_tickers: int = 30, noise: float = 0.05, seed: int = 0
) -> SimulatedMarket:
    """A market of familiar tickers with constant sensitivities to a market, a size and a value factor.

        r_s^(d) = β_s · F^(d) + ε_s^(d)        ε ~ N(0, noise²)

    The market factor has mean 0.6 % and standard deviation 4.5 % a month, size and value 0.2 % and 3 %. Sensitivities
    to the market scatter around 1 (standard deviation 0.3), those to size and value around 0 (0.5). The names are real,
    every number is invented.

    Parameters
    ----------
    n_dates : int
        Months.
    n_tickers : int
        The first 30 have familiar names.
    noise : float
        The standard deviation of ε, a fraction per month.
    seed : int

    Returns
    -------
    SimulatedMarket
        Its portfolios are the true factors; its characteristics are the true sensitivities, the same at every date.
    """
    n_dates, n_tickers = as_count("n_dates", n_dates), as_count("n_tickers", n_tickers)
    noise = as_positive("noise", noise, zero=True)
    random = np.random.default_rng(as_count("seed", seed, at_least=0))
    names = ("market", "size", "value")
    factors = random.normal((0.006, 0.002, 0.002), (0.045, 0.03, 0.03), (n_dates, 3))
    constant = random.normal((1.0, 0.0, 0.0), (0.3, 0.5, 0.5), (n_tickers, 3))
    betas = np.broadcast_to(constant, (n_dates, n_tickers, 3))
    unfamiliar = [f"S{s:03d}" for s in range(len(FAMILIAR_TICKERS) + 1, n_tickers + 1)]
    panel = Panel(
        returns=factors @ constant.T + noise * random.standard_normal((n_dates, n_tickers)),
        characteristics=betas,
        portfolios=factors,
        dates=pd.date_range("2000-01-31", periods=n_dates, freq="ME"),
        tickers=[*FAMILIAR_TICKERS[:n_tickers], *unfamiliar],
        characteristic_names=[f"{name} beta" for name in names],
        portfolio_names=names,
    )
    return SimulatedMarket(panel, betas, factors)
